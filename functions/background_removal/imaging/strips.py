"""Pictures in strips of rows: what works on one at a time needs memory for one."""

from collections.abc import Iterator
from typing import Final

from PIL import Image

# Large enough that calls cost less than pixels, small enough for the processor's cache and the memory.
STRIP_PIXELS: Final = 1 << 22

Box = tuple[int, int, int, int]


def strip_rows(width: int) -> int:
    """The height of a strip of that width, at least one row."""
    return max(1, STRIP_PIXELS // width)


def strips(size: tuple[int, int], multiple: int = 1) -> Iterator[Box]:
    """Boxes (left, top, right, bottom) that cover a size; all but the last are a multiple of some rows high."""
    width, height = size
    rows = max(1, strip_rows(width) // multiple) * multiple
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)


def transparent_strip(colors: Image.Image, alpha: Image.Image, box: Box) -> Image.Image:
    """A part of a picture that keeps its colours (RGB) and its alpha (L) apart, as RGBA."""
    strip = colors.crop(box)
    strip.putalpha(alpha.crop(box))
    return strip
