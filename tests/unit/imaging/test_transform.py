"""Resizing, rotating and backgrounds by the pixel, under a matte that is known."""

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import BLUE, GREEN, RED, YELLOW, encoded, quadrants
from tests.unit.imaging.conftest import CutOut

QUADRANTS = encoded(quadrants(64, 48), "PNG")


def quarter_colors(image: Image.Image) -> list[tuple[int, ...]]:
    width, height = image.size
    return [image.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("angle", "colors"),
    [
        ("0", [RED, GREEN, BLUE, YELLOW]),
        ("360", [RED, GREEN, BLUE, YELLOW]),
        ("90", [GREEN, YELLOW, RED, BLUE]),  # counter-clockwise
        ("-270", [GREEN, YELLOW, RED, BLUE]),
        ("180", [YELLOW, BLUE, GREEN, RED]),
        ("-90", [BLUE, RED, YELLOW, GREEN]),
        ("270", [BLUE, RED, YELLOW, GREEN]),
    ],
)
def test_quarter_turns_are_lossless(cut_out: CutOut, angle: str, colors: list[tuple[int, int, int]]) -> None:
    image = cut_out(QUADRANTS, angle=angle)
    assert image.size == ((48, 64) if float(angle) % 180 else (64, 48))
    assert quarter_colors(image) == [(*color, 255) for color in colors]
    assert len(image.getcolors() or []) == 4


def test_any_angle_turns_counter_clockwise(cut_out: CutOut) -> None:
    nearly = np.asarray(cut_out(QUADRANTS, angle="89.999", expand="false").resize((4, 4), Image.Resampling.BOX))
    exact = np.asarray(cut_out(QUADRANTS, angle="90", expand="false").resize((4, 4), Image.Resampling.BOX))
    assert np.abs(nearly.astype(int) - exact).max() <= 8


def test_expand_false_crops_about_the_centre(cut_out: CutOut) -> None:
    full = cut_out(QUADRANTS, angle="90")
    cropped = cut_out(QUADRANTS, angle="90", expand="false")
    assert cropped.size == (64, 48)
    assert np.array_equal(np.asarray(cropped)[:, 8:56], np.asarray(full)[8:56])
    assert (np.asarray(cropped)[:, :8] == 0).all()
    assert (np.asarray(cropped)[:, 56:] == 0).all()


def test_what_a_rotation_uncovers_is_empty_and_the_rest_opaque(cut_out: CutOut) -> None:
    alpha = np.asarray(cut_out(encoded(Image.new("RGB", (100, 60), RED), "PNG"), angle="30"))[..., 3]
    assert alpha.shape == (102, 117)
    assert alpha[0, 0] == alpha[-1, -1] == alpha[0, -1] == alpha[-1, 0] == 0
    assert alpha[51, 58] == 255
    assert alpha.sum() / 255 == pytest.approx(6000, rel=0.005)  # the area is kept
    border = alpha[(alpha > 0) & (alpha < 255)]
    assert len(border) > 100  # smooth, not jagged


@pytest.mark.parametrize("angle", ["0.0000001", "12.5", "45", "133.3"])
def test_the_inside_stays_opaque_when_it_is_turned(cut_out: CutOut, angle: str) -> None:
    for fields in ({}, {"mask": "1"}):
        image = cut_out(encoded(Image.new("RGB", (90, 90), RED), "PNG"), angle=angle, **fields)
        alpha = np.asarray(image if image.mode == "L" else image.getchannel("A"))
        middle = alpha.shape[0] // 2
        assert (alpha[middle - 20 : middle + 20, middle - 20 : middle + 20] == 255).all()


def test_no_dark_rim_along_a_rotated_border(cut_out: CutOut) -> None:
    pixels = np.asarray(cut_out(encoded(Image.new("RGB", (100, 60), (240, 240, 240)), "PNG"), angle="17")).astype(int)
    visible = pixels[pixels[..., 3] > 32]
    assert visible[:, :3].min() >= 230


def test_colors_hidden_in_the_input_do_not_bleed_when_it_is_resized(cut_out: CutOut) -> None:
    image = Image.new("RGBA", (60, 60), (0, 0, 0, 0))  # black under transparency, as many editors leave it
    image.paste((250, 240, 230, 255), (17, 17, 43, 43))
    for fields in ({"w": "25"}, {"w": "131"}, {"angle": "20"}, {"w": "40", "angle": "33"}):
        pixels = np.asarray(cut_out(encoded(image, "PNG"), **fields)).astype(int)
        visible = pixels[pixels[..., 3] > 24]
        assert len(visible)
        assert (visible[:, :3] - (250, 240, 230)).min() >= -12  # no dark rim; a sharp filter may overshoot


