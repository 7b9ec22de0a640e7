"""All that the functions of `make run` call: tables, buckets and queues, a demo account, an issuer of tokens."""

import importlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from tools.local_store import webhook_secret
from tools.local_store.buckets import bucket_name, create_buckets
from tools.local_store.demo_files import DemoFiles
from tools.local_store.emulator import Emulator, running_emulator
from tools.local_store.errors import EmulatorFailed, InvalidCatalogue
from tools.local_store.files import write_private
from tools.local_store.install import install_emulator
from tools.local_store.issuer import Issuer, running_issuer
from tools.local_store.queues import EmulatedQueue, create_queues, sqs_client
from tools.local_store.state import LockedState
from tools.local_store.tables import ACCESS_KEY, create_tables

CORE_TABLE: Final = "CoreTable"
EPHEMERAL_TABLE: Final = "EphemeralTable"
STRIPE_EVENTS: Final = "StripeEvents"
INPUTS_BUCKET: Final = "InputsBucket"
RESULTS_BUCKET: Final = "ResultsBucket"
TOKEN_SECONDS: Final = 7 * 24 * 3600
_SECRET_BYTES: Final = 32

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
    bucket_names: Mapping[str, str]
    webhook_secret: str
    _signing_secret: str = field(repr=False)
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
            **self._objects(),
            **{name: os.environ.get(name, "") for name in _STRIPE_API},
            **_GENEROUS,
        }

    def credentials(self) -> dict[str, str]:
        """What the functions sign URLs with that web pages may use; see `pages_environment`."""
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": self._signing_secret}

    def _objects(self) -> dict[str, str]:
        names = {"INPUTS_BUCKET": INPUTS_BUCKET, "RESULTS_BUCKET": RESULTS_BUCKET}
        buckets = {key: self.bucket_names[name] for key, name in names.items() if name in self.bucket_names}
        return {**buckets, "S3_ENDPOINT_URL": self.emulator.endpoint_url} if buckets else {}

    def publish(self, files: DemoFiles, base_url: str) -> None:
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
            **self._objects(),
        )


@contextmanager
def running_backend(
    template: Path, state: LockedState, *, state_dir: Path, cancelled: Callable[[], bool]
) -> Iterator[Backend]:
    """Install the emulator if need be, start it and the issuer, make what the template declares and the demo account.

    Blocks.

    `state_dir` is where the files of the demo account and of Stripe's secret lie. Raises LocalStoreError,
    StartCancelled, TemplateError and OSError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    with ThreadPoolExecutor(1) as beside, ExitStack() as stack:
        install_emulator(cancelled=cancelled)
        beside.submit(importlib.import_module, "boto3")  # 0.1 seconds, while the emulator takes its own time to start
        secret = secrets.token_hex(_SECRET_BYTES)
        emulator = stack.enter_context(
            running_emulator(state, log=state.log, environment=pages_environment(secret), cancelled=cancelled)
        )
        issuer = stack.enter_context(running_issuer())
        try:
            sqs = sqs_client(emulator.endpoint_url)
            stack.callback(sqs.close)
            making_queues = beside.submit(create_queues, sqs, template)
            making_buckets = beside.submit(create_buckets, emulator.endpoint_url, template)  # after the queues
            create_tables(emulator.endpoint_url, template)
            demo = _demo(emulator.endpoint_url, state_dir)
            queue_urls, bucket_names = making_queues.result(), making_buckets.result()
        except (BotoCoreError, ClientError) as error:
            raise EmulatorFailed(f"the store could not be prepared ({error}), see {state.log}") from error
        stripe_secret = webhook_secret.kept(state_dir)
        yield Backend(emulator, issuer, demo, queue_urls, bucket_names, stripe_secret, secret, sqs)


def pages_environment(secret: str) -> dict[str, str]:
    """The emulator's variables with which web pages may use what is signed with `secret`, and nothing else.

    Another secret at each start: what is well known would let any page sign for itself. Programs of this machine need
    none, whatever they sign with.
    """
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": secret,
        "PAGES_INPUTS": bucket_name(INPUTS_BUCKET),
        "PAGES_RESULTS": bucket_name(RESULTS_BUCKET),
    }


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
