"""A process that has served two hundred different requests holds as much memory as after its first twenty."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.integration.local_gateway.gateways import children
from tests.support.mixed_requests import Request, mixed_requests, resident_bytes
from tests.support.service import Service, running_service
from tests.support.store import Store, store
from tools.local_store.tables import ACCESS_KEY, REGION

ROUNDS = 10  # of twenty requests
MOST_GROWTH = 0.05

# The handler as Lambda holds it. `once`: the network computes its first answer, and gives it to all that follow.
PROGRAM = """
import json, sys
from pathlib import Path
import onnxruntime
from functions.background_removal.http_handler import handler
from tests.support.events import Context

folder, rounds, network = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if network == "once":
    compute, computed = onnxruntime.InferenceSession.run, []
    def run(*arguments, **options):
        if not computed:
            computed.append(compute(*arguments, **options))
        return computed[0]
    onnxruntime.InferenceSession.run = run
for _ in range(rounds):
    answers = (handler(json.loads(file.read_bytes()), Context()) for file in sorted(folder.glob("*.json")))
    statuses = [answer["statusCode"] for answer in answers]
    print(json.dumps({"statuses": statuses, "status": Path("/proc/self/status").read_text()}))
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")


def is_flat(resident: list[int]) -> bool:
    """Whether the last figure is within 5 % of the first."""
    return resident[-1] <= resident[0] * (1 + MOST_GROWTH)


@pytest.fixture(scope="module")
def tables() -> Iterator[Store]:
    with store() as running:
        yield running


def resident_after_rounds(asked: list[Request], network: str, tables: Store, model: Path, folder: Path) -> list[int]:
    """Resident bytes of a handler's process after each round of requests."""
    for number, request in enumerate(asked):
        (folder / f"{number:02}.json").write_text(json.dumps(request.event))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core"))),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3538",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "MODEL_DIR": str(model),
        "CORE_TABLE": tables.core_table,
        "EPHEMERAL_TABLE": tables.ephemeral_table,
        "DYNAMODB_ENDPOINT_URL": tables.endpoint_url,
        "ANONYMOUS_DAILY_LIMIT": "10000",
        "ANONYMOUS_DAILY_LIMIT_TOTAL": "10000",
        "ANONYMOUS_BURST": "1000",
        "ANONYMOUS_RATE_PER_SECOND": "1000",
    }
    command = [sys.executable, "-c", PROGRAM, str(folder), str(ROUNDS), network]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stderr
    rounds = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"statuses"')]
    assert [one["statuses"] for one in rounds] == [[request.status for request in asked]] * ROUNDS
    return [resident_bytes(one["status"]) for one in rounds]


def test_all_but_the_network_keeps_nothing_of_its_requests(tables: Store, small_model: Path, tmp_path: Path) -> None:
    resident = resident_after_rounds(mixed_requests(scale=0.4), "once", tables, small_model, tmp_path)
    assert is_flat(resident), resident


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_image_function_holds_no_more_after_two_hundred_requests(
    tables: Store, small_model: Path, tmp_path: Path
) -> None:
    resident = resident_after_rounds(mixed_requests(), "always", tables, small_model, tmp_path)
    assert is_flat(resident), resident


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_local_gateway_and_its_workers_hold_no_more_after_two_hundred_requests(service: Service) -> None:
    """Each worker of the image function may take any request: all have had their twenty after two rounds."""
    headers = {"x-api-key": service.demo["API_KEY"]}
    after: list[dict[int, int]] = []
    for _ in range(1 + ROUNDS):
        for request in mixed_requests(scale=0.5):
            files = {"image": (request.filename, request.data)}
            answer = requests.post(
                f"{service.base_url}/rmbg", files=files, data=request.fields, headers=headers, timeout=60
            )
            assert answer.status_code == request.status, (request.filename, answer.text)
        after.append(_resident(service.process.pid))
    assert len(after[1]) > 1, "no worker was found"
    assert after[1].keys() == after[-1].keys(), "a process was replaced"
    for pid in after[1]:
        assert is_flat([round_[pid] for round_ in after[1:]]), (pid, [round_[pid] for round_ in after])


def _resident(gateway: int) -> dict[int, int]:
    """Resident bytes of the gateway and its workers, not of the store's emulator, which keeps what it is told."""
    found = {}
    for pid in (gateway, *children(gateway)):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if pid == gateway or b"local_gateway" in command:
            found[pid] = resident_bytes(Path(f"/proc/{pid}/status").read_text())
    return found


def test_growth_would_be_noticed() -> None:
    assert is_flat([100, 300, 105])
    assert not is_flat([100, 100, 106])
