"""Structured logs and stage times. No body, key, token or file name ever goes into either."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from aws_lambda_powertools import Logger

logger: Final = Logger(service="rmbg")
_is_silent: ContextVar[bool] = ContextVar("is_silent", default=False)


class StageTimer:
    """Wall-clock milliseconds of each stage of one request, in their order."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            elapsed = (time.perf_counter() - start) * 1000
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + elapsed

    @property
    def server_timing(self) -> str:
        """The value of a Server-Timing header (W3C Server Timing)."""
        return ", ".join(f"{name};dur={elapsed:.1f}" for name, elapsed in self.milliseconds.items())


def count_metric(name: str) -> None:
    """Count one occurrence of what an operator should hear of (CloudWatch embedded metric format, no dimensions)."""
    if _is_silent.get():
        return
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace="rmbg"):
        pass


@contextmanager
def silence() -> Iterator[None]:
    """Neither log lines nor metrics inside of the block: for a tool whose standard output is its answer."""
    level = logger.log_level
    token = _is_silent.set(True)
    logger.setLevel("CRITICAL")
    try:
        yield
    finally:
        logger.setLevel(level)
        _is_silent.reset(token)
