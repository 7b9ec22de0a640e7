"""Pictures without a subject: everything that a side shows of them is an error."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from benchmarks.quality.arrays import Bytes, to_bytes
from benchmarks.quality.backgrounds import background
from benchmarks.quality.files import whole
from benchmarks.quality.sample import Sample
from benchmarks.quality.textures import fractal_noise

GROUP: Final = "flat"
_SIZE: Final = (1200, 800)
_BACKDROPS: Final = ("white", "black", "green", "red", "gradient", "foliage", "grass", "gravel", "brick")
_SEED: Final = 31
# Raise it when what is drawn changes: the pictures are then made anew.
_VERSION: Final = "1"


def flat_samples(folder: Path, photographs: Mapping[str, Path]) -> Iterator[Sample]:
    """Studio walls, textures, one even colour, noise, and a sky; made in the folder when they are not there."""
    width, height = _SIZE
    scenes = {name: lambda name=name: background(name, photographs, width, height, _SEED) for name in _BACKDROPS}
    for name, scene in {**scenes, "grey": _grey, "noise": _noise, "sky": _sky}.items():
        path = folder / _VERSION / f"{name}.png"
        if not path.is_file():
            with whole(path) as unfinished:
                Image.fromarray(scene()).save(unfinished, compress_level=1)
        yield Sample(GROUP, name, path)


def _grey() -> Bytes:
    return np.full((_SIZE[1], _SIZE[0], 3), 128, np.uint8)


def _noise() -> Bytes:
    random = np.random.default_rng(_SEED)
    return random.integers(0, 256, (_SIZE[1], _SIZE[0], 3), np.uint8)


def _sky() -> Bytes:
    """Blue, paler downwards, with soft clouds."""
    width, height = _SIZE
    random = np.random.default_rng(_SEED)
    cloud = np.clip(fractal_noise(height, width, random, height / 2, octaves=7) * 0.4, 0, 0.9)[..., None]
    down = np.linspace(0, 1, height)[:, None, None]
    blue = np.array((58, 118, 206)) + down * np.array((110, 84, 34))
    return to_bytes(blue + cloud * (np.array((250, 250, 252)) - blue))
