"""Resizing in strips of the result: pixels as Image.resize gives them, without its copies of the whole picture."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from PIL import Image

from functions.background_removal.imaging.decode import Picture
from functions.background_removal.imaging.strips import Box, strip_rows, strips, transparent_strip
from rmbg.domain.geometry import Size

# How far a filter reaches, in pixels of the larger side of the scale (Pillow, "Filters").
_REACH_PX: Final = {Image.Resampling.BILINEAR: 1, Image.Resampling.BICUBIC: 2, Image.Resampling.LANCZOS: 3}

Rows = Callable[[Box], tuple[Image.Image, Box]]
"""Some rows of a picture in the mode in which it is filtered: an image that holds them, and their box in it."""


def resized(
    image: Image.Image, size: Size, resample: Image.Resampling, reducing_gap: float | None = None
) -> Image.Image:
    """What Image.resize makes of an image of mode L, RGB or RGBA, first across, then down.

    An image that has the size already is returned as it is.
    """
    if image.size == size:
        return image
    result = Image.new(image.mode, size)
    for box, strip in _resized_strips(partial(_rows, image), Size(*image.size), size, resample, reducing_gap):
        result.paste(strip if strip.mode == image.mode else strip.convert(image.mode), box)
    return result


def resized_picture(
    picture: Picture, size: Size, resample: Image.Resampling, reducing_gap: float | None = None
) -> Picture:
    """The same of a picture and its own alpha, if it has one, together."""
    if picture.alpha is None or picture.size == size:
        return Picture(resized(picture.rgb, size, resample, reducing_gap), picture.alpha)
    rgb, alpha = Image.new("RGB", size), Image.new("L", size)
    rows = partial(_transparent_rows, picture.rgb, picture.alpha)
    for box, strip in _resized_strips(rows, picture.size, size, resample, reducing_gap):
        transparent = strip.convert("RGBA")
        alpha.paste(transparent.getchannel("A"), box)
        rgb.paste(transparent.convert("RGB"), box)
    return Picture(rgb, alpha)


def _rows(image: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    # Transparent colours are weighted by their alpha, or hidden ones would bleed into the others.
    return _whole(image.crop(box).convert("RGBa")) if image.mode == "RGBA" else (image, box)


def _transparent_rows(colors: Image.Image, alpha: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    return _whole(transparent_strip(colors, alpha, box).convert("RGBa"))


def _whole(image: Image.Image) -> tuple[Image.Image, Box]:
    return image, (0, 0, image.width, image.height)


def _resized_strips(
    rows: Rows, source: Size, size: Size, resample: Image.Resampling, reducing_gap: float | None
) -> Iterator[tuple[Box, Image.Image]]:
    """The strips of the result, each with its place."""
    factors = (1, 1) if reducing_gap is None else _reduction(source, size, reducing_gap)
    # what is left of the source, which need not be whole pixels
    width, height = source.width / factors[0], source.height / factors[1]
    if factors != (1, 1):
        reduced = _reduced(rows, source, factors)
        rows, source = partial(_rows, reduced), Size(*reduced.size)
    scale = height / size.height
    reach = math.ceil(_REACH_PX[resample] * max(scale, 1.0)) + 1
    step = strip_rows(max(size.width, math.ceil(source.width * scale)))
    for top in range(0, size.height, step):
        bottom = min(top + step, size.height)
        # Only these rows count. In a box as near to 0 as it can be, Pillow's float32 tells more of a pixel's parts.
        first, last = max(0, int(top * scale) - reach), min(source.height, math.ceil(bottom * scale) + reach)
        # Two calls: in one, Pillow orders them by the cost, and strips would show where it changes its mind.
        image, box = rows((0, first, source.width, last))
        # A copy: of a box in a larger image, Pillow would filter the height, too.
        strip = image.crop(box).resize((size.width, last - first), resample, (0, 0, width, last - first))
        inner = (0, top * scale - first, size.width, min(bottom * scale, height) - first)
        yield (0, top, size.width, bottom), strip.resize((size.width, bottom - top), resample, inner)


def _reduction(source: Size, size: Size, reducing_gap: float) -> tuple[int, int]:
    """By how much a box filter may shrink before the filter proper, across and down: Pillow's `reducing_gap`."""
    return (
        max(1, int(source.width / size.width / reducing_gap)),
        max(1, int(source.height / size.height / reducing_gap)),
    )


def _reduced(rows: Rows, source: Size, factors: tuple[int, int]) -> Image.Image:
    reduced: Image.Image | None = None
    for box in strips(source, multiple=factors[1]):
        image, part = rows(box)
        strip = image.reduce(factors, part)
        if reduced is None:
            reduced = Image.new(strip.mode, (strip.width, math.ceil(source.height / factors[1])))
        reduced.paste(strip, (0, box[1] // factors[1]))
    assert reduced is not None  # noqa: S101 - a picture has rows
    return reduced
