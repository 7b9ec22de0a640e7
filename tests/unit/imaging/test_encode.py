"""Encoding: alpha is kept, masks are exact, and the result is what was asked for."""

import numpy as np
import pytest
from PIL import Image

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
    assert (before == after).all()


def test_a_mask_in_webp_is_lossless() -> None:
    mask = translucent().getchannel("A")
    image = decoded(encode(mask, OutputFormat.WEBP).data)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image.getchannel("G")), np.asarray(mask))


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_the_result_s_type_and_size(output_format: OutputFormat) -> None:
    mode = "RGBA" if output_format.has_alpha else "RGB"
    cutout = encode(quadrants(70, 30).convert(mode), output_format)
    assert cutout.format is output_format
    assert cutout.size == (70, 30)
    assert decoded(cutout.data).format == output_format.value.upper()
