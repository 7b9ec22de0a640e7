"""The imaging as the service needs it: inspect, decode, segment, render, encode over one loaded network."""

from pathlib import Path

from PIL import Image

from functions.background_removal.imaging.decode import Picture, decode
from functions.background_removal.imaging.encode import encode
from functions.background_removal.imaging.inspect import inspect
from functions.background_removal.imaging.memory import LARGE_PIXELS, release_freed_memory
from functions.background_removal.imaging.segment import Segmenter
from functions.background_removal.imaging.transform import render
from rmbg.domain.geometry import Geometry
from rmbg.domain.options import Options
from rmbg.domain.pictures import Cutout, ImageHeader


class Pipeline:
    """Implements `rmbg.services.remove_background.Imaging`; decoding raises InvalidImage as that says."""

    def __init__(self, model_dir: Path, threads: int) -> None:
        self._segmenter = Segmenter(model_dir, threads)

    def inspect(self, data: bytes) -> ImageHeader:
        return inspect(data)

    def decode(self, data: bytes, header: ImageHeader) -> Picture:
        return decode(data, header)

    def segment(self, picture: Picture) -> Image.Image:
        return self._segmenter.matte(picture)

    def render(self, picture: Picture, matte: Image.Image, geometry: Geometry, options: Options) -> Image.Image:
        return render(picture, matte, geometry, options)

    def encode(self, result: Image.Image, options: Options) -> Cutout:
        if result.width * result.height <= LARGE_PIXELS:
            return encode(result, options.format)
        release_freed_memory()
        try:
            return encode(result, options.format)
        finally:
            release_freed_memory()