@pytest.mark.parametrize("level", [0, 100, 255])
@pytest.mark.parametrize("own", [0, 1, 128, 254, 255])
def test_alpha_is_the_product_of_both(cut_out: CutOut, own: int, level: int) -> None:
    """A level all over: of neither colour anything is known, so the matte is what the network says."""
    image = quadrants(64, 64).convert("RGBA")
    image.putalpha(own)
    image.putpixel((0, 0), (0, 0, 0, 0))
    alpha = np.asarray(cut_out(encoded(image, "PNG"), Image.new("L", (64, 64), level)))[..., 3]
    assert alpha[0, 0] == 0
    assert np.abs(alpha[1:, 1:] - own * level / 255).max() < 1


def test_a_half_transparent_picture_is_cut_like_an_opaque_one(cut_out: CutOut) -> None:
    image = quadrants(64, 64).convert("RGBA")
    image.putalpha(128)
    matte = Image.new("L", (64, 64), 0)
    matte.paste(255, (0, 0, 32, 64))
    alpha = np.asarray(cut_out(encoded(image, "PNG"), matte))[..., 3]
    assert (alpha[:, :32] == 128).all()
    assert (alpha[:, 32:] == 0).all()


def test_a_mask_is_the_alpha_alone(cut_out: CutOut) -> None:
    matte = Image.radial_gradient("L").resize((40, 40))
    for fields in ({}, {"w": "90"}, {"angle": "90"}, {"w": "20", "angle": "-180"}):
        mask = cut_out(QUADRANTS, matte, mask="true", **fields)
        assert mask.mode == "L"
        assert np.array_equal(np.asarray(mask), np.asarray(cut_out(QUADRANTS, matte, **fields))[..., 3])


@pytest.mark.parametrize("own_alpha", [False, True])
@pytest.mark.parametrize("fields", [{}, {"w": "97"}, {"w": "333"}, {"angle": "17"}, {"w": "90", "angle": "-50"}])
def test_no_color_hides_under_alpha_0_whatever_was_done(
    cut_out: CutOut, own_alpha: bool, fields: dict[str, str]
) -> None:
    """Filters that overshoot leave some, where they leave no alpha."""
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (160, 200, 3), np.uint8))
    matte = Image.new("L", (160, 160), 0)
    matte.paste(255, (30, 40, 120, 110))
    if own_alpha:
        image.putalpha(matte.resize(image.size, Image.Resampling.NEAREST).transpose(Image.Transpose.ROTATE_180))
    pixels = np.asarray(cut_out(encoded(image, "PNG"), matte, **fields))
    assert (pixels[..., 3] == 0).any()
    assert pixels[pixels[..., 3] == 0].max() == 0


def test_backgrounds(cut_out: CutOut) -> None:
    matte = Image.new("L", (64, 48), 0)
    matte.paste(255, (0, 0, 32, 48))
    half = Image.new("L", (64, 48), 128)
    opaque = cut_out(QUADRANTS, matte, bg_color="#0000ff")
    assert opaque.mode == "RGB"
    assert (opaque.getpixel((5, 5)), opaque.getpixel((60, 5))) == (RED, (0, 0, 255))
    translucent = cut_out(QUADRANTS, matte, bg_color="#0000ff40")
    assert (translucent.getpixel((5, 5)), translucent.getpixel((60, 5))) == ((*RED, 255), (0, 0, 255, 64))
    # source over: alpha = .5 + .25 * .5, colour weighted by both
    blended = cut_out(QUADRANTS, half, bg_color="#0000ff40").getpixel((5, 5))
    assert blended == pytest.approx((176, 24, 75, 160), abs=2)
    assert cut_out(QUADRANTS, half, bg_color="white").getpixel((5, 5)) == pytest.approx((237, 142, 142), abs=1)


def test_formats_without_alpha_are_flattened(cut_out: CutOut) -> None:
    empty = Image.new("L", (64, 48), 0)
    for output_format in ("bmp", "jpeg"):
        assert cut_out(QUADRANTS, empty, format=output_format).getpixel((3, 3)) == (255, 255, 255)
        got = cut_out(QUADRANTS, empty, format=output_format, bg_color="#00ff0080").getpixel((3, 3))
        assert got == pytest.approx((127, 255, 127), abs=2)
        assert cut_out(QUADRANTS, empty, format=output_format, bg_color="#00ff0000").getpixel((3, 3)) == (255,) * 3


def test_resizing_keeps_colors_and_empties_nothing(cut_out: CutOut) -> None:
    for width in ("16", "37", "200"):
        image = cut_out(QUADRANTS, w=width)
        assert np.asarray(image)[..., 3].min() == 255
        assert np.abs(np.array(quarter_colors(image)) - [(*c, 255) for c in (RED, GREEN, BLUE, YELLOW)]).max() <= 12


def test_pictures_of_one_pixel(cut_out: CutOut) -> None:
    for image_format in ("PNG", "BMP", "WEBP", "JPEG"):
        for fields in ({}, {"angle": "45"}, {"w": "7"}, {"mask": "1"}, {"w": "3", "h": "9", "exact_resize": "1"}):
            assert cut_out(encoded(Image.new("RGB", (1, 1), RED), image_format), **fields).width >= 1
