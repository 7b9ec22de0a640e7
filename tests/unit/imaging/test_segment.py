"""The small network itself: what it gives, what broken weights would give, and what onnxruntime leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from functions.background_removal.imaging.decode import Picture
from functions.background_removal.imaging.segment import Segmenter
from functions.background_removal.imaging.transform import render
from rmbg.domain.geometry import plan_geometry
from rmbg.domain.options import Options
from tests.support.pictures import disc

ROOT = Path(__file__).resolve().parents[3]

# Imports as the handler does, then tells what was open and what was set.
PROGRAM = """
import importlib.util, json, os, pathlib, sys
before = os.environ.get("ORT_DISABLE_TELEMETRY")
assert "onnxruntime" not in sys.modules
seen = []
find = importlib.util.find_spec
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
from functions.background_removal.imaging.segment import Segmenter
Segmenter(pathlib.Path(sys.argv[1]), 1)
descriptors = pathlib.Path("/proc/self/fd")
opened = []
for descriptor in descriptors.iterdir():
    try:
        opened.append(str(descriptor.readlink()))
    except OSError:
        pass
print(json.dumps({"before": before, "when_imported": seen, "opened": opened}))
"""


@pytest.fixture(scope="module")
def segmenter(small_model: Path) -> Segmenter:
    return Segmenter(small_model, threads=1)


def test_a_disc_is_found_and_the_ground_is_empty(segmenter: Segmenter) -> None:
    segmentation = segmenter.segment(Picture(disc()))
    side = segmenter.side_px
    assert segmentation.matte.shape == (side, side)
    assert segmentation.matte.dtype == np.dtype(np.uint8)
    assert (segmentation.view.size, segmentation.view.mode) == ((side, side), "RGB")
    assert segmentation.opaque is None
    assert segmentation.matte[side // 2, side // 2] == 255
    assert segmentation.matte[:20].max() == 0


def test_a_picture_s_own_alpha_is_told_in_the_view_s_size(segmenter: Segmenter) -> None:
    alpha = Image.new("L", (320, 240), 255)
    alpha.paste(0, (0, 0, 100, 240))
    alpha.paste(90, (100, 0, 110, 240))
    segmentation = segmenter.segment(Picture(disc(), alpha))
    assert segmentation.opaque is not None
    assert segmentation.opaque.shape == segmentation.matte.shape
    assert (segmentation.opaque[:, :98] == 0).all()
    assert (segmentation.opaque[:, 102:108] == 90).all()
    assert (segmentation.opaque[:, 112:] == 255).all()
    assert segmentation.view.getpixel((10, 10)) == (128, 128, 128)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_network_that_says_nonsense_still_gives_a_picture(
    small_model: Path, monkeypatch: pytest.MonkeyPatch, broken: float, everywhere: bool
) -> None:
    segmenter = Segmenter(small_model, threads=1)
    run = segmenter._session.run

    class Session:
        def run(self, *arguments: Any) -> list[Any]:
            (output,) = run(*arguments)
            output[..., :: 1 if everywhere else 7] = broken
            return [output]

    monkeypatch.setattr(segmenter, "_session", Session())
    segmentation = segmenter.segment(Picture(disc()))
    if everywhere:
        assert set(np.unique(segmentation.matte)) == {255 if broken == np.inf else 0}
    picture = Picture(disc())
    result = render(picture, segmentation, plan_geometry(picture.size, Options()), Options())
    assert (result.mode, result.size) == ("RGBA", (320, 240))


def test_onnxruntime_is_told_to_tell_nobody_and_keeps_no_database(small_model: Path, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core"))),
    }
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(small_model)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["before"] is None
    assert told["when_imported"] == ["1"]
    assert [name for name in told["opened"] if "onnxruntime.db" in name] == []
    assert list(tmp_path.rglob("*")) == []
