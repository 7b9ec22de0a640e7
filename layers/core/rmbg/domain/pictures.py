"""What is known of a picture before, and said of it after, it goes through the imaging."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rmbg.domain.geometry import Size
from rmbg.domain.options import OutputFormat

MAX_SOURCE_SIDE_PX: Final = 10_000


class InvalidImage(Exception):
    """Not one of the four signatures, an unreadable header, or data that do not decode completely."""


class SourceFormat(StrEnum):
    """The four encodings that are accepted, told by their signature, never by name or declared type."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    BMP = "BMP"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What the header says: `stored` is the size in the file, `orientation` the EXIF value 1 to 8."""

    format: SourceFormat
    stored: Size
    orientation: int = 1

    @property
    def is_turned(self) -> bool:
        """Whether a viewer swaps the sides: orientations 5 to 8 (EXIF 2.32, tag 0x0112)."""
        return self.orientation >= 5

    @property
    def oriented(self) -> Size:
        """The size as a viewer shows it."""
        return self.stored.transposed if self.is_turned else self.stored


@dataclass(frozen=True, slots=True)
class Cutout:
    """A finished result: the encoded bytes, their format, and the size in pixels."""

    data: bytes
    format: OutputFormat
    size: Size
