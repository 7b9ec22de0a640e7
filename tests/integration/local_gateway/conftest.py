"""One gateway with the contract's limits and one with AWS's, for all tests that leave them as they were."""

from collections.abc import Iterator

import pytest

from tests.integration.local_gateway.gateways import Running, gateway

WORKERS = {"EchoFunction": 2, "BusyFunction": 2}


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    with gateway(workers=WORKERS) as gateway_:
        yield gateway_


@pytest.fixture(scope="session")
def aws() -> Iterator[Running]:
    with gateway(aws=True, workers={"EchoFunction": 1, "BusyFunction": 1}) as gateway_:
        yield gateway_


@pytest.fixture(scope="session")
def impatient() -> Iterator[Running]:
    """One worker a function, a second for an integration, half of one for silence."""
    with gateway(
        workers={"EchoFunction": 1, "BusyFunction": 1}, integration_seconds=1.0, stall_seconds=0.5, linger_seconds=2.0
    ) as gateway_:
        yield gateway_
