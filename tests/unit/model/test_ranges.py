"""Calibration ranges come back from their file bit for bit: a rounded one would give other weights."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.model.errors import ManifestError
from layers.model.ranges import Ranges, load_ranges, save_ranges

float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(by_tensor=st.dictionaries(st.text(min_size=1), st.tuples(float32, float32).map(lambda p: (min(p), max(p)))))
def test_every_float32_survives(tmp_path: Path, by_tensor):
    save_ranges(tmp_path / "r.json", Ranges("f" * 64, by_tensor), "by this test")
    loaded = load_ranges(tmp_path / "r.json")
    assert loaded == Ranges("f" * 64, by_tensor)
    for name, pair in by_tensor.items():
        bits = np.array(pair, np.float32).tobytes()
        assert np.array(loaded.by_tensor[name], np.float32).tobytes() == bits


def test_one_tensor_a_line_in_order(tmp_path: Path):
    save_ranges(tmp_path / "r.json", Ranges("f" * 64, {"b": (0.0, 1.0), "a": (-0.5, 2.0)}), "by this test")
    lines = (tmp_path / "r.json").read_text().splitlines()
    assert lines[4:6] == ['  "a": [-0.5, 2.0],', '  "b": [0.0, 1.0]']


@pytest.mark.parametrize("pair", [[1.0], [1.0, 0.0], ["0", "1"], [0, float("inf")], [float("nan"), 1], None, [0, True]])
def test_a_pair_that_is_no_range_is_refused(tmp_path: Path, pair):
    content = {"source_sha256": "f" * 64, "measured": "x", "ranges": {"conv": pair}}
    (tmp_path / "r.json").write_text(json.dumps(content))
    with pytest.raises(ManifestError, match=r"ranges\.conv: the lowest and the highest value"):
        load_ranges(tmp_path / "r.json")


def test_no_ranges_file(tmp_path: Path):
    with pytest.raises(ManifestError, match="cannot be read"):
        load_ranges(tmp_path / "none.json")
