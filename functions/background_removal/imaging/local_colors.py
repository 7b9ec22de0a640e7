"""The colours of the subject and of what is behind it, near every place of the picture.

At an edge a pixel shows both: I = a F + (1 - a) B, the compositing equation (Porter and Duff, 1984). Where the matte is
sure, F or B can be seen; here both are carried from there to where it is not. Pull-push (Gortler et al., The
Lumigraph, 1996, section 3.4.2): weighted means over coarser and coarser grids, then filled in from the coarse to the
fine, so that near colours count and there is an answer everywhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from functions.background_removal.imaging.cells import FloatArray, Levels, cell_means

# What the network is sure of, in levels of its matte.
SURELY_BACKGROUND: Final = 12
SURELY_FOREGROUND: Final = 242
# How much the next coarser grid counts against a cell that is full of sure pixels.
_COARSE_WEIGHT: Final = 0.005
# The grid whose cells tell what "near" is: 2^2 cells to a side, a sixtieth of the picture's.
_NEAR_LEVEL: Final = 2
# A fiftieth of such a neighbourhood is enough to be trusted.
_NEAR_ENOUGH: Final = 0.02
# Levels of noise that even a plain surface has; the standard deviation of a good photograph's is 2 to 4.
_NOISE_LEVELS: Final = 3.0
_LEAST_TRUST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class LocalColors:
    """F and B on a grid over the whole picture, in the form in which they are used, all float32.

    `background` and `line`: (rows, columns, 3), B and F - B in levels of 0 to 255. `slope`: (rows, columns), 1 over the
    line's squared length: slope (I - B) . line is the alpha of a colour I by its place on the line from B to F.
    `doubt`: the variance of that alpha. `trust`: 0 to 1, how far both are known nearby.
    """

    background: FloatArray
    line: FloatArray
    slope: FloatArray
    doubt: FloatArray
    trust: FloatArray


def estimate_local_colors(view: Image.Image, matte: Levels, opaque: Levels | None = None) -> LocalColors:
    """Estimate them from a picture as the network saw it and its matte, (rows, columns) uint8 of the same size.

    `view` is of mode RGB; where `opaque` is given and not 255 there is nothing to be seen.
    """
    seen = np.uint8(1) if opaque is None else (opaque == 255).astype(np.uint8)
    channels = [np.asarray(channel) for channel in view.split()]
    foreground, near_foreground = _carried(channels, (matte >= SURELY_FOREGROUND).astype(np.uint8) * seen)
    background, near_background = _carried(channels, (matte <= SURELY_BACKGROUND).astype(np.uint8) * seen)
    trust = np.minimum(np.minimum(near_foreground, near_background) / _NEAR_ENOUGH, 1.0)
    line = foreground[:3] - background[:3]
    slope = 1.0 / np.maximum(np.square(line).sum(axis=0), 1.0)
    spread = np.maximum(_variance(foreground), _variance(background)) + 3 * _NOISE_LEVELS**2
    doubt = spread * slope / np.maximum(trust, _LEAST_TRUST)
    return LocalColors(np.moveaxis(background[:3], 0, -1), np.moveaxis(line, 0, -1), slope, doubt, trust)


def _carried(channels: list[Levels], mask: Levels) -> tuple[FloatArray, FloatArray]:
    """Means of three channels and of their squares' sum, (4, rows, columns), from a mask's pixels to everywhere.

    The second result is the share of the mask in each place's neighbourhood.
    """
    weight = cell_means(mask)
    sums = [cell_means(channel * mask) for channel in channels]
    squares = np.square(sums).sum(axis=0) / np.maximum(weight, 1e-6)
    pyramid = [_smoothed(np.stack([weight, *sums, squares]))]
    while pyramid[-1].shape[1] % 2 == 0 and pyramid[-1].shape[2] % 2 == 0:
        pyramid.append(_smoothed(_halved(pyramid[-1])))
    anywhere = pyramid[-1].sum(axis=(1, 2), keepdims=True)
    means = np.broadcast_to(anywhere[1:] / np.maximum(anywhere[:1], 1e-6), pyramid[-1][1:].shape)
    for index in range(len(pyramid) - 1, -1, -1):
        planes = pyramid[index]
        if index < len(pyramid) - 1:
            means = _doubled(means)
        means = (planes[1:] + _COARSE_WEIGHT * means) / (planes[:1] + _COARSE_WEIGHT)
    near = pyramid[min(_NEAR_LEVEL, len(pyramid) - 1)][:1]
    while near.shape[1:] != weight.shape:
        near = _doubled(near)
    return means, near[0]


def _variance(means: FloatArray) -> FloatArray:
    """Of the colours behind four means (R, G, B, their squares' sum), summed over the channels."""
    variance: FloatArray = np.maximum(means[3] - np.square(means[:3]).sum(axis=0), 0)
    return variance


def _halved(planes: FloatArray) -> FloatArray:
    rows = planes[:, 0::2] + planes[:, 1::2]
    return (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)


def _doubled(planes: FloatArray) -> FloatArray:
    """Bilinear: of nearest neighbours one would see the cells."""
    size = (planes.shape[2] * 2, planes.shape[1] * 2)
    return np.stack([np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR)) for plane in planes])


def _smoothed(planes: FloatArray) -> FloatArray:
    """Binomial 1-2-1 both ways; beyond the border nothing is known."""
    rows = planes * 2
    rows[:, 1:] += planes[:, :-1]
    rows[:, :-1] += planes[:, 1:]
    both = rows * 2
    both[:, :, 1:] += rows[:, :, :-1]
    both[:, :, :-1] += rows[:, :, 1:]
    return both * np.float32(1 / 16)
