"""Mattes that sides start from: the network's, kept between runs, or the truth made as coarse as a network's."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.quality import network
from benchmarks.quality.arrays import Bytes
from benchmarks.quality.files import whole
from benchmarks.quality.sample import Sample, load
from benchmarks.quality.sides import decoded

MatteSource = Callable[[Sample, bytes], Bytes]
"""(sample, the file's bytes) to a network's output, uint8 (side, side), 255 is foreground; levels are not applied."""

# Of the large network's side: 1.5 px of 1024.
_GIVEN_BLUR_SHARE: Final = 1.5 / 1024


class NetworkMattes:
    """The network's mattes, each kept as a file by the hashes of picture, model and `network.py`."""

    def __init__(self, model_dir: Path, threads: int, folder: Path) -> None:
        self._network = network.Network(model_dir, threads)
        known = (model_dir / "model.json").read_bytes() + Path(network.__file__).read_bytes()
        self._folder = folder / hashlib.sha256(known).hexdigest()[:16]

    def __call__(self, _sample: Sample, data: bytes) -> Bytes:
        kept = self._folder / f"{hashlib.sha256(data).hexdigest()}.png"
        if not kept.is_file():
            with whole(kept) as unfinished:
                Image.fromarray(self._network.matte(decoded(data).rgb)).save(unfinished, "PNG")
        return load(kept, "L")


class GivenMattes:
    """The true alpha, reduced to the network's square and blurred a little: what an unerring network would give."""

    def __init__(self, side_px: int) -> None:
        self._side_px = side_px

    def __call__(self, sample: Sample, _data: bytes) -> Bytes:
        truth = sample.true_alpha()
        assert truth is not None
        square = Image.fromarray(truth).resize((self._side_px, self._side_px), Image.Resampling.BILINEAR)
        return np.asarray(square.filter(ImageFilter.GaussianBlur(_GIVEN_BLUR_SHARE * self._side_px)))
