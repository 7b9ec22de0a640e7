"""Noise as nature has it: octaves of smooth noise, so that no surface is of one colour. Pure."""

import numpy as np
from PIL import Image

from benchmarks.quality.arrays import Bytes, Floats, to_bytes

_SENSOR_NOISE_LEVELS = 2.5


def fractal_noise(height: int, width: int, random: np.random.Generator, coarsest_px: float, octaves: int = 5) -> Floats:
    """float32 (height, width), mean about 0, deviation 1: each octave is half as wide and as strong as the last."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1.0, coarsest_px / 2**octave)
        rows, columns = max(2, round(height / cell)), max(2, round(width / cell))
        small = Image.fromarray(random.standard_normal((rows, columns), np.float32))
        total += np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)) * np.float32(0.5**octave)
    total -= total.mean()
    total /= max(float(total.std()), 1e-6)
    return total


def textured(colors: Bytes, random: np.random.Generator, strength_levels: float) -> Bytes:
    """Colours (h, w, 3) under uneven light, with a coloured grain and a sensor's noise; uint8 of the same shape."""
    height, width = colors.shape[:2]
    light = fractal_noise(height, width, random, height / 3, octaves=7)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    lit = colors + ((light + across) * np.float32(strength_levels))[..., None]
    for channel in range(3):
        tint = fractal_noise(height, width, random, height / 6, octaves=2)
        lit[..., channel] += tint * np.float32(strength_levels / 3)
    return grainy(to_bytes(lit), random)


def grainy(colors: Bytes, random: np.random.Generator) -> Bytes:
    """Add a sensor's noise (deviation 2.5 levels) to uint8 (h, w, 3)."""
    noise = random.standard_normal(colors.shape, np.float32) * np.float32(_SENSOR_NOISE_LEVELS)
    return to_bytes(colors + noise)
