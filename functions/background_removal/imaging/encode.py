"""The four encodings. Settings were chosen by measurement (docs/performance.md): speed first, no visible loss."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from PIL import Image

from rmbg.domain.geometry import Size
from rmbg.domain.options import OutputFormat
from rmbg.domain.pictures import Cutout

Settings = Mapping[str, Any]

_PNG: Final[Settings] = {"compress_level": 1}
_JPEG: Final[Settings] = {"quality": 90}
_JPEG_MASK: Final[Settings] = {"quality": 95}
_LOSSLESS_WEBP: Final[Settings] = {"lossless": True, "quality": 0, "method": 0}
# The fast lossy methods fail on detailed pictures of 100 megapixels ("encoding error 6", a partition outgrows its
# 512 KiB); the next one takes its time and passes, and lossless has no such limit.
_WEBP: Final[Sequence[Settings]] = (
    {"quality": 85, "method": 0, "alpha_quality": 90},
    {"quality": 85, "method": 2, "alpha_quality": 90},
    _LOSSLESS_WEBP,
)


def encode(image: Image.Image, output_format: OutputFormat) -> Cutout:
    """Encode a result of mode L, RGB or RGBA; the bytes hold no metadata of the source."""
    if image.mode == "RGBA":
        _zero_hidden_colors(image)
    match output_format:
        case OutputFormat.PNG:
            data = _saved(image, output_format, _PNG)
        case OutputFormat.JPEG:
            data = _saved(image, output_format, _JPEG_MASK if image.mode == "L" else _JPEG)
        case OutputFormat.BMP:
            data = _saved(image, output_format, {})
        case OutputFormat.WEBP if image.mode == "L":
            data = _saved(image, output_format, _LOSSLESS_WEBP)
        case OutputFormat.WEBP:
            data = _first_that_works(image, _WEBP)
    return Cutout(data, output_format, Size(*image.size))


def _zero_hidden_colors(image: Image.Image) -> None:
    """Zero the colours under alpha 0, in place: they would betray the background, and cost a third of a PNG.

    The mask has mode 1: pasting through one of mode L blends each pixel, thirty times slower.
    """
    hidden = image.getchannel("A").point([255, *[0] * 255], "1")
    image.paste((0, 0, 0, 0), mask=hidden)


def _first_that_works(image: Image.Image, choices: Sequence[Settings]) -> bytes:
    for settings in choices[:-1]:
        try:
            return _saved(image, OutputFormat.WEBP, settings)
        except (ValueError, OSError):  # Pillow's word for an encoder's refusal
            continue
    return _saved(image, OutputFormat.WEBP, choices[-1])


def _saved(image: Image.Image, output_format: OutputFormat, settings: Settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=output_format.value.upper(), **settings)
    return buffer.getvalue()
