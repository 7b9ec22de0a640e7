"""All that the functions of `make run` call: tables with a demo account in them, queues, an issuer of user tokens."""

import importlib
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from tools.local_store import webhook_secret
from tools.local_store.emulator import Emulator, running_emulator
from tools.local_store.errors import EmulatorFailed, InvalidCatalogue
from tools.local_store.files import write_private
from tools.local_store.install import install_emulator
from tools.local_store.issuer import Issuer, running_issuer
from tools.local_store.queues import EmulatedQueue, create_queues, sqs_client
from tools.local_store.state import LockedState
from tools.local_store.tables import create_tables

CORE_TABLE: Final = "CoreTable"
EPHEMERAL_TABLE: Final = "EphemeralTable"
STRIPE_EVENTS: Final = "StripeEvents"
TOKEN_SECONDS: Final = 7 * 24 * 3600

# Of the user's own: with them, events are looked up at Stripe, or at what STRIPE_API_BASE names in its place.
_STRIPE_API: Final = ("STRIPE_API_KEY", "STRIPE_API_BASE")

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
    queue_urls: Mapping[str, str]
    webhook_secret: str
    _sqs: Any = field(repr=False)

    @property
    def queues(self) -> dict[str, EmulatedQueue]:
        """The template's queues, by logical id, for whoever polls them."""
        return {name: EmulatedQueue(self._sqs, name, url) for name, url in self.queue_urls.items()}

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
            "SQS_ENDPOINT_URL": self.emulator.endpoint_url,
            "STRIPE_WEBHOOK_SECRETS": self.webhook_secret,
            **({"STRIPE_EVENTS_QUEUE_URL": self.queue_urls[STRIPE_EVENTS]} if STRIPE_EVENTS in self.queue_urls else {}),
            **{name: os.environ.get(name, "") for name in _STRIPE_API},
            **_GENEROUS,
        }

    def publish(self, files: "DemoFiles", base_url: str) -> None:
        """Write what programs sign in and sign with, and the addresses for the operator's tool. Raises OSError."""
        token = self.issuer.mint(self.demo.user_id, self.demo.email, email_verified=True, seconds=TOKEN_SECONDS)
        store = {
            "endpoint_url": self.emulator.endpoint_url,
            "core_table": CORE_TABLE,
            "ephemeral_table": EPHEMERAL_TABLE,
            "base_url": base_url,
            "catalogue": self.environment()["CATALOGUE"],
        }
        write_private(files.store, json.dumps(store) + "\n")
        files.write_demo(
            base_url,
            API_KEY=self.demo.api_key,
            USER_ID=self.demo.user_id,
            USER_TOKEN=token,
            STRIPE_WEBHOOK_SECRET=self.webhook_secret,
        )


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
        """What the demo account and Stripe's secret keep between runs, if they keep anything. Raises OSError."""
        from tools.local_store.demo import FILES

        for name in (*FILES, webhook_secret.FILE):
            (self.state_dir / name).unlink(missing_ok=True)

    def write_demo(self, base_url: str, **variables: str) -> None:
        """Variables that a shell can read with `.`; BASE_URL comes first. Raises OSError."""
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in {"BASE_URL": base_url, **variables}.items())
        write_private(self.demo, "".join(lines))


@contextmanager
def running_backend(
    template: Path, state: LockedState, *, state_dir: Path, cancelled: Callable[[], bool]
) -> Iterator[Backend]:
    """Install the emulator if need be, start it and the issuer, make tables, queues and the demo account. Blocks.

    `state_dir` is where the files of the demo account and of Stripe's secret lie. Raises LocalStoreError,
    StartCancelled, TemplateError and OSError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    with ThreadPoolExecutor(1) as beside, ExitStack() as stack:
        install_emulator(cancelled=cancelled)
        beside.submit(importlib.import_module, "boto3")  # 0.1 seconds, while the emulator takes its own time to start
        emulator = stack.enter_context(running_emulator(state, log=state.log, cancelled=cancelled))
        issuer = stack.enter_context(running_issuer())
        try:
            sqs = sqs_client(emulator.endpoint_url)
            stack.callback(sqs.close)
            making_queues = beside.submit(create_queues, sqs, template)
            create_tables(emulator.endpoint_url, template)
            demo = _demo(emulator.endpoint_url, state_dir)
            queue_urls = making_queues.result()
        except (BotoCoreError, ClientError) as error:
            raise EmulatorFailed(f"the store could not be prepared ({error}), see {state.log}") from error
        yield Backend(emulator, issuer, demo, queue_urls, webhook_secret.kept(state_dir), sqs)


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
