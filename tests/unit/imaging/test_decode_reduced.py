"""A JPEG decoded at a fraction of its size is the same picture, and refused when it would be refused in full."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from functions.background_removal.imaging.decode import decode
from functions.background_removal.imaging.inspect import inspect
from rmbg.domain.geometry import Size
from rmbg.domain.pictures import InvalidImage
from tests.conftest import CORPUS
from tests.support.pictures import disc, encoded, quadrants

LEAST = Size(400, 320)
FILES = sorted((CORPUS / "robust" / "images").rglob("*.jp*g"))


def photograph(width: int, height: int) -> Image.Image:
    """Structure of all sizes, as a photograph has it: noise whose power falls with its frequency."""
    random = np.random.default_rng(8)
    layers = []
    for octave in range(1, 9):
        grain = random.normal(0, 1, (max(2, height >> octave), max(2, width >> octave), 3)).astype(np.float32)
        layers.append(
            np.stack(
                [
                    np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC))
                    for channel in np.moveaxis(grain, -1, 0)
                ],
                axis=-1,
            )
            * 1.4**octave
        )
    levels: npt.NDArray[np.float64] = np.sum(layers, axis=0)
    return Image.fromarray((128 + levels * 45 / levels.std()).clip(0, 255).astype(np.uint8))


def outcome(data: bytes, least: Size | None) -> Image.Image | str:
    try:
        return decode(data, inspect(data), least).rgb
    except InvalidImage as error:
        return str(error)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_no_side_gets_shorter_than_asked_and_the_picture_is_upright(mode: str, orientation: int) -> None:
    stored = quadrants(4000, 3000).convert(mode)
    exif = stored.getexif()
    exif[0x0112] = orientation
    data = encoded(stored, "JPEG", exif=exif, quality=90)
    header = inspect(data)
    for least, factor in ((Size(400, 300), 8), (Size(501, 300), 4), (Size(400, 600), 4), (Size(2001, 1), 1)):
        wanted = least.transposed if header.is_turned else least
        small = decode(data, header, wanted)
        assert small.size == Size(header.oriented.width // factor, header.oriented.height // factor)
    reduced, whole = decode(data, header, LEAST).rgb, decode(data, header).rgb
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)):
        got, expected = (
            np.array(image.getpixel((int(x * image.width), int(y * image.height)))) for image in (reduced, whole)
        )
        assert np.abs(got - expected).max() <= 2


@pytest.mark.parametrize("size", [(4000, 3000), (3999, 2993), (2001, 1501)])
def test_sides_that_do_not_divide_evenly(size: tuple[int, int]) -> None:
    data = encoded(Image.new("RGB", size, (200, 60, 40)), "JPEG")
    for least in (Size(1, 1), LEAST, Size(*size), Size(size[0] + 1, 1)):
        small = decode(data, inspect(data), least)
        assert small.size.width >= min(least.width, size[0])
        assert small.size.height >= min(least.height, size[1])
        assert small.rgb.getextrema() == decode(data, inspect(data)).rgb.getextrema()


def test_the_smallest_pictures() -> None:
    for size in ((1, 1), (7, 1), (1, 8), (8, 8), (16, 9), (17, 1)):
        data = encoded(Image.new("RGB", size, (200, 60, 40)), "JPEG")
        assert min(decode(data, inspect(data), Size(1, 1)).size) >= 1


@pytest.mark.parametrize("settings", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 2}])
def test_a_photograph_reduced_is_the_photograph(settings: dict[str, int]) -> None:
    data = encoded(photograph(1600, 1200), "JPEG", quality=92, **settings)
    header = inspect(data)
    whole = decode(data, header).rgb
    for factor in (2, 4):
        small = decode(data, header, Size(1600 // factor, 1200 // factor)).rgb
        assert small.width == 1600 // factor
        result = (1600 // factor // 2, 1200 // factor // 2)
        got, expected = (
            np.asarray(image.resize(result, Image.Resampling.LANCZOS)).astype(int) for image in (small, whole)
        )
        assert np.abs(got - expected).mean() < 2


def test_this_photograph_has_detail_that_a_bad_reduction_would_spoil() -> None:
    image = photograph(1600, 1200)
    blurred = image.filter(ImageFilter.GaussianBlur(4)).resize((400, 300), Image.Resampling.LANCZOS)
    sharp = image.resize((400, 300), Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(blurred).astype(int) - np.asarray(sharp)).mean() > 2


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_what_is_cut_short_is_refused_alike(mode: str, progressive: bool) -> None:
    data = encoded(disc(700, 500).convert(mode), "JPEG", progressive=progressive, quality=90)
    for share in (0.02, 0.1, 0.3, 0.5, 0.8, 0.95, 0.999):
        cut = data[: int(len(data) * share)]
        assert outcome(cut, Size(80, 60)) == outcome(cut, None)
        assert isinstance(outcome(cut, None), str)


def test_what_is_damaged_is_refused_or_decoded_alike() -> None:
    random = np.random.default_rng(11)
    data = encoded(disc(700, 500), "JPEG", quality=90)
    refused = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(3):
            at = int(random.integers(2, 700 if random.random() < 0.5 else len(data)))
            broken[at] = int(random.integers(256))
        try:
            header = inspect(bytes(broken))
        except InvalidImage:
            continue
        if header.stored.width * header.stored.height > 4_000_000:
            continue
        whole, small = outcome(bytes(broken), None), outcome(bytes(broken), Size(80, 60))
        assert type(whole) is type(small)
        refused += isinstance(whole, str)
    assert refused > 3


@pytest.mark.corpus
@pytest.mark.parametrize("path", FILES or [Path("absent")], ids=lambda path: path.name)
def test_awkward_files_are_refused_or_decoded_alike(corpus: Path, path: Path) -> None:
    data = path.read_bytes()
    whole, small = outcome(data, None), outcome(data, Size(100, 100))
    assert type(whole) is type(small)
    if isinstance(whole, str):
        assert small == whole
