"""Alpha as VP8L: libwebp's decoder gives back every plane exactly, whatever its shape and values."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from functions.background_removal.imaging.encoding.vp8l import encode_alpha
from functions.background_removal.imaging.encoding.vp8l_bits import BitWriter
from functions.background_removal.imaging.encoding.vp8l_prefix import write_prefix_code
from functions.background_removal.imaging.encoding.vp8l_residuals import strip_residuals
from functions.background_removal.imaging.encoding.vp8l_tokens import tokenise
from tests.support.webp import decoded_alpha

Plane = npt.NDArray[np.uint8]
Make = Callable[[int, int], Plane]
SHAPES = [(1, 1), (1, 2), (1, 9), (9, 1), (2, 2), (5, 7), (17, 33), (1, 16383), (16383, 1), (40, 16383), (301, 999)]


def values(*levels: int) -> Make:
    def make(height: int, width: int) -> Plane:
        return np.random.default_rng(3).choice(np.array(levels, np.uint8), (height, width))

    return make


def spots(height: int, width: int) -> Plane:
    """Runs of zeros of all lengths, some over 4096."""
    rng = np.random.default_rng(4)
    flat = np.zeros(height * width, np.uint8)
    flat[np.cumsum(rng.geometric(0.5 ** rng.integers(1, 14, height * width))).clip(0, height * width - 1)] = 255
    return flat.reshape(height, width)


def slopes(height: int, width: int) -> Plane:
    y, x = np.mgrid[:height, :width]
    return np.asarray((x * 3 + y * 2) % 700).clip(0, 255).astype(np.uint8)


def disc(height: int, width: int) -> Plane:
    y, x = np.mgrid[:height, :width]
    distance = np.asarray(np.hypot(2 * x / width - 1, 2 * y / height - 1))
    return (255 * (1.5 - distance * 2)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(values(0), id="empty"),
        pytest.param(values(255), id="opaque"),
        pytest.param(values(97), id="one value"),
        pytest.param(values(0, 255), id="two values"),
        # gradients beyond 0 and 255, which the filter limits before it takes differences modulo 256
        pytest.param(values(0, 1, 254, 255), id="extremes"),
        pytest.param(values(*range(256)), id="noise"),
        spots,
        slopes,
        disc,
    ],
)
def test_the_plane_comes_back_exactly(make: Make, shape: tuple[int, int]) -> None:
    plane = make(*shape)
    assert np.array_equal(decoded_alpha(encode_alpha(plane), plane.shape), plane)


@pytest.mark.parametrize("gap", [0, 1, 7, 8, 9, 10, 4095, 4096, 4097, 4098, 8192, 8193, 8194, 20000])
def test_runs_of_every_length(gap: int) -> None:
    """In a single row, values that step up leave runs of zeros between."""
    plane = np.zeros((1, 16383), np.uint8).repeat(2, axis=0)
    plane.ravel()[np.arange(0, plane.size, gap + 1)] = 9
    assert np.array_equal(decoded_alpha(encode_alpha(plane), plane.shape), plane)


def test_a_plane_that_is_a_view_into_another() -> None:
    plane = disc(120, 90)[::2, ::-3]
    assert np.array_equal(decoded_alpha(encode_alpha(plane), plane.shape), plane)


def test_the_plane_is_not_changed() -> None:
    plane = disc(50, 60)
    plane.flags.writeable = False
    assert encode_alpha(plane) == encode_alpha(plane.copy())


def fibonacci(count: int) -> list[int]:
    """Frequencies whose Huffman code is as deep as it gets: `count` - 1 bits."""
    numbers = [1, 1]
    while len(numbers) < count:
        numbers.append(sum(numbers[-2:]))
    return numbers


def test_codes_are_no_longer_than_15_bits_and_complete() -> None:
    code = write_prefix_code(BitWriter(), fibonacci(40))
    assert code.lengths.max() <= 15
    assert sum(2.0 ** -int(length) for length in code.lengths) == 1
    assert all(rare >= common for rare, common in pairwise(code.lengths.tolist()))


def test_a_plane_whose_codes_have_to_be_shortened() -> None:
    """In a single row a residual is the step from the pixel before."""
    frequencies = fibonacci(19)
    steps = np.repeat(np.arange(1, 20, dtype=np.uint8), frequencies)
    plane = np.cumsum(np.random.default_rng(5).permutation(steps), dtype=np.uint8)[None]
    assert np.array_equal(decoded_alpha(encode_alpha(plane), plane.shape), plane)


def test_a_plane_whose_code_lengths_have_codes_to_be_shortened() -> None:
    """How many symbols have codes of 1, 2, 3... bits: found by search, a Huffman code for these takes 8 bits, not 7."""
    symbols_of_length = [0, 0, 2, 4, 0, 14, 12, 13, 54, 1, 33, 14, 88]
    lengths = np.repeat(np.arange(1, 14), symbols_of_length)
    steps = np.repeat(np.arange(1, 1 + len(lengths), dtype=np.uint8), 1 << (13 - lengths))
    plane = np.cumsum(np.random.default_rng(5).permutation(steps), dtype=np.uint8)[None]
    assert np.array_equal(decoded_alpha(encode_alpha(plane), plane.shape), plane)


def test_bits_follow_each_other_across_words_and_writers() -> None:
    rng = np.random.default_rng(6)
    bits = rng.integers(0, 26, 1000).astype(np.uint8)
    codes = rng.integers(0, 1 << 25, 1000).astype(np.uint64) & ((np.uint64(1) << bits.astype(np.uint64)) - np.uint64(1))
    expected = "".join(f"{code:0{length}b}"[::-1] for code, length in zip(codes, bits, strict=True) if length)
    whole, parts = BitWriter(), BitWriter()
    whole.write_codes(codes, bits)
    for start, end in pairwise([0, 1, 1, 2, 40, 333, 1000]):
        if end - start == 1:
            parts.write(int(codes[start]), int(bits[start]))
        else:
            parts.write_codes(codes[start:end], bits[start:end])
    for data in (whole.getvalue(), parts.getvalue()):
        assert "".join(f"{byte:08b}"[::-1] for byte in data)[: len(expected)] == expected
        assert len(data) == (len(expected) + 7) // 8


def test_residuals_are_those_of_the_gradient_filter() -> None:
    plane = values(0, 3, 128, 255)(13, 11).astype(int)
    expected = np.zeros_like(plane)
    for (y, x), value in np.ndenumerate(plane):
        left, above = plane[y, x - 1], plane[y - 1, x]
        if x and y:
            predicted = min(255, max(0, left + above - plane[y - 1, x - 1]))
        else:
            predicted = left if x else above if y else 0
        expected[y, x] = (value - predicted) % 256
    rows = []
    for top in (0, 5, 10):
        positions, residuals = strip_residuals(plane.astype(np.uint8), top, 5)
        row = np.zeros(min(5, 13 - top) * 11, int)
        row[positions] = residuals
        rows.append(row)
    assert np.array_equal(np.concatenate(rows), expected.ravel())


def test_tokens_of_a_flat_plane_are_few() -> None:
    tokens = tokenise(np.array([], np.int64), np.array([], np.uint8), size=100_000_000)
    assert len(tokens.symbols) == 1 + -(-99_999_999 // 4096)


def test_a_matte_takes_few_bytes() -> None:
    small = disc(64, 64)
    plane = small.repeat(8, axis=0).repeat(8, axis=1)
    assert len(encode_alpha(plane)) < plane.size / 50


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (16384, 1), (1, 16384), (5,), (2, 2, 1)])
def test_shapes_that_webp_does_not_have(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="alpha"):
        encode_alpha(np.zeros(shape, np.uint8))
