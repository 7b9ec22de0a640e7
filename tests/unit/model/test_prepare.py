"""Prepared files: one output, memory-mapped weights or int8, close to the published network."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from layers.model import ranges as ranges_module
from layers.model.errors import BrokenModelError, ManifestError
from layers.model.prepare import prepare
from layers.model.ranges import Ranges, save_ranges
from tests.unit.model.support import model_of, picture, published_graph, published_weights, pypi_source, run_graph

WEIGHTS = published_weights()
OLD_WEIGHTS = published_weights(opset=11, half=False)
RANGES = {
    "image": (-4.0, 4.0),
    "edges": (-9.0, 9.0),
    "activated": (0.0, 9.0),
    "middle": (-20.0, 20.0),
    "features": (0.0, 20.0),
    "logits": (-20.0, 20.0),
    "matte_half": (0.0, 1.0),
    "matte": (0.0, 1.0),
}


@pytest.fixture
def made(tmp_path: Path):
    """Prepares weights in a fresh folder and returns that of the ready files."""

    def make(model, weights: bytes) -> Path:
        for name in ("ready", "scratch"):
            (tmp_path / name).mkdir()
        (tmp_path / "weights").write_bytes(weights)
        prepare(model, model.sources[0], tmp_path / "weights", tmp_path / "ready", tmp_path / "scratch")
        return tmp_path / "ready"

    return make


@pytest.fixture
def ranges(tmp_path: Path, monkeypatch):
    """Ranges of the tiny network in place of the project's."""
    monkeypatch.setattr(ranges_module, "RANGES_FOLDER", tmp_path)

    def write(weights: bytes) -> None:
        save_ranges(tmp_path / "tiny.json", Ranges(pypi_source(weights).sha256, RANGES), "by this test")

    return write


def graph_of(folder: Path) -> onnx.GraphProto:
    return onnx.load(folder / "model.onnx", load_external_data=False).graph


@pytest.mark.parametrize("weights", [WEIGHTS, OLD_WEIGHTS], ids=["half", "opset 11"])
def test_fp32_has_one_output_and_computes_the_same(made, weights: bytes):
    ready = made(model_of(pypi_source(weights)), weights)
    assert [output.name for output in graph_of(ready).output] == ["matte"]
    published = run_graph(onnx.load_from_string(weights), picture())
    np.testing.assert_allclose(run_graph(ready / "model.onnx", picture()), published, atol=5e-3)


def test_fp32_weights_lie_in_a_file_of_their_own(made):
    ready = made(model_of(pypi_source(WEIGHTS)), WEIGHTS)
    assert sorted(path.name for path in ready.iterdir()) == ["model.onnx", "model.onnx.data"]
    places = {w.name: w.data_location for w in graph_of(ready).initializer}
    assert places["w_middle"] == TensorProto.EXTERNAL, "2304 bytes"
    assert places["w_last"] == TensorProto.DEFAULT, "32 bytes"


def test_fp32_is_not_bound_to_this_processor(made):
    ready = made(model_of(pypi_source(WEIGHTS)), WEIGHTS)
    # com.microsoft.nchwc holds the blocked layouts that level ALL chooses for the processor at hand.
    assert {node.domain for node in graph_of(ready).node} <= {"", "com.microsoft"}
    assert "FusedConv" in {node.op_type for node in graph_of(ready).node}, "level EXTENDED"


@pytest.mark.parametrize("weights", [WEIGHTS, OLD_WEIGHTS], ids=["half", "opset 11"])
def test_int8_is_close_to_the_published_network(made, ranges, weights: bytes):
    ranges(weights)
    ready = made(model_of(pypi_source(weights), precision="int8", fp32_nodes=("last_conv", "sigmoid")), weights)
    assert [path.name for path in ready.iterdir()] == ["model.onnx"]
    assert [output.name for output in graph_of(ready).output] == ["matte"]
    published = run_graph(onnx.load_from_string(weights), picture())
    difference = np.abs(run_graph(ready / "model.onnx", picture()) - published)
    assert 0 < difference.mean() < 0.02


def test_int8_follows_the_recipe(made, ranges):
    ranges(WEIGHTS)
    graph = graph_of(made(model_of(pypi_source(WEIGHTS), precision="int8", fp32_nodes=("last_conv",)), WEIGHTS))
    weights = {w.name: onnx.numpy_helper.to_array(w) for w in graph.initializer}
    assert weights["w_middle_quantized"].dtype == np.int8
    assert np.abs(weights["w_middle_quantized"]).max() <= 64, "seven bits"
    assert weights["w_middle_scale"].shape == (8,), "a scale for each channel"
    assert weights["activated_zero_point"].dtype == np.uint8
    assert weights["activated_scale"] == pytest.approx(9 / 255)
    assert weights["w_last"].dtype == np.float32, "fp32_nodes stay"


def test_quantising_says_nothing_on_the_root_logger(made, ranges, caplog):
    ranges(WEIGHTS)
    made(model_of(pypi_source(WEIGHTS), precision="int8"), WEIGHTS)
    assert caplog.records == []


def test_the_same_ranges_give_the_same_file(made, ranges, tmp_path: Path):
    ranges(WEIGHTS)
    model = model_of(pypi_source(WEIGHTS), precision="int8")
    first = (made(model, WEIGHTS) / "model.onnx").read_bytes()
    for name in ("ready-2", "scratch-2"):
        (tmp_path / name).mkdir()
    prepare(model, model.sources[0], tmp_path / "weights", tmp_path / "ready-2", tmp_path / "scratch-2")
    assert (tmp_path / "ready-2" / "model.onnx").read_bytes() == first


def test_ranges_of_other_weights_are_refused(made, ranges):
    ranges(OLD_WEIGHTS)
    with pytest.raises(BrokenModelError, match="calibration ranges belong to other weights"):
        made(model_of(pypi_source(WEIGHTS), precision="int8"), WEIGHTS)


def test_ranges_that_miss_a_tensor_are_refused(made, ranges, monkeypatch):
    monkeypatch.delitem(RANGES, "middle")
    ranges(WEIGHTS)
    with pytest.raises(BrokenModelError, match=r"calibration ranges do not fit \(.*middle"):
        made(model_of(pypi_source(WEIGHTS), precision="int8"), WEIGHTS)


def test_a_misspelt_fp32_node_is_refused(made, ranges):
    ranges(WEIGHTS)
    with pytest.raises(BrokenModelError, match="no node named last_cnov"):
        made(model_of(pypi_source(WEIGHTS), precision="int8", fp32_nodes=("last_cnov", "sigmoid")), WEIGHTS)


def test_missing_ranges_are_named(made, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(ranges_module, "RANGES_FOLDER", tmp_path)
    with pytest.raises(ManifestError, match=r"tiny\.json: the calibration ranges cannot be read"):
        made(model_of(pypi_source(WEIGHTS), precision="int8"), WEIGHTS)


def test_weights_that_are_no_graph_are_refused(made):
    with pytest.raises(BrokenModelError, match="not the graph expected"):
        made(model_of(pypi_source(b"no graph")), b"no graph")


def test_an_output_that_is_not_there_is_refused(made):
    with pytest.raises(BrokenModelError, match="not the graph expected"):
        made(model_of(pypi_source(WEIGHTS), output_index=2), WEIGHTS)


def test_a_graph_that_onnxruntime_refuses_is_refused(made):
    graph = published_graph()
    graph.graph.node[3].op_type = "NoSuchOperator"
    weights = graph.SerializeToString()
    with pytest.raises(BrokenModelError, match="not the graph expected"):
        made(model_of(pypi_source(weights)), weights)
