"""The four encodings. Settings were chosen by measurement (docs/performance.md): speed first, no visible loss."""

import io
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image

from functions.background_removal.imaging.encoding.png import encode_png
from functions.background_removal.imaging.encoding.webp import encode_webp
from functions.background_removal.imaging.encoding.webp_grey import encode_grey_webp
from rmbg.domain.geometry import Size
from rmbg.domain.options import OutputFormat
from rmbg.domain.pictures import Cutout

Settings = Mapping[str, Any]

_JPEG: Final[Settings] = {"quality": 90}
_JPEG_MASK: Final[Settings] = {"quality": 95}


def encode(image: Image.Image, output_format: OutputFormat, *, threads: int = 1) -> Cutout:
    """Encode a result of mode L, RGB or RGBA, which is used up; the bytes hold no metadata of the source.

    In RGBA, colours under alpha 0 are 0.
    """
    size = Size(*image.size)
    match output_format:
        case OutputFormat.PNG:
            data = encode_png(image, threads=threads)
        case OutputFormat.JPEG:
            data = _saved(image, output_format, _JPEG_MASK if image.mode == "L" else _JPEG)
        case OutputFormat.BMP:
            data = _saved(image, output_format, {})
        case OutputFormat.WEBP if image.mode == "L":
            data = encode_grey_webp(image)
        case OutputFormat.WEBP:
            data = encode_webp(image, threads=threads)
    return Cutout(data, output_format, size)


def _saved(image: Image.Image, output_format: OutputFormat, settings: Settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=output_format.value.upper(), **settings)
    return buffer.getvalue()
