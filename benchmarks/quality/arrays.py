"""Array types, and the few filters that numpy lacks. Pure."""

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def to_bytes(values: npt.NDArray[np.floating]) -> Bytes:
    """Round to the nearest level, clipped to 0..255; uint8 of the same shape."""
    levels: Bytes = np.rint(values).clip(0, 255).astype(np.uint8)
    return levels


def smooth(values: Floats, times: int = 1) -> Floats:
    """Convolve the first two axes with [1 2 1]/4, edges repeated; each time adds a variance of 0.5 px²."""
    for _ in range(times):
        for axis in (0, 1):
            padding = [(1, 1) if a == axis else (0, 0) for a in range(values.ndim)]
            padded = np.pad(values, padding, mode="edge")
            before, middle, after = (_from(padded, start, values.shape[axis], axis) for start in range(3))
            values = (before + after) * np.float32(0.25) + middle * np.float32(0.5)
    return values


def composite(foreground: Bytes, alpha: Bytes, background: Bytes) -> Bytes:
    """a F + (1-a) B on 8-bit values as they are stored: (h, w, 3), (h, w), and (h, w, 3) or one colour (3,)."""
    share = alpha[..., None].astype(np.float32) / np.float32(255)
    behind = background.astype(np.float32)
    return to_bytes(behind + share * (foreground.astype(np.float32) - behind))


def _from(values: Floats, start: int, count: int, axis: int) -> Floats:
    return values[start : start + count] if axis == 0 else values[:, start : start + count]
