"""The image's process holds as much memory after two hundred requests as after its first twenty."""

import pytest

from benchmarks.lambda_cost.container import running_image
from tests.lab.conftest import MEMORY_MB, Environment
from tests.support.mixed_requests import mixed_requests
from tools.lab.store import ContainerStore

pytestmark = [pytest.mark.container, pytest.mark.timeout(1200)]

ROUNDS = 10  # of twenty requests
MOST_GROWTH = 0.05
# The emulator takes events of 6 MB, as Lambda does: a bitmap must be smaller than elsewhere.
SCALE = 0.9


def test_memory_stays_flat_under_the_emulator(
    built: Environment, tables: ContainerStore, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {**tables.functions, **tables.credentials, "MAX_RESPONSE_BYTES": "0"}
    variables |= {"ANONYMOUS_BURST": "1000", "ANONYMOUS_RATE_PER_SECOND": "1000"}
    asked = mixed_requests(SCALE)
    resident = []
    with running_image(built, MEMORY_MB, variables) as container:
        for _ in range(ROUNDS):
            for request in asked:
                answer = container.invoke(request.event)
                assert answer["statusCode"] == request.status, request.filename
            resident.append(container.memory()["VmRSS"])
        peak = container.memory()["VmHWM"]
    with capsys.disabled():
        print(f"\nresident MB after each twenty: {[round(size / 1e6) for size in resident]}, at most {peak / 1e6:.0f}")
    assert resident[-1] <= resident[0] * (1 + MOST_GROWTH)
