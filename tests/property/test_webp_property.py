"""Any plane of alpha comes back from libwebp's decoder exactly; any picture keeps its alpha and its size."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from functions.background_removal.imaging.encoding.vp8l import MAX_SIDE_PX, encode_alpha
from functions.background_removal.imaging.encoding.webp import encode_webp
from tests.support.pictures import decoded
from tests.support.webp import chunks, decoded_alpha

levels = st.one_of(st.sampled_from([0, 255]), st.integers(0, 255))


@st.composite
def planes(draw: st.DrawFn) -> npt.NDArray[np.uint8]:
    """Of runs, so that all kinds of symbols occur; the widths make rows end anywhere in them."""
    runs = draw(
        st.lists(st.tuples(levels, st.one_of(st.integers(1, 12), st.integers(1, 9000))), min_size=1, max_size=40)
    )
    flat = np.repeat(*(np.array(part) for part in zip(*runs, strict=True))).astype(np.uint8)
    width = draw(st.integers(-(-len(flat) // MAX_SIDE_PX), min(MAX_SIDE_PX, len(flat))))
    return flat[: len(flat) // width * width].reshape(-1, width)


@settings(max_examples=300, deadline=None)
@given(planes())
def test_planes_come_back_exactly(plane: npt.NDArray[np.uint8]) -> None:
    height, width = plane.shape
    assert np.array_equal(decoded_alpha(encode_alpha(plane), (height, width)), plane)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1 << 32), st.lists(levels, min_size=1))
def test_pictures_keep_alpha_and_size(width: int, height: int, seed: int, of: list[int]) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    pixels[..., 3] = rng.choice(of, (height, width))
    data = encode_webp(Image.fromarray(pixels), threads=1 + width % 2)
    chunks(data)
    assert np.array_equal(np.asarray(decoded(data).convert("RGBA"))[..., 3], pixels[..., 3])
