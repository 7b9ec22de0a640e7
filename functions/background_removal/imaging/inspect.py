"""Signature and header of an untrusted file, without decoding it."""

import io
from typing import Final

from PIL import BmpImagePlugin, ExifTags, Image, ImageFile, JpegImagePlugin, PngImagePlugin

from functions.background_removal.imaging.first_frame import FirstWebPFrame
from functions.background_removal.imaging.structure import (
    PNG_SIGNATURE,
    is_laborious_jpeg,
    is_laborious_png,
    png_chunks,
)
from rmbg.domain.geometry import Size
from rmbg.domain.pictures import ImageHeader, InvalidImage, SourceFormat

# Sizes are judged by the contract's own limits, before anything is decoded; Pillow's guess at a bomb would hide the
# contract's message behind an exception.
Image.MAX_IMAGE_PIXELS = None
# Colour profiles and metadata beyond Pillow's 1 MiB are rare but legal.
PngImagePlugin.MAX_TEXT_CHUNK = 8 * 1024 * 1024

_EXIF_ORIENTATIONS: Final = range(1, 9)

# The four decoders by name, never Pillow's search for one that fits: it has dozens, and a multi-picture JPEG would
# go to another.
_DECODERS: Final[dict[SourceFormat, type[ImageFile.ImageFile]]] = {
    SourceFormat.PNG: PngImagePlugin.PngImageFile,
    SourceFormat.JPEG: JpegImagePlugin.JpegImageFile,
    SourceFormat.WEBP: FirstWebPFrame,
    SourceFormat.BMP: BmpImagePlugin.BmpImageFile,
}


def inspect(data: bytes) -> ImageHeader:
    """Tell format, stored size and orientation of a file's first picture.

    Raises InvalidImage for a foreign signature, for a header that cannot be read, and for a file that is made
    to keep its decoder busy.
    """
    source_format = signature(data)
    if source_format is None:
        raise InvalidImage("none of the four signatures")
    if _is_laborious(data, source_format):
        raise InvalidImage("made to keep the decoder busy")
    image = open_image(data, source_format)
    return ImageHeader(source_format, Size(*image.size), orientation(data, image))


def signature(data: bytes) -> SourceFormat | None:
    """The format by its first bytes; None if it is none of the four."""
    if data.startswith(PNG_SIGNATURE):
        return SourceFormat.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return SourceFormat.JPEG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return SourceFormat.WEBP
    if data.startswith(b"BM"):
        return SourceFormat.BMP
    return None


def open_image(data: bytes, source_format: SourceFormat) -> ImageFile.ImageFile:
    """Read the header with the one decoder that the signature names. Raises InvalidImage."""
    try:
        return _DECODERS[source_format](io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever bad bytes lead them to
        raise InvalidImage("unreadable header") from error


def orientation(data: bytes, image: ImageFile.ImageFile) -> int:
    """The EXIF orientation, 1 to 8 (EXIF 2.32, tag 0x0112); 1 if it is absent, invalid or unreadable."""
    block = image.info.get("exif")
    if block is None and isinstance(image, PngImagePlugin.PngImageFile):
        # The standard lets eXIf stand behind the pixels, where Pillow sees it only after decoding.
        bodies = (data[start : start + length] for kind, start, length in png_chunks(data) if kind == b"eXIf")
        block = next(bodies, None)
    if not isinstance(block, bytes):
        return 1
    try:
        exif = Image.Exif()
        exif.load(block)
        value = exif.get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - broken metadata never spoil a good picture
        return 1
    return value if isinstance(value, int) and value in _EXIF_ORIENTATIONS else 1


def _is_laborious(data: bytes, source_format: SourceFormat) -> bool:
    match source_format:
        case SourceFormat.JPEG:
            return is_laborious_jpeg(data)
        case SourceFormat.PNG:
            return is_laborious_png(data)
        case _:
            return False
