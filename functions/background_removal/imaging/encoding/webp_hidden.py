"""Colours for pixels that nobody sees, before an encoder that does not know alpha mixes them into those that are seen.

Lossy WebP stores chroma for 2x2 pixels, predicts and transforms within macroblocks of 16x16 (RFC 6386, section 2), and
its decoders blend chroma across their borders.
"""

from collections.abc import Iterator
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

# Two macroblocks: with one, edges at its border would lie beside black.
_BLOCK_PX: Final = 32
_LEVELS: Final = 5  # 2, 4, 8, 16 and 32 pixels
# How many blocks are worked on at once: some 20 MB.
_BATCH_BLOCKS: Final = 256
_EMPTY: Final = (0, 0, 0, 0)

Box = tuple[int, int, int, int]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
T = TypeVar("T", bound=np.generic)


def replace_hidden_colors(image: Image.Image, alpha: Bytes) -> None:
    """Overwrite the colours under alpha 0 of an RGBA image in place; `alpha` (height, width) uint8 is its alpha.

    In a block of 32x32 that holds visible pixels too, they continue these: each takes the mean, weighted by alpha, of
    the smallest square around it of 2, 4, 8, 16 or 32 pixels that holds any. In all others they become black. So
    nothing of them is left, and no visible colour is spoilt by what lies beside it.
    """
    hides, shows = _block_map(alpha, np.minimum) == 0, _block_map(alpha, np.maximum) > 0
    for box in _runs(~shows):
        image.paste(_EMPTY, box)
    batch: list[Box] = []
    blocks = 0
    for box in _runs(hides & shows):
        batch.append(box)
        blocks += (box[2] - box[0]) // _BLOCK_PX
        if blocks >= _BATCH_BLOCKS:
            _continue_colors(image, batch)
            batch, blocks = [], 0
    if batch:
        _continue_colors(image, batch)


def _block_map(plane: Bytes, extreme: np.ufunc) -> Bytes:
    """The smallest or largest value of each block; a row at a time, which is far faster than numpy's reduceat."""
    rows = plane[::_BLOCK_PX].copy()
    for first in range(1, _BLOCK_PX):
        others = plane[first::_BLOCK_PX]
        extreme(rows[: len(others)], others, out=rows[: len(others)])
    blocks: Bytes = extreme.reduceat(rows, np.arange(0, plane.shape[1], _BLOCK_PX), axis=1)
    return blocks


def _runs(blocks: npt.NDArray[np.bool_]) -> Iterator[Box]:
    """Boxes in pixels for the neighbours in a row of a map of blocks; the last may reach beyond the picture."""
    edges = np.diff(blocks, axis=1, prepend=False, append=False)
    rows, columns = ((indices * _BLOCK_PX).tolist() for indices in edges.nonzero())
    for top, left, right in zip(rows[::2], columns[::2], columns[1::2], strict=True):
        yield left, top, right, top + _BLOCK_PX


def _continue_colors(image: Image.Image, boxes: list[Box]) -> None:
    """Work on the blocks of these boxes, laid side by side."""
    lefts = np.cumsum([0, *(right - left for left, _, right, _ in boxes)]).tolist()
    row = Image.new("RGBA", (lefts[-1], _BLOCK_PX))
    for left, box in zip(lefts, boxes, strict=False):
        row.paste(image.crop(box), (left, 0))
    pixels = np.array(row)
    np.copyto(pixels[..., :3], _surroundings(pixels), where=pixels[..., 3:] == 0)
    row = Image.fromarray(pixels)
    for left, box in zip(lefts, boxes, strict=False):
        image.paste(row.crop((left, 0, left + box[2] - box[0], _BLOCK_PX)), box[:2])


def _surroundings(pixels: Bytes) -> Bytes:
    """For pixels (32, 32 n, 4) the mean colour (32, 32 n, 3) of the visible ones near each; every block has some."""
    weights = pixels[..., 3:].astype(np.float32)
    colors = pixels[..., :3] * weights
    levels: list[tuple[Floats, Floats]] = []
    for _ in range(_LEVELS):
        colors, weights = _quartered(colors), _quartered(weights)
        levels.append((colors, weights))
    means = colors / weights
    for colors, weights in reversed(levels[:-1]):
        means = np.divide(colors, weights, out=_doubled(means), where=weights > 0)
    return _doubled((means + 0.5).astype(np.uint8))


def _quartered(values: Floats) -> Floats:
    """Sums of 2x2."""
    rows: Floats = values[::2] + values[1::2]
    return rows[:, ::2] + rows[:, 1::2]


def _doubled(values: npt.NDArray[T]) -> npt.NDArray[T]:
    return values.repeat(2, axis=0).repeat(2, axis=1)
