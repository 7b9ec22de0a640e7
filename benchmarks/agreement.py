"""Whether both sides did the same work: results of the right size, whose alpha is nearly the same."""

from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from benchmarks.errors import BenchmarkError

# Far above what int8 and resampling change (below .02), far below what an empty or a wrong matte would.
_MOST_DIFFERENCE = 0.1


def alpha_of(result: Path, size: tuple[int, int]) -> Image.Image:
    """The alpha of a cut-out; raises BenchmarkError unless it has that size and hides something, but not all."""
    with Image.open(result) as image:
        if image.size != size or image.mode != "RGBA":
            raise BenchmarkError(f"{result.name} is {image.mode} {image.size}, expected RGBA {size}")
        alpha = image.getchannel("A")
    if alpha.getextrema() != (0, 255):
        raise BenchmarkError(f"{result.name} hides nothing or everything")
    return alpha


def mean_difference(ours: Image.Image, theirs: Image.Image) -> float:
    """Mean absolute difference of two alphas of one size, 0 to 1; raises BenchmarkError when they are no match."""
    difference = ImageStat.Stat(ImageChops.difference(ours, theirs)).mean[0] / 255
    if difference > _MOST_DIFFERENCE:
        raise BenchmarkError(f"the two sides' mattes differ by {difference:.3f}: they did not do the same work")
    return difference
