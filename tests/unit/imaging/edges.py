"""Pictures whose edge is known, and what a network says of them: a matte of its own size, too soft."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from functions.background_removal.imaging.segment import Segmentation

Array = npt.NDArray[np.float64]
Color = tuple[int, int, int]

RUST: Color = (200, 60, 40)
MEADOW: Color = (40, 170, 60)
SUBSAMPLES = (0.125, 0.375, 0.625, 0.875)


@dataclass(frozen=True)
class Edge:
    """`alpha` (rows, columns) is the truth in levels of 0 to 255; `bilinear` is the network's matte, enlarged."""

    picture: Image.Image
    alpha: Array
    segmentation: Segmentation

    @property
    def bilinear(self) -> npt.NDArray[np.uint8]:
        matte = Image.fromarray(self.segmentation.matte)
        return np.asarray(matte.resize(self.picture.size, Image.Resampling.BILINEAR))

    @property
    def surely_opaque(self) -> npt.NDArray[np.bool_]:
        """Away from the band by more than what rounding decides."""
        matte = Image.fromarray(self.segmentation.matte).filter(ImageFilter.MinFilter(3))
        opaque: npt.NDArray[np.bool_] = np.asarray(matte.resize(self.picture.size, Image.Resampling.BILINEAR)) == 255
        return opaque

    @property
    def surely_empty(self) -> npt.NDArray[np.bool_]:
        matte = Image.fromarray(self.segmentation.matte).filter(ImageFilter.MaxFilter(3))
        empty: npt.NDArray[np.bool_] = np.asarray(matte.resize(self.picture.size, Image.Resampling.BILINEAR)) == 0
        return empty

    @property
    def band(self) -> npt.NDArray[np.bool_]:
        return (self.bilinear > 0) & (self.bilinear < 255)


def ellipse(width: int, height: int, share: float = 0.6) -> Array:
    """Coverage in 0 to 1 of an ellipse that spans a share of both sides, by 16 samples a pixel."""
    y, x = np.mgrid[:height, :width].astype(float)
    inside = np.zeros((height, width))
    for down in SUBSAMPLES:
        for right in SUBSAMPLES:
            inside += np.hypot(((x + right) / width - 0.5) / (share / 2), ((y + down) / height - 0.5) / (share / 2)) < 1
    return inside / len(SUBSAMPLES) ** 2


def edge_of(
    coverage: Array, foreground: Color | Array = RUST, background: Color | Array = MEADOW, side: int = 320
) -> Edge:
    """The compositing equation made picture; the matte is blurred by what a network blurs at least."""
    share = coverage[..., None]
    pixels = share * np.asarray(foreground, float) + (1 - share) * np.asarray(background, float)
    picture = Image.fromarray((pixels + 0.5).astype(np.uint8))
    matte = Image.fromarray((coverage * 255 + 0.5).astype(np.uint8)).resize((side, side), Image.Resampling.BILINEAR)
    blurred = matte.filter(ImageFilter.GaussianBlur(2.5))
    view = picture.resize((side, side), Image.Resampling.BILINEAR)
    return Edge(picture, coverage * 255, Segmentation(np.asarray(blurred), view))


def disc_edge(width: int, height: int, foreground: Color = RUST, background: Color = MEADOW, side: int = 320) -> Edge:
    return edge_of(ellipse(width, height), foreground, background, side)
