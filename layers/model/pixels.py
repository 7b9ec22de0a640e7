"""Turns pictures into network inputs, as the manifest describes; for the self-check and for calibration."""

import numpy as np
import numpy.typing as npt

from layers.model.manifest import Normalisation

Float32 = npt.NDArray[np.float32]


def to_input(rgb: npt.NDArray[np.uint8], normalisation: Normalisation) -> Float32:
    """uint8 [height, width, 3] to float32 [1, 3, height, width]."""
    pixels = rgb.astype(np.float32)
    # An all-black picture has no largest byte to divide by.
    divisor = np.float32(255) if normalisation.divide_by == "255" else np.float32(max(int(rgb.max()), 1))
    mean = np.asarray(normalisation.mean, np.float32)
    std = np.asarray(normalisation.std, np.float32)
    normalised = (pixels / divisor - mean) / std
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


def synthetic_picture(size: int) -> npt.NDArray[np.uint8]:
    """A bright disc on a dark gradient, uint8 [size, size, 3]: something to see, without a file."""
    steps = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = steps[None, :], steps[:, None]
    grey = np.where(x * x + y * y < 0.3, 220 + 0 * x * y, 40 + 30 * (x + y) / 2)
    return np.repeat(grey[:, :, None].astype(np.uint8), 3, axis=2)
