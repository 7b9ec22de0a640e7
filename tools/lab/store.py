"""Tables and buckets as template.yaml has them, where containers reach them: for what runs without a deployment."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.lab.commands import ROOT, side_venv
from tools.lab.engine import STATE
from tools.lab.network import doorway
from tools.local_store.buckets import s3_client
from tools.local_store.demo import prepare_demo
from tools.local_store.emulator import running_emulator
from tools.local_store.tables import ACCESS_KEY, REGION, create_tables
from tools.sample_objects import SAMPLE_BUCKET

_RESULTS_BUCKET = "rmbg-sample-results"
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
    inputs_bucket: str
    results_bucket: str
    functions: dict[str, str]
    user_id: str
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
    """An emulator with tables, buckets and the demo account, gone with the block. `engine` is the engine's environment.

    Nothing tells a function of what is put into a bucket: it is invoked by hand. Raises CommandFailed, LocalStoreError,
    StoreUnavailable, InvalidSetting and OSError.
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
        s3 = s3_client(emulator.endpoint_url)
        for bucket in (SAMPLE_BUCKET, _RESULTS_BUCKET):
            s3.create_bucket(Bucket=bucket)
        port = emulator.endpoint_url.rpartition(":")[2]
        endpoint_url = f"http://{door.container_host}:{port}"
        functions = {
            "CORE_TABLE": core,
            "EPHEMERAL_TABLE": ephemeral,
            "DYNAMODB_ENDPOINT_URL": endpoint_url,
            "INPUTS_BUCKET": SAMPLE_BUCKET,
            "RESULTS_BUCKET": _RESULTS_BUCKET,
            "S3_ENDPOINT_URL": endpoint_url,
            "COMPLETION_TOPIC_ARN": "",
            "CATALOGUE": "",
            "OIDC_ISSUER": "",
            "OIDC_AUDIENCE": "",
            **_GENEROUS,
        }
        yield ContainerStore(
            endpoint_url=emulator.endpoint_url,
            core_table=core,
            ephemeral_table=ephemeral,
            inputs_bucket=SAMPLE_BUCKET,
            results_bucket=_RESULTS_BUCKET,
            functions=functions,
            user_id=demo.user_id,
            api_key=demo.api_key,
        )
