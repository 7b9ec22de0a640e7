"""The pipeline without a network: a matte is given, not computed, so that every pixel is known."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from functions.background_removal.imaging.decode import decode
from functions.background_removal.imaging.encode import encode
from functions.background_removal.imaging.inspect import inspect
from functions.background_removal.imaging.segment import Segmentation
from functions.background_removal.imaging.transform import render
from rmbg.domain.geometry import plan_geometry
from rmbg.domain.options import parse_options
from tests.support.pictures import decoded

CutOut = Callable[..., Image.Image]


@pytest.fixture
def cut_out() -> CutOut:
    """From bytes and options to the decoded result; the matte is all foreground unless one is given."""

    def run(data: bytes, matte: Image.Image | None = None, **fields: str) -> Image.Image:
        options, problems = parse_options({"format": "png", **fields})
        assert problems == []
        header = inspect(data)
        picture = decode(data, header)
        geometry = plan_geometry(header.oriented, options)
        matte = matte or Image.new("L", (32, 32), 255)
        opaque = None if picture.alpha is None else np.asarray(picture.alpha.resize(matte.size))
        segmentation = Segmentation(np.array(matte), picture.rgb.resize(matte.size), opaque)
        return decoded(encode(render(picture, segmentation, geometry, options), options.format).data)

    return run
