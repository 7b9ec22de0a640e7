"""Which store a command works on: that of `make run`, or a deployed stack's."""

import json
import os
from pathlib import Path
from typing import Any, Final

from rmbg.storage.database import Database
from rmbg.storage.store import Store

ROOT: Final = Path(__file__).resolve().parents[2]
DEFAULT_STACK: Final = "rmbg"
_OUTPUTS: Final = ("CoreTable", "EphemeralTable")


class NoStore(Exception):
    """There is no store to work on; the message says what to do about it."""


def catalogue_path(*, local: bool) -> str:
    """The file of plans: that of CATALOGUE, else with `local` the running service's; empty for the shipped one."""
    given = os.environ.get("CATALOGUE", "")
    if given or not local:
        return given
    return str(_local_names().get("catalogue", ""))


def local_store() -> Store:
    """The store of the `make run` that is running with this STATE_DIR. Raises NoStore."""
    from tools.local_store.tables import dynamodb_client

    names = _local_names()
    try:
        client = dynamodb_client(names["endpoint_url"])
        return Store(Database(client), names["core_table"], names["ephemeral_table"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(error) from error


def deployed_store(stack: str) -> Store:
    """The tables of a stack, under the caller's own rights on AWS. Raises NoStore."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
        core, ephemeral = (outputs[name] for name in _OUTPUTS)
        return Store(Database(boto3.client("dynamodb")), core, ephemeral)
    except (BotoCoreError, ClientError) as error:
        raise NoStore(f"AWS: {error} (the store of `make run` is --local)") from error
    except KeyError as error:
        raise NoStore(f"the stack {stack} has no output {error}: is it one of rmbg, and of this version?") from error


def _local_names() -> dict[str, Any]:
    file = ROOT / (os.environ.get("STATE_DIR") or ".local") / "store.json"
    try:
        names = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoStore("`make run` is not running here: start it, or set STATE_DIR as it has it") from None
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    if not isinstance(names, dict):
        raise _unreadable(TypeError())
    return names


def _unreadable(error: Exception) -> NoStore:
    return NoStore(f"store.json of `make run` cannot be read ({type(error).__name__}): start it again")
