"""Encoding: no colour under alpha 0, extremes of alpha kept, and a fallback for an encoder that refuses."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from functions.background_removal.imaging import encode as encode_module
from functions.background_removal.imaging.encode import encode
from rmbg.domain.options import OutputFormat
from tests.support.pictures import decoded, disc, quadrants


def translucent() -> Image.Image:
    image = disc(120, 90).convert("RGBA")
    alpha = np.tile(np.linspace(-60, 315, 120).clip(0, 255).astype(np.uint8), (90, 1))
    image.putalpha(Image.fromarray(alpha))
    return image


@pytest.mark.parametrize("output_format", [OutputFormat.PNG, OutputFormat.WEBP])
def test_alpha_keeps_its_extremes(output_format: OutputFormat) -> None:
    image = translucent()
    before = np.asarray(image)[..., 3]
    after = np.asarray(decoded(encode(image.copy(), output_format).data))[..., 3]
    assert ((before == 0) == (after == 0)).all()
    assert ((before == 255) == (after == 255)).all()
    assert np.abs(before.astype(int) - after).max() <= (0 if output_format is OutputFormat.PNG else 3)


def test_colors_under_alpha_0_are_zero_and_the_others_are_kept() -> None:
    before = np.asarray(translucent())
    after = np.asarray(decoded(encode(translucent(), OutputFormat.PNG).data))
    hidden = before[..., 3] == 0
    assert (after[hidden] == 0).all()
    assert (after[~hidden] == before[~hidden]).all()


def test_a_mask_in_webp_is_lossless() -> None:
    mask = translucent().getchannel("A")
    image = decoded(encode(mask, OutputFormat.WEBP).data)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image.getchannel("G")), np.asarray(mask))


@pytest.mark.parametrize("refusals", [1, 2])
def test_webp_falls_back_when_the_encoder_refuses(monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
    attempts: list[dict[str, Any]] = []
    save = Image.Image.save

    def refusing(self: Image.Image, fp: Any, format: str | None = None, **settings: Any) -> None:  # noqa: A002
        attempts.append(settings)
        if len(attempts) <= refusals:
            raise ValueError("encoding error 6")
        save(self, fp, format, **settings)

    monkeypatch.setattr(Image.Image, "save", refusing)
    cutout = encode(quadrants().convert("RGBA"), OutputFormat.WEBP)
    assert decoded(cutout.data).size == (64, 48)
    assert len(attempts) == refusals + 1
    assert attempts[0]["method"] == 0
    assert attempts[-1].get("lossless", False) == (refusals == len(encode_module._WEBP) - 1)


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_the_result_s_type_and_size(output_format: OutputFormat) -> None:
    mode = "RGBA" if output_format.has_alpha else "RGB"
    cutout = encode(quadrants(70, 30).convert(mode), output_format)
    assert cutout.format is output_format
    assert cutout.size == (70, 30)
    assert decoded(cutout.data).format == output_format.value.upper()
