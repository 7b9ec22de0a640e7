"""Signature and header of an untrusted file, without decoding it."""

import io
import struct
from typing import Final

from PIL import BmpImagePlugin, ExifTags, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from rmbg.domain.geometry import Size
from rmbg.domain.pictures import ImageHeader, InvalidImage, SourceFormat

# Sizes are judged by the contract's own limits, before anything is decoded; Pillow's guess at a bomb would hide the
# contract's message behind an exception.
Image.MAX_IMAGE_PIXELS = None
# Colour profiles and metadata beyond Pillow's 1 MiB are rare but legal.
PngImagePlugin.MAX_TEXT_CHUNK = 8 * 1024 * 1024

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_EXIF_ORIENTATIONS: Final = range(1, 9)

# The four decoders by name, never Pillow's search for one that fits: it has dozens, and a multi-picture JPEG would
# go to another.
_DECODERS: Final[dict[SourceFormat, type[ImageFile.ImageFile]]] = {
    SourceFormat.PNG: PngImagePlugin.PngImageFile,
    SourceFormat.JPEG: JpegImagePlugin.JpegImageFile,
    SourceFormat.WEBP: WebPImagePlugin.WebPImageFile,
    SourceFormat.BMP: BmpImagePlugin.BmpImageFile,
}


def inspect(data: bytes) -> ImageHeader:
    """Tell format, stored size and orientation of a file's first picture.

    Raises InvalidImage for a foreign signature and for a header that cannot be read.
    """
    source_format = signature(data)
    if source_format is None:
        raise InvalidImage("none of the four signatures")
    image = open_image(data, source_format)
    return ImageHeader(source_format, Size(*image.size), orientation(data, image))


def signature(data: bytes) -> SourceFormat | None:
    """The format by its first bytes; None if it is none of the four."""
    if data.startswith(_PNG_SIGNATURE):
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
        block = _png_chunk(data, b"eXIf")
    if not isinstance(block, bytes):
        return 1
    try:
        exif = Image.Exif()
        exif.load(block)
        value = exif.get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - broken metadata never spoil a good picture
        return 1
    return value if isinstance(value, int) and value in _EXIF_ORIENTATIONS else 1


def _png_chunk(data: bytes, wanted: bytes) -> bytes | None:
    """The body of the first chunk of a type (PNG, third edition, 5.3), None if there is none."""
    at = len(_PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == wanted:
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return None
