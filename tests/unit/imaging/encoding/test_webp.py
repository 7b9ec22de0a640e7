"""WebP put together: alpha exact, colours as good as libwebp's own, nothing left of what is hidden."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from functions.background_removal.imaging.encoding import webp_hidden
from functions.background_removal.imaging.encoding.webp import encode_webp
from functions.background_removal.imaging.encoding.webp_hidden import replace_hidden_colors
from tests.support.pictures import RED, decoded, encoded, quadrants
from tests.support.webp import chunks

Pixels = npt.NDArray[np.uint8]


def cut_out(width: int = 150, height: int = 110, softness: float = 0.2, seed: int = 7) -> Image.Image:
    """A coloured, textured disc on a background of its complement: what bleeds from there shows."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - width / 2, y - height / 2) / min(width, height)
    alpha = (255 * (0.5 + (0.38 - distance) / softness)).clip(0, 255)
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    color = np.stack([120 + 100 * x / width, 60 + 60 * y / height, np.full(x.shape, 30)], axis=-1)
    pixels = np.where(alpha[..., None] > 0, color + noise, 255 - color).clip(0, 255)
    return Image.fromarray(np.dstack([pixels, alpha]).astype(np.uint8))


def hard(image: Image.Image) -> Image.Image:
    image.putalpha(image.getchannel("A").point([0] * 128 + [255] * 128))
    return image


def colors(data: bytes) -> npt.NDArray[np.float64]:
    return np.asarray(decoded(data).convert("RGB")).astype(float)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (15, 17), (16, 16), (33, 31), (150, 110)], ids=str)
def test_alpha_and_size_are_kept_exactly(size: tuple[int, int]) -> None:
    image = cut_out(*size)
    image.putpixel((0, 0), (1, 2, 3, 77))
    alpha = np.asarray(image.getchannel("A"))
    result = decoded(encode_webp(image))
    assert (result.format, result.mode, result.size) == ("WEBP", "RGBA", size)
    assert np.array_equal(np.asarray(result.getchannel("A")), alpha)


@pytest.mark.parametrize("size", [(40, 30), (41, 33), (1, 16383), (16383, 2)], ids=str)
def test_the_container(size: tuple[int, int]) -> None:
    canvas, alpha, bitstream = chunks(encode_webp(cut_out(*size)))
    assert canvas[0] == b"VP8X"
    assert canvas[1][:4] == bytes([0x10, 0, 0, 0])
    assert tuple(int.from_bytes(canvas[1][start : start + 3], "little") + 1 for start in (4, 7)) == size
    assert len(canvas[1]) == 10
    assert alpha[0] == b"ALPH"
    assert alpha[1][0] == 0b1101  # gradient filter, compressed
    assert bitstream[0] == b"VP8 "


@pytest.mark.parametrize("softness", [0.001, 0.05, 0.3])
def test_threads_change_no_byte(softness: float) -> None:
    image = cut_out(softness=softness)
    assert encode_webp(image.copy(), threads=2) == encode_webp(image.copy(), threads=1) == encode_webp(image)


def test_an_opaque_picture_is_what_libwebp_makes_of_it() -> None:
    image = quadrants().convert("RGBA")
    assert encode_webp(image) == encoded(quadrants(), "WEBP", quality=85, method=0)


def test_an_empty_picture_is_empty_and_black() -> None:
    image = quadrants().convert("RGBA")
    image.putalpha(0)
    pixels = np.asarray(decoded(encode_webp(image)))
    assert pixels.shape == (48, 64, 4)
    assert pixels[..., 3].max() == 0
    assert pixels[..., :3].max() <= 2


def test_quality_is_the_encoder_s() -> None:
    assert len(encode_webp(cut_out(), quality=30)) < len(encode_webp(cut_out(), quality=95))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBa"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"mode {mode} ")):
        encode_webp(Image.new(mode, (4, 4)))


def test_what_was_hidden_has_no_influence() -> None:
    first, second = cut_out(), cut_out()
    hidden = first.getchannel("A").point([255, *[0] * 255], "1")
    second.paste((0, 255, 0, 0), mask=hidden)
    assert encode_webp(first) == encode_webp(second)


