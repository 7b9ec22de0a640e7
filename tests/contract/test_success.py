"""What a good request gets: headers, sizes to the pixel, formats, orientation, transparency, background."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.support.events import File, rmbg_event
from tests.support.pictures import decoded, disc, encoded

if TYPE_CHECKING:
    from tests.contract.conftest import Client

PHOTO = encoded(disc(), "JPEG", quality=95)


def alpha_of(image: Image.Image) -> np.ndarray:
    assert image.mode == "RGBA"
    return np.asarray(image.getchannel("A"))


def test_the_headers_of_a_picture(client: "Client") -> None:
    answer = client.rmbg(PHOTO, filename="my photo.jpg")
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-request-id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("320", "240")
    assert answer.headers["x-credits-charged"] == "0"
    assert answer.headers["content-disposition"] == 'inline; filename="my photo-rmbg.webp"'
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Width" in answer.headers["access-control-expose-headers"]
    # REST APIs rename a Content-Length that a function sets; the gateway adds its own
    assert "content-length" not in answer.headers


def test_a_name_beyond_ascii(client: "Client") -> None:
    answer = client.rmbg(PHOTO, filename="фото.jpg", format="jpg")
    assert answer.headers["content-disposition"] == (
        "inline; filename=\"____-rmbg.jpg\"; filename*=UTF-8''%D1%84%D0%BE%D1%82%D0%BE-rmbg.jpg"
    )


@pytest.mark.parametrize("filename", ["blob", "image", "photo.", ".jpg", "x.png", "X.WebP", "../../etc/passwd.bmp"])
def test_names_that_pass(client: "Client", filename: str) -> None:
    assert client.rmbg(PHOTO, filename=filename).status == 200


def test_fields_may_come_before_the_file(client: "Client") -> None:
    answer = client.send(rmbg_event([("format", "png"), ("w", "100"), ("image", File(PHOTO)), ("extra", File(b"x"))]))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-width"] == "100"


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp", "bmp"])
@pytest.mark.parametrize("input_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_every_format_to_every_format(client: "Client", input_format: str, output_format: str) -> None:
    answer = client.rmbg(encoded(disc(), input_format), format=output_format)
    assert answer.status == 200
    assert answer.headers["content-type"] == f"image/{output_format}"
    image = decoded(answer.body)
    assert image.format == output_format.upper()
    assert image.size == (320, 240)
    assert image.mode == ("RGBA" if output_format in {"png", "webp"} else "RGB")
    if image.mode == "RGB":  # flattened on white
        assert image.getpixel((2, 2)) == pytest.approx((255, 255, 255), abs=2)
    assert image.convert("RGB").getpixel((160, 120)) == pytest.approx((192, 26, 26), abs=12)


def test_the_subject_is_opaque_and_the_background_empty(client: "Client") -> None:
    for output_format in ("png", "webp"):
        alpha = alpha_of(decoded(client.rmbg(PHOTO, format=output_format).body))
        assert (alpha[100:140, 140:180] == 255).all()
        assert (alpha[:20] == 0).all()
        assert (alpha[:, :20] == 0).all()
        assert (alpha > 127).mean() == pytest.approx(math.pi * (0.32 * 240) ** 2 / (320 * 240), rel=0.05)


def test_no_color_hides_under_alpha_0(client: "Client") -> None:
    pixels = np.asarray(decoded(client.rmbg(PHOTO, format="png").body))
    assert (pixels[pixels[..., 3] == 0] == 0).all()
    # WebP keeps no exact colours, but nothing of the light ground may shine through
    pixels = np.asarray(decoded(client.rmbg(PHOTO, format="webp").body))
    assert pixels[:16, :, :3].max() <= 2


def out_of_focus(
    foreground: tuple[int, int, int], background: tuple[int, int, int], edge_px: float
) -> tuple[Image.Image, np.ndarray]:
    """A disc whose edge is as wide as told, and how much of each pixel (rows, columns, 1) it truly is."""
    y, x = np.mgrid[:480, :640]
    beyond = np.hypot(x - 319.5, y - 239.5) - 150
    share = np.clip(0.5 - beyond / edge_px, 0, 1)[..., None]
    noise = np.random.default_rng(7).normal(0, 3, (480, 640, 3))
    pixels = share * np.array(foreground) + (1 - share) * np.array(background) + noise
    return Image.fromarray((pixels + 0.5).clip(0, 255).astype(np.uint8)), share


def test_the_edge_has_no_dark_rim(client: "Client") -> None:
    """A light subject before a light ground: what is half transparent must not be darker than both."""
    image, _ = out_of_focus((250, 170, 120), (235, 235, 235), edge_px=8)
    data = encoded(image, "PNG")
    for fields in ({}, {"angle": "33"}, {"w": "400"}):
        for output_format in ("png", "webp"):
            pixels = np.asarray(decoded(client.rmbg(data, format=output_format, **fields).body)).astype(int)
            edge = pixels[(pixels[..., 3] > 60) & (pixels[..., 3] < 200)]
            assert len(edge) > 500
            assert np.percentile(edge[:, 0], 2) > 225
            # Nor lighter: it is the subject that is seen there, not the ground, of which the matte alone leaves 177.
            assert np.median(edge[:, 2]) < 165


@pytest.mark.parametrize("foreground", [(200, 60, 40), (250, 170, 120), (90, 60, 120)])
@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (255, 0, 255)])
@pytest.mark.parametrize("edge_px", [1, 3])
def test_before_a_green_screen_no_green_is_left_at_the_edge(
    client: "Client", foreground: tuple[int, int, int], background: tuple[int, int, int], edge_px: int
) -> None:
    image, share = out_of_focus(foreground, (20, 230, 40), edge_px)
    answer = client.rmbg(encoded(image, "PNG"), format="png", bg_color="#{:02x}{:02x}{:02x}".format(*background))
    got = np.asarray(decoded(answer.body)).astype(int)
    true = share * np.array(foreground) + (1 - share) * np.array(background)
    y, x = np.mgrid[:480, :640]
    band = np.abs(np.hypot(x - 319.5, y - 239.5) - 150) < 12
    # The network's matte alone, enlarged: 3.8 at least, and 1.8 of green on white and black.
    assert np.abs(got - true)[band].mean() < 2
    green = got[..., 1] - np.maximum(got[..., 0], got[..., 2])
    assert np.maximum(green, 0)[band].mean() < 0.2
    assert green[band].max() < 12


def test_a_mask_is_one_grey_channel(client: "Client") -> None:
    reference = np.asarray(decoded(client.rmbg(PHOTO, mask="true", format="png").body))
    for output_format, mode in (("png", "L"), ("jpeg", "L"), ("bmp", "L"), ("webp", "RGB")):
        image = decoded(client.rmbg(PHOTO, mask="true", format=output_format).body)
        assert image.mode == mode
        channels = np.asarray(image.convert("RGB"))
        assert (channels[..., 0] == channels[..., 1]).all()
        assert (channels[..., 0] == channels[..., 2]).all()
        tolerance = 12 if output_format == "jpeg" else 0
        assert np.abs(channels[..., 0].astype(int) - reference).max() <= tolerance
    assert reference[120, 160] == 255
    assert reference[2, 2] == 0


def test_the_mask_is_the_picture_s_alpha(client: "Client") -> None:
    fields = {"format": "png", "w": "200", "angle": "90"}
    alpha = alpha_of(decoded(client.rmbg(PHOTO, **fields).body))
    assert (alpha == np.asarray(decoded(client.rmbg(PHOTO, mask="1", **fields).body))).all()


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"w": "0", "h": "0"}, (320, 240)),
        ({"w": "100"}, (100, 75)),
        ({"h": "100"}, (133, 100)),
        ({"w": "100", "h": "100"}, (100, 75)),
        ({"w": "640", "h": "640"}, (640, 480)),
        ({"w": "100", "h": "100", "exact_resize": "true"}, (100, 100)),
        ({"w": "1"}, (1, 1)),
        ({"angle": "90"}, (240, 320)),
        ({"angle": "-90", "expand": "false"}, (320, 240)),
        ({"angle": "30"}, (398, 368)),
        ({"angle": "30", "expand": "no"}, (320, 240)),
        ({"w": "160", "angle": "45"}, (198, 198)),
    ],
)
def test_sizes_to_the_pixel(client: "Client", fields: dict[str, str], size: tuple[int, int]) -> None:
    answer = client.rmbg(PHOTO, **fields)
    assert answer.status == 200
    assert decoded(answer.body).size == size
    assert (answer.headers["x-width"], answer.headers["x-height"]) == tuple(map(str, size))


@pytest.mark.parametrize("output_format", ["png", "webp", "jpeg", "bmp"])
def test_an_opaque_background(client: "Client", output_format: str) -> None:
    image = decoded(client.rmbg(PHOTO, format=output_format, bg_color="#00f", angle="20").body)
    assert image.mode == "RGB"
    assert image.getpixel((2, 2)) == pytest.approx((0, 0, 255), abs=6)
    assert image.getpixel((image.width // 2, image.height // 2))[0] > 150  # type: ignore[index]


def test_a_translucent_background(client: "Client") -> None:
    image = decoded(client.rmbg(PHOTO, format="png", bg_color="#0000ff80").body)
    assert image.getpixel((2, 2)) == (0, 0, 255, 128)
    assert image.getpixel((160, 120))[3] == 255  # type: ignore[index]
    image = decoded(client.rmbg(PHOTO, format="jpeg", bg_color="#0000ff80").body)
    assert image.getpixel((2, 2)) == pytest.approx((127, 127, 255), abs=4)  # over white
    image = decoded(client.rmbg(PHOTO, format="png", bg_color="#0000ff00").body)
    assert image.getpixel((2, 2)) == (0, 0, 0, 0)


def test_metadata_do_not_reach_the_output(client: "Client") -> None:
    image = disc()
    exif = image.getexif()
    exif[0x010E] = "a secret description"
    gps = exif.get_ifd(0x8825)
    gps[1] = "N"
    for input_format in ("JPEG", "PNG", "WEBP"):
        data = encoded(image, input_format, exif=exif)
        assert b"a secret description" in data
        for output_format in ("png", "jpeg", "webp", "bmp"):
            answer = client.rmbg(data, format=output_format)
            assert answer.status == 200
            assert b"secret" not in answer.body
            assert not decoded(answer.body).getexif()


@pytest.mark.parametrize(
    "fields", [{}, {"angle": "90"}, {"angle": "20"}, {"w": "90"}, {"bg_color": "red"}, {"mask": "1"}]
)
def test_the_input_s_color_profile_does_not_reach_the_output(client: "Client", fields: dict[str, str]) -> None:
    """Pixels are in sRGB by then: a profile would tell of the source, and be wrong besides."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (b"SECRET 48.13 11.57", srgb, bytes(1_080_000)):
        for input_format in ("JPEG", "PNG", "WEBP"):
            data = encoded(disc(90, 60), input_format, icc_profile=profile)
            for output_format in ("png", "jpeg", "webp", "bmp"):
                answer = client.rmbg(data, format=output_format, **fields)
                if answer.status == 200:  # a profile too large for its file's format may spoil the input
                    assert b"SECRET" not in answer.body
                    assert "icc_profile" not in decoded(answer.body).info
                else:
                    assert len(profile) > 1_000_000


def test_the_answer_is_binary_whatever_return_base64_says(client: "Client") -> None:
    answer = client.rmbg(PHOTO, return_base64="true")
    assert decoded(answer.body).size == (320, 240)


def test_a_picture_without_a_subject_stays_empty(client: "Client") -> None:
    answer = client.rmbg(encoded(Image.new("RGB", (300, 200), (120, 130, 125)), "PNG"), mask="1", format="png")
    assert np.asarray(decoded(answer.body)).mean() < 8


def test_input_transparency_is_multiplied_into_the_matte(client: "Client") -> None:
    image = disc().convert("RGBA")
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, 160, 240))
    alpha.paste(128, (160, 0, 320, 120))
    image.putalpha(alpha)
    for input_format, settings in (("PNG", {}), ("WEBP", {"lossless": True})):
        got = alpha_of(decoded(client.rmbg(encoded(image, input_format, **settings), format="png").body))
        assert (got[:, :160] == 0).all()
        assert got[100, 180] == pytest.approx(128, abs=1)
        assert got[140, 180] == 255
