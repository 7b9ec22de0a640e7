"""The pipeline returns freed memory around the encoding of large pictures, and of no others."""

import pytest
from PIL import Image

from functions.background_removal.imaging import memory, pipeline
from rmbg.domain.options import Options, OutputFormat


@pytest.mark.parametrize(("size", "releases"), [((2000, 10_000), 0), ((2001, 10_000), 2)])
def test_memory_is_released_around_large_results(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], releases: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(pipeline, "release_freed_memory", lambda: calls.append(None))
    without_network = pipeline.Pipeline.__new__(pipeline.Pipeline)
    assert size[0] * size[1] >= memory.LARGE_PIXELS
    cutout = without_network.encode(Image.new("L", size), Options(format=OutputFormat.PNG))
    assert cutout.size == size
    assert len(calls) == releases


def test_releasing_needs_nothing_and_breaks_nothing() -> None:
    memory.release_freed_memory()