@pytest.mark.parametrize("size", [(80, 64), (79, 35), (5, 3)], ids=str)
def test_hidden_pixels_continue_the_colors_beside_them(size: tuple[int, int]) -> None:
    image = Image.new("RGBA", size, (0, 255, 0, 0))
    image.putpixel((2, 2), (*RED, 255))
    image.putpixel((4, 2), (*RED, 3))
    before = np.asarray(image)
    replace_hidden_colors(image, before[..., 3])
    after = np.asarray(image)
    assert np.array_equal(after[..., 3], before[..., 3])
    assert (after[:32, :32, :3] == RED).all()
    assert (after[32:, :, :3] == 0).all()
    assert (after[:, 32:, :3] == 0).all()


def test_nearer_and_more_opaque_pixels_count_more() -> None:
    image = Image.new("RGBA", (32, 32))
    image.putpixel((0, 0), (200, 0, 0, 255))
    image.putpixel((15, 15), (0, 200, 0, 255))
    image.putpixel((14, 14), (0, 0, 200, 85))
    replace_hidden_colors(image, np.asarray(image)[..., 3])
    assert image.getpixel((1, 1)) == (200, 0, 0, 0)
    assert image.getpixel((7, 7)) == (200, 0, 0, 0)
    assert image.getpixel((15, 14)) == image.getpixel((8, 8)) == (0, 150, 50, 0)
    # as far from both: the mean of all that is visible
    assert image.getpixel((0, 15)) == image.getpixel((31, 31)) == (86, 86, 29, 0)


def test_visible_pixels_are_left_as_they_are() -> None:
    image = cut_out(1500, 150, softness=0.02)
    before = np.asarray(image)
    replace_hidden_colors(image, before[..., 3])
    visible = before[..., 3] > 0
    assert np.array_equal(np.asarray(image)[visible], before[visible])


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encode_webp(cut_out())
    monkeypatch.setattr(webp_hidden, "_BATCH_BLOCKS", 3)
    assert encode_webp(cut_out()) == whole


@pytest.mark.parametrize("is_hard", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_edges_are_as_true_as_with_an_encoder_that_knows_alpha(is_hard: bool, seed: int) -> None:
    image = cut_out(400, 300, seed=seed)
    if is_hard:
        image = hard(image)
    original = np.asarray(image).astype(float)
    alpha = original[..., 3]
    sees_edge = np.zeros(alpha.shape, bool)
    sees_edge[1:-1, 1:-1] = (alpha[:-2, 1:-1] < 255) | (alpha[2:, 1:-1] < 255) | (alpha[1:-1, :-2] < 255)
    weights = (alpha * sees_edge)[..., None]

    def error(data: bytes) -> float:
        return float(np.sqrt((weights * (colors(data) - original[..., :3]) ** 2).sum() / weights.sum() / 3))

    libwebp = error(encoded(image, "WEBP", quality=85, method=0, alpha_quality=90))
    assert error(encode_webp(image)) < libwebp * (0.9 if is_hard else 1.03)


@pytest.mark.parametrize("refusals", [1, 2])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_refusal_of_the_encoder(monkeypatch: pytest.MonkeyPatch, refusals: int, threads: int) -> None:
    attempts: list[dict[str, Any]] = []
    save = Image.Image.save

    def refusing(self: Image.Image, fp: Any, format: str | None = None, **settings: Any) -> None:  # noqa: A002
        attempts.append(settings)
        if len(attempts) <= refusals:
            raise ValueError("encoding error 6")
        save(self, fp, format, **settings)

    image = cut_out()
    before = np.asarray(image)
    monkeypatch.setattr(Image.Image, "save", refusing)
    after = np.asarray(decoded(encode_webp(image, threads=threads)))
    assert np.array_equal(after[..., 3], before[..., 3])
    assert [attempt["method"] for attempt in attempts] == [0, 2, 0][: refusals + 1]
    if refusals == 2:
        visible = before[..., 3] > 0
        assert np.array_equal(after[visible], before[visible])


def test_an_opaque_picture_that_the_encoder_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    save = Image.Image.save

    def refusing(self: Image.Image, fp: Any, format: str | None = None, **settings: Any) -> None:  # noqa: A002
        if not settings.get("lossless"):
            raise ValueError("encoding error 6")
        save(self, fp, format, **settings)

    monkeypatch.setattr(Image.Image, "save", refusing)
    image = decoded(encode_webp(quadrants().convert("RGBA")))
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(quadrants()))
