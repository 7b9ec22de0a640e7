"""What is made in strips or tiles has the pixels of what is made in one piece."""

import math

import numpy as np
import pytest
from PIL import Image

from functions.background_removal.imaging import resize, rotate, strips
from functions.background_removal.imaging.decode import Picture
from functions.background_removal.imaging.segment import Segmentation
from functions.background_removal.imaging.transform import render, zero_hidden_colors
from rmbg.domain.geometry import Size, plan_geometry, rotated_size
from rmbg.domain.options import parse_options
from tests.support.pictures import disc

MODES = ("L", "RGB", "RGBA")
SIZES = [Size(31, 47), Size(150, 110), Size(240, 30), Size(97, 300), Size(1, 1), Size(7, 5), Size(96, 71)]
BILINEAR, BICUBIC, LANCZOS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def noise(mode: str, size: tuple[int, int] = (97, 72)) -> Image.Image:
    """Every pixel another colour, and some of them transparent: nothing hides a seam."""
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    pixels = np.random.default_rng(11).integers(0, 256, (size[1], size[0], channels), np.uint8)
    if mode == "RGBA":
        pixels[: size[1] // 3, :, 3] = 0
        pixels[-size[1] // 3 :, :, 3] = 255
    return Image.fromarray(pixels.squeeze() if mode == "L" else pixels)


def premultiplied_difference(one: Image.Image, other: Image.Image) -> int:
    """Of what is seen: a colour that alpha hardly shows is rounded from few levels."""
    if one.mode != "RGBA":
        return largest_difference(one, other)
    alphas = largest_difference(one.getchannel("A"), other.getchannel("A"))
    return max(alphas, largest_difference(one.convert("RGBa"), other.convert("RGBa")))


def largest_difference(one: Image.Image, other: Image.Image) -> int:
    assert (one.mode, one.size) == (other.mode, other.size)
    return int(np.abs(np.asarray(one).astype(int) - np.asarray(other).astype(int)).max())


@pytest.fixture(params=[1, 500, 2000])
def small_strips(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips of so many pixels: of one row, of some, and of most of a picture."""
    monkeypatch.setattr(strips, "STRIP_PIXELS", request.param)
    monkeypatch.setattr(rotate, "TILE_PX", 7 + request.param % 40)


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (100, 1), (3, 100), (64, 33)])
@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.usefixtures("small_strips")
def test_strips_cover_every_row_once(size: tuple[int, int], multiple: int) -> None:
    boxes = list(strips.strips(size, multiple))
    assert [row for box in boxes for row in range(box[1], box[3])] == list(range(size[1]))
    assert {(box[0], box[2]) for box in boxes} == {(0, size[0])}
    assert all(box[1] % multiple == 0 for box in boxes)


def resized_whole(image: Image.Image, size: Size, resample: Image.Resampling, gap: float | None) -> Image.Image:
    """The same resize in one piece, written out: premultiplied, a box filter first, then across, then down."""
    small = image.convert("RGBa") if image.mode == "RGBA" else image
    factors = [1 if gap is None else max(1, int(a / b / gap)) for a, b in zip(image.size, size, strict=True)]
    if factors != [1, 1]:
        small = small.reduce((factors[0], factors[1]))
    width, height = image.width / factors[0], image.height / factors[1]
    small = small.resize((size.width, small.height), resample, (0, 0, width, small.height))
    return small.resize(size, resample, (0, 0, size.width, height)).convert(image.mode)


@pytest.mark.parametrize("gap", [None, 1.0, 3.0])
@pytest.mark.parametrize("resample", [BILINEAR, BICUBIC, LANCZOS])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("small_strips")
def test_a_resize_in_strips(mode: str, size: Size, resample: Image.Resampling, gap: float | None) -> None:
    """But for the rounding of a few levels: where a filter begins is a float32."""
    image = noise(mode)
    made, whole = resize.resized(image, size, resample, gap), resized_whole(image, size, resample, gap)
    assert premultiplied_difference(made, whole) <= 2
    assert (np.asarray(made) != np.asarray(whole)).mean() < 0.1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("small_strips")
def test_a_resize_is_pillow_s(mode: str, size: Size) -> None:
    """Which may go down first, then across, and rounds in between."""
    image = disc(97, 72).convert(mode)
    made = resize.resized(image, size, LANCZOS, 3.0)
    whole = np.asarray(image.resize(size, LANCZOS, reducing_gap=3.0))
    assert np.abs(np.asarray(made).astype(int) - whole).mean() < 0.3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("small_strips")
def test_a_picture_is_resized_together_with_its_alpha(size: Size) -> None:
    image = noise("RGBA")
    picture = Picture(image.convert("RGB"), image.getchannel("A"))
    made = resize.resized_picture(picture, size, LANCZOS, 3.0)
    whole = resized_whole(image, size, LANCZOS, 3.0)
    assert made.alpha is not None
    assert made.rgb.mode == "RGB"
    together = made.rgb.copy()
    together.putalpha(made.alpha)
    assert premultiplied_difference(together, whole) <= 2


def test_its_own_size_costs_nothing() -> None:
    picture = Picture(noise("RGB"), noise("L"))
    made = resize.resized_picture(picture, picture.size, LANCZOS, 3.0)
    assert made.rgb is picture.rgb
    assert made.alpha is picture.alpha


def rotated_whole(image: Image.Image, angle: float, canvas: Size) -> Image.Image:
    """The same rotation in one piece, written out: with a frame of nothing, premultiplied."""
    mode = "RGBa" if image.mode == "RGBA" else image.mode
    framed = Image.new(mode, (image.width + 2, image.height + 2))
    framed.paste(image.convert(mode), (1, 1))
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = canvas.width / 2, canvas.height / 2
    matrix = (
        cos,
        -sin,
        framed.width / 2 - cos * x + sin * y,
        sin,
        cos,
        framed.height / 2 - sin * x - cos * y,
    )
    turned = framed.transform(canvas, Image.Transform.AFFINE, matrix, BICUBIC).convert(image.mode)
    restore = [*range(254), 255, 255]
    if image.mode == "L":
        return turned.point(restore)
    turned.putalpha(turned.getchannel("A").point(restore))
    return turned


@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize("angle", [0.01, 30, -44.9, 89.99, 123.4, 181, -359])
@pytest.mark.parametrize("mode", ["L", "RGBA"])
@pytest.mark.usefixtures("small_strips")
def test_a_rotation_in_tiles(mode: str, angle: float, expand: bool) -> None:
    image = noise(mode)
    options, _ = parse_options({"angle": str(angle), "expand": str(expand).lower()})
    geometry = plan_geometry(Size(*image.size), options)
    assert geometry.canvas == (rotated_size(Size(*image.size), angle, None) if expand else image.size)
    whole = rotated_whole(image, angle, geometry.canvas)
    assert largest_difference(rotate.rotated(image, geometry), whole) == 0


@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mode", ["L", "RGBA"])
@pytest.mark.parametrize("size", [(40, 91), (91, 40), (41, 90), (33, 33)])
@pytest.mark.usefixtures("small_strips")
def test_quarter_turns_are_exact(size: tuple[int, int], mode: str, turns: int, expand: bool) -> None:
    image = noise(mode, size)
    options, _ = parse_options({"angle": str(90 * turns), "expand": str(expand).lower()})
    geometry = plan_geometry(Size(*image.size), options)
    turned = np.rot90(np.asarray(image), turns)
    canvas = Image.new(mode, geometry.canvas)
    place = ((canvas.width - turned.shape[1]) // 2, (canvas.height - turned.shape[0]) // 2)
    canvas.paste(Image.fromarray(np.ascontiguousarray(turned)), place)
    assert largest_difference(rotate.rotated(image, geometry), canvas) == 0


@pytest.mark.usefixtures("small_strips")
def test_hidden_colors_are_zeroed_in_every_strip() -> None:
    image = noise("RGBA")
    before = np.array(image)
    zero_hidden_colors(image)
    after = np.asarray(image)
    assert (after[before[..., 3] == 0] == 0).all()
    assert (after[before[..., 3] > 0] == before[before[..., 3] > 0]).all()


FIELDS: list[dict[str, str]] = [
    {},
    {"mask": "true"},
    {"mask": "true", "angle": "33"},
    {"format": "bmp"},
    {"bg_color": "#12345678"},
    {"bg_color": "#123456"},
    {"w": "50", "bg_color": "#ff000080", "angle": "10"},
    {"w": "300"},
    {"w": "99", "h": "200", "exact_resize": "true", "angle": "270", "expand": "false"},
]


@pytest.mark.parametrize("own_alpha", [False, True])
@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: " ".join(map("=".join, fields.items())) or "none")
def test_a_result_does_not_depend_on_the_strips(
    fields: dict[str, str], own_alpha: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, problems = parse_options(fields)
    assert problems == []

    def result() -> Image.Image:
        rgb = disc(160, 120)
        alpha = noise("RGBA", rgb.size).getchannel("A") if own_alpha else None
        matte = np.zeros((32, 32), np.uint8)
        matte[4:28, 6:30] = 255
        segmentation = Segmentation(matte, rgb.resize((32, 32)))
        geometry = plan_geometry(Size(*rgb.size), options)
        return render(Picture(rgb, alpha), segmentation, geometry, options)

    whole = result()
    monkeypatch.setattr(strips, "STRIP_PIXELS", 700)
    monkeypatch.setattr(rotate, "TILE_PX", 19)
    made = result()
    assert premultiplied_difference(made, whole) <= 2


def test_a_picture_that_is_rendered_is_used_up() -> None:
    options, _ = parse_options({})
    picture = Picture(disc(64, 48), Image.new("L", (64, 48), 200))
    segmentation = Segmentation(np.full((32, 32), 255, np.uint8), picture.rgb.resize((32, 32)))
    render(picture, segmentation, plan_geometry(picture.size, options), options)
    assert picture.size == (0, 0)
    assert picture.alpha is None
