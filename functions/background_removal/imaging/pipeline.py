"""The imaging as the service needs it: inspect, decode, segment, render, encode over one loaded network."""

from pathlib import Path

from PIL import Image

from functions.background_removal.imaging.decode import Picture, decode
from functions.background_removal.imaging.encode import encode
from functions.background_removal.imaging.inspect import inspect
from functions.background_removal.imaging.memory import LARGE_PIXELS, release_freed_memory
from functions.background_removal.imaging.segment import Segmentation, Segmenter
from functions.background_removal.imaging.transform import render
from rmbg.domain.geometry import Geometry, Size
from rmbg.domain.options import Options
from rmbg.domain.pictures import Cutout, ImageHeader

# A reduced decode averages blocks. The filter that makes the result has the last word, and wants this much to choose
# from.
_REDUCTION_MARGIN = 2


class Pipeline:
    """Implements `rmbg.services.remove_background.Imaging`; decoding raises InvalidImage as that says."""

    def __init__(self, model_dir: Path, threads: int) -> None:
        self._segmenter = Segmenter(model_dir, threads)
        self._threads = threads

    def inspect(self, data: bytes) -> ImageHeader:
        return inspect(data)

    def decode(self, data: bytes, header: ImageHeader, geometry: Geometry) -> Picture:
        if _is_large(header.stored):
            self._release_memory()  # what earlier pictures left
        return decode(data, header, self._least(geometry.resized))

    def segment(self, picture: Picture) -> Segmentation:
        return self._segmenter.segment(picture)

    def render(self, picture: Picture, segmentation: Segmentation, geometry: Geometry, options: Options) -> Image.Image:
        if any(map(_is_large, (picture.size, geometry.resized, geometry.canvas))):
            self._release_memory()
        return render(picture, segmentation, geometry, options)

    def _least(self, result: Size) -> Size:
        """Sides below which a decoded picture would cost the network's view or the result something."""
        side = self._segmenter.side_px
        return Size(max(side, result.width * _REDUCTION_MARGIN), max(side, result.height * _REDUCTION_MARGIN))

    def encode(self, result: Image.Image, options: Options) -> Cutout:
        if not _is_large(Size(*result.size)):
            return encode(result, options.format, threads=self._threads)
        release_freed_memory()
        try:
            return encode(result, options.format, threads=self._threads)
        finally:
            release_freed_memory()

    def _release_memory(self) -> None:
        self._segmenter.release_memory()
        release_freed_memory()


def _is_large(size: Size) -> bool:
    return size.width * size.height > LARGE_PIXELS
