"""One model and memory size in the image, under the emulator."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.children.event import proxy_event
from benchmarks.errors import BenchmarkError
from benchmarks.lambda_cost.container import DiedInTheCall, running_image
from benchmarks.lambda_cost.cost import Row
from benchmarks.pictures import Pictures

STARTS = 3


def measure(
    engine: Mapping[str, str],
    image: str,
    model_dir: Path,
    memory_mb: int,
    variables: Mapping[str, str],
    pictures: Pictures,
    repeats: int,
) -> tuple[list[Row], list[dict[str, Any]]]:
    """A row for each size of picture, from small to large, and every single call.

    Each size has a container of its own, so that its peak is its own. Raises BenchmarkError where an answer is none.
    """
    rows, calls = [], []
    ready_seconds = _ready_seconds(engine, image, model_dir, memory_mb, variables)
    for megapixels, of_size in sorted(pictures.items()):
        events = [proxy_event(picture.path.read_bytes(), "webp") for picture in of_size]
        row = Row(model_dir.name, memory_mb, megapixels, None)
        try:
            with running_image(engine, memory_mb, variables, model_dir=model_dir, image=image) as container:
                for event in events:  # warm-up
                    _checked(container.invoke(event))
                cpu_before, warm = container.cpu_seconds(), len(events)
                for _ in range(repeats):
                    for event in events:
                        _checked(container.invoke(event))
                seconds = container.call_seconds()[warm:]
                cpu_seconds = (container.cpu_seconds() - cpu_before) / len(seconds)
                peak_bytes = container.memory()["VmHWM"]
            typical = statistics.fmean(statistics.median(seconds[at :: len(events)]) for at in range(len(events)))
            row = Row(model_dir.name, memory_mb, megapixels, typical, cpu_seconds, peak_bytes, ready_seconds)
            calls.append(
                {"model": model_dir.name, "memory_mb": memory_mb, "megapixels": megapixels, "seconds": seconds}
            )
        except DiedInTheCall:
            pass
        rows.append(row)
    return rows, calls


def _ready_seconds(
    engine: Mapping[str, str], image: str, model_dir: Path, memory_mb: int, variables: Mapping[str, str]
) -> float | None:
    """The best of several cold starts by the emulator's report; None where the memory does not suffice."""
    # Refused at once, so that the call is next to nothing.
    refused = proxy_event(b"", "webp") | {"headers": {"x-api-key": "mistyped"}}
    refused["multiValueHeaders"] = {"x-api-key": ["mistyped"]}
    ready = []
    for _ in range(STARTS):
        with running_image(engine, memory_mb, variables, model_dir=model_dir, image=image) as container:
            try:
                container.invoke(refused)
            except DiedInTheCall:
                return None
            ready.append(container.init_seconds())
    return min(ready)


def _checked(result: Mapping[str, Any]) -> None:
    if result["statusCode"] != 200:
        raise BenchmarkError(f"the function answered {result['statusCode']}: {str(result.get('body'))[:200]}")
