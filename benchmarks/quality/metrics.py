"""What is measured of a result, each a small function on arrays. Pure.

Alphas are uint8 (h, w), colours uint8 (h, w, 3), bands bool (h, w). Errors of alpha are shares of 1, of colours levels
of 255. Where a band or a subject is empty the error is 0.
"""

import numpy as np

from benchmarks.quality.arrays import Bytes, Floats, Mask, composite, smooth
from benchmarks.quality.regions import regions

SMALL_SHARE = 0.0001
_HALF = 128
# As a level of 255: 5 % and 95 %.
_BARELY_THERE, _NEARLY_OPAQUE = 13, 242


def mean_alpha_error(alpha: Bytes, truth: Bytes, where: Mask | None = None) -> float:
    """Mean absolute error of alpha, in the whole picture or in a band."""
    difference = _difference(alpha, truth)
    return _mean(difference if where is None else difference[where]) / 255


def intersection_over_union(alpha: Bytes, truth: Bytes) -> float:
    """IoU (Jaccard index) of the pixels of at least one half; 1 if neither has any."""
    ours, theirs = alpha >= _HALF, truth >= _HALF
    union = int((ours | theirs).sum())
    return int((ours & theirs).sum()) / union if union else 1.0


def summed_alpha_error(alpha: Bytes, truth: Bytes, band: Mask) -> float:
    """SAD (Rhemann et al. 2009) over the band, in thousands of opaque pixels, as matting papers print it."""
    return float(_difference(alpha, truth)[band].sum(dtype=np.float64)) / 255 / 1000


def gradient_error(alpha: Bytes, truth: Bytes, band: Mask) -> float:
    """Gradient error after Rhemann et al. 2009, simplified: the mean over the band, times 1000.

    Theirs is the sum of squared differences of the gradients' lengths, with derivatives of a Gaussian of 1.4 px. Here
    it is the mean, so that sizes compare, with central differences after binomial smoothing of the same variance.
    """
    difference = _gradient_length(alpha) - _gradient_length(truth)
    return _mean(np.square(difference[band])) * 1000


def composited_error(
    colors: Bytes, alpha: Bytes, true_colors: Bytes, truth: Bytes, band: Mask, background: tuple[int, int, int]
) -> float:
    """Mean absolute difference, in levels, of result and truth laid over one colour: what a person sees of an edge."""
    behind = np.array(background, np.uint8)
    ours = composite(colors[band], alpha[band], behind)
    theirs = composite(true_colors[band], truth[band], behind)
    return _mean(_difference(ours, theirs))


def foreground_error(colors: Bytes, alpha: Bytes, true_colors: Bytes, truth: Bytes) -> float:
    """Mean absolute difference of the colours alone, in levels, weighted by the true alpha.

    Over the pixels whose true alpha is in (0.05, 0.95); where the result shows nothing it has no colour to judge.
    """
    where = (truth >= _BARELY_THERE) & (truth <= _NEARLY_OPAQUE) & (alpha > 0)
    weights = truth[where].astype(np.float64)
    if not weights.size:
        return 0.0
    return float(np.average(_difference(colors[where], true_colors[where]).mean(axis=1), weights=weights))


def speckles(alpha: Bytes, truth: Bytes) -> int:
    """Islands (alpha of at least one half) under 0.01 % of the picture which touch nothing of the true subject."""
    found = regions(alpha >= _HALF, diagonal=True)
    small = found.areas < SMALL_SHARE * alpha.size
    return int((small & ~found.touching(truth >= _BARELY_THERE)).sum())


def holes(alpha: Bytes, truth: Bytes) -> int:
    """Holes (alpha below one half) under 0.01 % of the picture which lie wholly inside of the true subject."""
    found = regions(alpha < _HALF, diagonal=False)
    small = found.areas < SMALL_SHARE * alpha.size
    return int((small & ~found.touching(truth <= _NEARLY_OPAQUE)).sum())


def shown_share(alpha: Bytes, above: int = 10) -> float:
    """Share of pixels with more than that alpha: what is left of a picture that has no subject."""
    return _mean((alpha > above).astype(np.float32))


def _gradient_length(alpha: Bytes) -> Floats:
    # Four passes have a variance of 2 px², Rhemann's Gaussian one of 1.96.
    soft = smooth(alpha.astype(np.float32) / np.float32(255), times=4)
    down, across = np.gradient(soft)
    length: Floats = np.hypot(down, across)
    return length


def _difference(one: Bytes, other: Bytes) -> Bytes:
    difference: Bytes = np.maximum(one, other) - np.minimum(one, other)
    return difference


def _mean(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else 0.0
