"""What is known of one call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One picture through one side.

    `cpu_seconds` is the processor time of all threads: unlike `seconds`, other processes hardly change it.
    `inside_seconds` are spent in network, decoder and encoder (the same doors on both sides), `stage_seconds` in the
    stages that our function tells in its Server-Timing header. `peak_bytes` is of the process so far.
    """

    seconds: float
    cpu_seconds: float
    inside_seconds: dict[str, float]
    stage_seconds: dict[str, float]
    size_bytes: int
    peak_bytes: int
