"""Whatever the picture and whatever the matte: regions as a flood fill finds them, and edges without surprises."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from functions.background_removal.imaging.refine import refine
from functions.background_removal.imaging.segment import Segmentation
from functions.background_removal.imaging.subject import label_regions, settled

Mask = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.uint8]

# Levels at which something is decided, more often than by chance.
LEVELS = st.sampled_from([0, 1, 9, 10, 12, 13, 100, 127, 128, 200, 241, 242, 254, 255])

masks = st.tuples(st.integers(0, 9), st.integers(0, 9)).flatmap(lambda shape: arrays.arrays(np.bool_, shape))
thick_masks = st.tuples(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 0.95), st.integers(0, 2**32 - 1)).map(
    lambda drawn: np.random.default_rng(drawn[3]).random(drawn[:2]) < drawn[2]
)


def flooded(mask: Mask) -> list[frozenset[tuple[int, int]]]:
    """The 8-connected regions, pixel by pixel."""
    waiting = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    regions = []
    while waiting:
        front = [waiting.pop()]
        region = set(front)
        while front:
            row, column = front.pop()
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & waiting
            waiting -= near
            region |= near
            front.extend(near)
        regions.append(frozenset(region))
    return regions


def labelled(mask: Mask) -> list[frozenset[tuple[int, int]]]:
    labels, count = label_regions(mask)
    assert labels.shape == mask.shape
    assert np.array_equal(labels > 0, mask)
    assert set(np.unique(labels[mask]).tolist()) == set(range(1, count + 1))
    return [
        frozenset((int(row), int(column)) for row, column in np.argwhere(labels == label))
        for label in range(1, count + 1)
    ]


@settings(max_examples=300, deadline=None)
@given(st.one_of(masks, thick_masks))
def test_regions_are_those_of_a_flood_fill(mask: Mask) -> None:
    assert set(labelled(mask)) == set(flooded(mask))


# Blocks of a level each, as the view of a picture has areas; a side of 16 has two levels of the colours' pyramid.
blocks = st.sampled_from([16, 32, 80]).flatmap(
    lambda side: st.sampled_from([size for size in (1, 4, 8, 16) if size < side]).flatmap(
        lambda size: arrays.arrays(np.uint8, (side // size, side // size), elements=LEVELS).map(
            lambda levels: levels.repeat(size, axis=0).repeat(size, axis=1)
        )
    )
)


@settings(max_examples=150, deadline=None)
@given(blocks)
def test_settling_clears_or_fills_and_does_so_once(matte: Levels) -> None:
    out = settled(matte)
    changed = out != matte
    assert np.isin(out[changed], (0, 255)).all()
    assert np.array_equal(settled(out), out)
    if matte.max() < 128:
        assert not out.any()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Levels, Levels, Levels | None]:
    matte = draw(blocks)
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    colors = random.choice(np.array(draw(st.sampled_from([[0, 255], [0], [255], range(256), [7, 8]])), np.uint8), 60)
    pixels = random.choice(colors, (height, width, 3))
    opaque = draw(st.sampled_from([None, 0, 128, 254, 255, "mixed"]))
    if opaque == "mixed":
        return pixels, matte, random.choice(np.array([0, 254, 255], np.uint8), matte.shape)
    return pixels, matte, None if opaque is None else np.full_like(matte, opaque)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_refining_any_picture_under_any_matte(case: tuple[Levels, Levels, Levels | None]) -> None:
    pixels, matte, opaque = case
    picture = Image.fromarray(pixels)
    side = matte.shape[0]
    view = picture.resize((side, side), Image.Resampling.BILINEAR)
    with np.errstate(all="raise"):
        alpha = np.asarray(refine(picture, Segmentation(matte, view, opaque)))
    colors = np.asarray(picture)
    assert alpha.shape == pixels.shape[:2]
    assert colors.shape == pixels.shape
    assert (colors[alpha == 0] == 0).all()
    coverage = np.asarray(Image.fromarray(matte).resize(picture.size, Image.Resampling.BILINEAR))
    assert (alpha[coverage == 0] == 0).all()
    assert (alpha[coverage == 255] == 255).all()
    assert np.array_equal(colors[coverage == 255], pixels[coverage == 255])
    if opaque is not None and not (opaque == 255).any():  # nothing is known of any colour
        assert np.array_equal(alpha, coverage)
        assert np.array_equal(colors[alpha > 0], pixels[alpha > 0])
