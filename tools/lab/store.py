"""The tables of template.yaml where containers reach them, with a demo account: for what runs without a deployment."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.lab.commands import ROOT, side_venv
from tools.lab.engine import STATE
from tools.lab.network import doorway
from tools.local_store.demo import prepare_demo
from tools.local_store.emulator import running_emulator
from tools.local_store.tables import ACCESS_KEY, REGION, create_tables

# Enough that no sample and no test meets them by accident.
_GENEROUS = {
    "ANONYMOUS_DAILY_LIMIT": "1000",
    "ANONYMOUS_DAILY_LIMIT_TOTAL": "1000",
    "ANONYMOUS_BURST": "100",
    "ANONYMOUS_RATE_PER_SECOND": "20",
}


@dataclass(frozen=True)
class ContainerStore:
    """`endpoint_url` is for this machine, `functions` are the variables of functions in containers."""

    endpoint_url: str
    core_table: str
    ephemeral_table: str
    functions: dict[str, str]
    api_key: str

    @property
    def credentials(self) -> dict[str, str]:
        """Under which containers are started, and SAM: an emulator keeps its data by account and region."""
        return {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        }


@contextmanager
def container_store(engine: dict[str, str]) -> Iterator[ContainerStore]:
    """An emulator with tables and the demo account, gone with the block. `engine` is the engine's environment.

    Raises CommandFailed, LocalStoreError, StoreUnavailable, InvalidSetting and OSError.
    """
    side_venv("ministack")
    door = doorway(engine)
    with (
        tempfile.TemporaryDirectory(prefix="rmbg-lab-") as folder,
        running_emulator(
            None, log=STATE / "store.log", bind_host=door.bind_host, also_called=[door.container_host]
        ) as emulator,
    ):
        tables = create_tables(emulator.endpoint_url, ROOT / "template.yaml")
        core, ephemeral = tables["CoreTable"], tables["EphemeralTable"]
        demo = prepare_demo(
            endpoint_url=emulator.endpoint_url, core_table=core, ephemeral_table=ephemeral, state_dir=Path(folder)
        )
        port = emulator.endpoint_url.rpartition(":")[2]
        functions = {
            "CORE_TABLE": core,
            "EPHEMERAL_TABLE": ephemeral,
            "DYNAMODB_ENDPOINT_URL": f"http://{door.container_host}:{port}",
            "CATALOGUE": "",
            "OIDC_ISSUER": "",
            "OIDC_AUDIENCE": "",
            **_GENEROUS,
        }
        yield ContainerStore(emulator.endpoint_url, core, ephemeral, functions, demo.api_key)
