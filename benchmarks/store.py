"""The store that both benchmarks of the service need: an emulator with empty tables."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.errors import BenchmarkError
from benchmarks.paths import CACHE, ROOT
from tools.local_store.emulator import running_emulator
from tools.local_store.errors import LocalStoreError
from tools.local_store.tables import ACCESS_KEY, REGION, create_tables


@contextmanager
def running_store() -> Iterator[Mapping[str, str]]:
    """The functions' variables for it; anonymous callers have more than a benchmark needs. Raises BenchmarkError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["sh", "tools/side_venv.sh", "ministack"], cwd=ROOT, check=False).returncode:
        raise BenchmarkError("the store's emulator could not be installed, see above")
    try:
        with running_emulator(None, log=CACHE / "emulator.log") as emulator:
            names = create_tables(emulator.endpoint_url, ROOT / "template.yaml")
            yield {
                "CORE_TABLE": names["CoreTable"],
                "EPHEMERAL_TABLE": names["EphemeralTable"],
                "DYNAMODB_ENDPOINT_URL": emulator.endpoint_url,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
                "ANONYMOUS_DAILY_LIMIT": "1000000",
                "ANONYMOUS_DAILY_LIMIT_TOTAL": "1000000",
                "ANONYMOUS_BURST": "100000",
                "ANONYMOUS_RATE_PER_SECOND": "1000",
            }
    except LocalStoreError as error:
        raise BenchmarkError(str(error)) from error
