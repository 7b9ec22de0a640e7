"""The pipeline's own decisions: how large a picture is decoded, and when freed memory is returned."""

from pathlib import Path

import pytest
from PIL import Image

from functions.background_removal.imaging import memory, pipeline
from rmbg.domain.geometry import plan_geometry
from rmbg.domain.options import Options, OutputFormat
from tests.support.pictures import encoded

SIDE_PX = 320


class Network:
    side_px = SIDE_PX

    def __init__(self, model_dir: Path, threads: int) -> None: ...

    def release_memory(self) -> None: ...


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> pipeline.Pipeline:
    monkeypatch.setattr(pipeline, "Segmenter", Network)
    return pipeline.Pipeline(Path(), threads=1)


@pytest.mark.parametrize(("size", "releases"), [((2000, 10_000), 0), ((2001, 10_000), 2)])
def test_memory_is_released_around_large_results(
    monkeypatch: pytest.MonkeyPatch, without_network: pipeline.Pipeline, size: tuple[int, int], releases: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(pipeline, "release_freed_memory", lambda: calls.append(None))
    assert size[0] * size[1] >= memory.LARGE_PIXELS
    cutout = without_network.encode(Image.new("L", size), Options(format=OutputFormat.PNG))
    assert cutout.size == size
    assert len(calls) == releases


def test_releasing_needs_nothing_and_breaks_nothing() -> None:
    memory.release_freed_memory()


def decoded_size(service: pipeline.Pipeline, data: bytes, options: Options) -> tuple[int, int]:
    header = service.inspect(data)
    return service.decode(data, header, plan_geometry(header.oriented, options)).size


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (Options(), (4000, 3000)),
        (Options(width=4000), (4000, 3000)),
        (Options(width=1001), (4000, 3000)),
        (Options(width=1000), (2000, 1500)),
        (Options(width=501), (2000, 1500)),
        (Options(width=500), (1000, 750)),
        (Options(width=249), (500, 375)),
        (Options(width=250), (1000, 750)),  # of 188 rows, twice are 376
        (Options(width=1), (500, 375)),  # an eighth is the least, and the network's side is not undercut
        (Options(width=100, height=1500, exact_resize=True), (4000, 3000)),
        (Options(width=100, height=750, exact_resize=True), (2000, 1500)),
        (Options(width=500, angle_degrees=30.0), (1000, 750)),
        (Options(width=500, mask=True), (1000, 750)),
    ],
)
def test_a_photograph_is_decoded_at_twice_the_result_at_least(
    without_network: pipeline.Pipeline, options: Options, size: tuple[int, int]
) -> None:
    assert decoded_size(without_network, encoded(Image.new("RGB", (4000, 3000)), "JPEG"), options) == size


def test_a_photograph_is_never_decoded_smaller_than_the_network_s_view(without_network: pipeline.Pipeline) -> None:
    for side, decoded in ((2 * SIDE_PX - 1, 2 * SIDE_PX - 1), (2 * SIDE_PX, SIDE_PX), (8 * SIDE_PX - 1, 640)):
        data = encoded(Image.new("RGB", (side, side)), "JPEG")
        assert decoded_size(without_network, data, Options(width=10)) == (decoded, decoded)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "BMP"])
def test_other_formats_are_decoded_whole(without_network: pipeline.Pipeline, image_format: str) -> None:
    data = encoded(Image.new("RGB", (1600, 1200)), image_format)
    assert decoded_size(without_network, data, Options(width=10)) == (1600, 1200)
