"""All that the functions of `make run` call: tables with a demo account in them, and an issuer of user tokens."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tools.local_store.emulator import Emulator, running_emulator
from tools.local_store.errors import EmulatorFailed, InvalidCatalogue
from tools.local_store.files import write_private
from tools.local_store.install import install_emulator
from tools.local_store.issuer import Issuer, running_issuer
from tools.local_store.state import LockedState
from tools.local_store.tables import create_tables

CORE_TABLE: Final = "CoreTable"
EPHEMERAL_TABLE: Final = "EphemeralTable"
TOKEN_SECONDS: Final = 7 * 24 * 3600

# Enough that nobody who tries the service out meets them; what they do is tested elsewhere.
_GENEROUS: Final = {
    "ANONYMOUS_DAILY_LIMIT": "1000",
    "ANONYMOUS_DAILY_LIMIT_TOTAL": "1000",
    "ANONYMOUS_BURST": "100",
    "ANONYMOUS_RATE_PER_SECOND": "20",
}


class Demo(Protocol):
    """An account to try the service with."""

    @property
    def api_key(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def email(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Backend:
    """What runs, and what there is to tell about it."""

    emulator: Emulator
    issuer: Issuer
    demo: Demo

    def environment(self) -> dict[str, str]:
        """The functions' variables. CATALOGUE is the user's, made absolute: workers run in another folder."""
        catalogue = os.environ.get("CATALOGUE", "")
        return {
            "CORE_TABLE": CORE_TABLE,
            "EPHEMERAL_TABLE": EPHEMERAL_TABLE,
            "DYNAMODB_ENDPOINT_URL": self.emulator.endpoint_url,
            "CATALOGUE": str(Path(catalogue).absolute()) if catalogue else "",
            "OIDC_ISSUER": self.issuer.url,
            "OIDC_AUDIENCE": self.issuer.audience,
            **_GENEROUS,
        }

    def publish(self, files: "DemoFiles", base_url: str) -> None:
        """Write the key and a token for programs, and the addresses for the operator's tool. Raises OSError."""
        token = self.issuer.mint(self.demo.user_id, self.demo.email, email_verified=True, seconds=TOKEN_SECONDS)
        store = {
            "endpoint_url": self.emulator.endpoint_url,
            "core_table": CORE_TABLE,
            "ephemeral_table": EPHEMERAL_TABLE,
            "base_url": base_url,
            "catalogue": self.environment()["CATALOGUE"],
        }
        write_private(files.store, json.dumps(store) + "\n")
        files.write_demo(base_url, API_KEY=self.demo.api_key, USER_ID=self.demo.user_id, USER_TOKEN=token)


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """The files that say where to go; only there while something answers."""

    state_dir: Path

    @property
    def demo(self) -> Path:
        return self.state_dir / "demo.env"

    @property
    def store(self) -> Path:
        return self.state_dir / "store.json"

    def remove(self) -> None:
        """Of an earlier run: nothing answers there now. Raises OSError."""
        self.demo.unlink(missing_ok=True)
        self.remove_store()

    def remove_store(self) -> None:
        """Raises OSError."""
        self.store.unlink(missing_ok=True)

    def remove_kept(self) -> None:
        """What the demo account keeps between runs, if it keeps anything. Raises OSError."""
        from tools.local_store.demo import FILES

        for name in FILES:
            (self.state_dir / name).unlink(missing_ok=True)

    def write_demo(self, base_url: str, **variables: str) -> None:
        """Variables that a shell can read with `.`; BASE_URL comes first. Raises OSError."""
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in {"BASE_URL": base_url, **variables}.items())
        write_private(self.demo, "".join(lines))


@contextmanager
def running_backend(
    template: Path, state: LockedState, *, state_dir: Path, cancelled: Callable[[], bool]
) -> Iterator[Backend]:
    """Install the emulator if need be, start it and the issuer, make tables and the demo account. Blocks.

    `state_dir` is where the demo account's own file lies. Raises LocalStoreError, StartCancelled,
    TemplateError and OSError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    with ExitStack() as stack:
        install_emulator(cancelled=cancelled)
        emulator = stack.enter_context(running_emulator(state, log=state.log, cancelled=cancelled))
        issuer = stack.enter_context(running_issuer())
        try:
            create_tables(emulator.endpoint_url, template)
            demo = _demo(emulator.endpoint_url, state_dir)
        except (BotoCoreError, ClientError) as error:
            raise EmulatorFailed(f"the store could not be prepared ({error}), see {state.log}") from error
        yield Backend(emulator, issuer, demo)


def _demo(endpoint_url: str, state_dir: Path) -> Demo:
    """Raises EmulatorFailed and InvalidCatalogue."""
    from rmbg.config import InvalidSetting
    from rmbg.storage.database import StoreUnavailable
    from tools.local_store.demo import prepare_demo

    try:
        return prepare_demo(
            endpoint_url=endpoint_url, core_table=CORE_TABLE, ephemeral_table=EPHEMERAL_TABLE, state_dir=state_dir
        )
    except InvalidSetting as error:
        raise InvalidCatalogue(str(error)) from error
    except StoreUnavailable as error:
        raise EmulatorFailed(f"the store could not be prepared: {error}") from error
