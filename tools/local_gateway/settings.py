"""What a person or a test may choose about the gateway; everything else comes from template.yaml."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tools.local_gateway.template import Function

MAX_WORKERS_PER_FUNCTION: Final = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes; None is no limit.

    `body_bytes` bounds a request's body as it comes over HTTP, `event_bytes` the JSON event that holds it as base64,
    `answer_bytes` the JSON that a function returns.
    """

    body_bytes: int
    event_bytes: int | None
    answer_bytes: int | None


# CONTRACT.md, row 15: without AWS_LIMITS bodies up to 100 MiB pass, so that the function itself can refuse a file.
LOCAL_LIMITS: Final = Limits(body_bytes=104_857_600, event_bytes=None, answer_bytes=None)
# Quotas of API Gateway (10 MB) and of a synchronous Lambda call (6 MB each way, to the byte as the service counts).
AWS_LIMITS: Final = Limits(body_bytes=10_485_760, event_bytes=6_291_556, answer_bytes=6_291_556)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits, patience in seconds, and worker processes by the function's logical id.

    `integration_seconds` is API Gateway's own: waiting for a free worker counts. `stall_seconds` is how long a client
    may take for its headers, send nothing of a body, or take nothing of an answer; `body_seconds` how long a whole body
    may take; `linger_seconds` how long a refused body is read, so that its sender sees the refusal and no reset.
    `redelivery_seconds` is how long a queue's message stays away after it failed: on AWS for the rest of the queue's
    visibility timeout, minutes that nobody wants to wait for here.
    """

    limits: Limits = LOCAL_LIMITS
    integration_seconds: float = 29.0
    stall_seconds: float = 30.0
    body_seconds: float = 600.0
    linger_seconds: float = 10.0
    init_seconds: float = 120.0
    redelivery_seconds: int = 5
    keep_alive_seconds: int = 5  # as Node.js does; some clients exit only when an idle connection is closed
    shutdown_seconds: int = 2
    workers: Mapping[str, int] = field(default_factory=dict)

    def workers_for(self, function: Function, *, in_background: bool = False) -> int:
        """How many calls of a function run at once. An image function's work fills a core, a zip function's waits.

        One in the background leaves cores and memory to those that somebody waits for.
        """
        chosen = self.workers.get(function.name)
        if chosen is not None:
            return chosen
        if in_background:
            return 1
        return min(MAX_WORKERS_PER_FUNCTION, usable_cores()) if function.is_image else MAX_WORKERS_PER_FUNCTION


def usable_cores() -> int:
    """The cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
