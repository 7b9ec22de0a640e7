"""What the graph changes promise: one output, valid order, the same values."""

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from layers.model.graph import keep_output, raise_opset, to_single_precision
from tests.unit.model.support import picture, published_graph, run_graph


def names(model: onnx.ModelProto) -> set[str]:
    return {node.name for node in model.graph.node}


def test_one_output_stays_with_what_it_needs():
    model = published_graph()
    keep_output(model, 0)
    assert [output.name for output in model.graph.output] == ["matte"]
    assert names(model) & {"side_conv", "cast_side", "unread_node"} == set()
    assert {weight.name for weight in model.graph.initializer} == {"w_first", "w_middle", "w_last"}


def test_another_output_can_be_chosen():
    model = published_graph()
    keep_output(model, 1)
    assert [output.name for output in model.graph.output] == ["side"]
    assert "sigmoid" not in names(model)


def test_producers_come_before_consumers():
    model = published_graph()
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model)
    keep_output(model, 0)
    onnx.checker.check_model(model)


def test_a_graph_deeper_than_the_recursion_limit_is_sorted():
    chain = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], f"n{i}") for i in range(3000)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("t0", "t3000")]
    model = helper.make_model(helper.make_graph(chain[::-1], "deep", ends[:1], ends[1:]))
    keep_output(model, 0)
    assert [node.name for node in model.graph.node] == [f"n{i}" for i in range(3000)]


def test_a_cycle_is_an_error():
    nodes = [helper.make_node("Add", ["a", "c"], ["b"]), helper.make_node("Relu", ["b"], ["c"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("a", "c")]
    with pytest.raises(ValueError, match="cycle"):
        keep_output(helper.make_model(helper.make_graph(nodes, "ring", ends[:1], ends[1:])), 0)


def test_an_output_that_is_not_there_is_an_error():
    with pytest.raises(IndexError):
        keep_output(published_graph(), 2)


def test_no_half_precision_is_left_and_no_value_changed():
    model = published_graph()
    before = {w.name: numpy_helper.to_array(w).astype(np.float32) for w in model.graph.initializer}
    keep_output(model, 0)
    to_single_precision(model)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    assert {value.type.tensor_type.elem_type for value in inferred.value_info} == {TensorProto.FLOAT}
    for weight in model.graph.initializer:
        assert numpy_helper.to_array(weight).dtype == np.float32
        np.testing.assert_array_equal(numpy_helper.to_array(weight), before[weight.name])


def test_the_network_computes_the_same_as_before():
    published = published_graph()
    model = published_graph()
    keep_output(model, 0)
    to_single_precision(model)
    # Half precision rounds to 11 bits after each of five layers.
    np.testing.assert_allclose(run_graph(model, picture()), run_graph(published, picture()), atol=5e-3)


def test_idle_casts_go_and_the_output_keeps_its_name():
    model = published_graph()
    keep_output(model, 0)
    to_single_precision(model)
    assert "cast_image" not in names(model)
    assert next(node for node in model.graph.node if node.name == "first_conv").input[0] == "image"
    assert [output.name for output in model.graph.output] == ["matte"]
    assert any("matte" in node.output for node in model.graph.node)


def test_a_cast_that_changes_the_type_stays():
    nodes = [helper.make_node("Cast", ["whole"], ["half"], "real", to=TensorProto.FLOAT16)]
    nodes += [helper.make_node("Relu", ["half"], ["out"], "relu")]
    graph = helper.make_graph(
        nodes,
        "casts",
        [helper.make_tensor_value_info("whole", TensorProto.INT32, [1])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT16, [1])],
    )
    model = helper.make_model(graph)
    to_single_precision(model)
    cast = model.graph.node[0]
    assert cast.name == "real"
    assert cast.attribute[0].i == TensorProto.FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_constants_inside_nodes_become_single_too():
    constant = numpy_helper.from_array(np.array([1.5], np.float16), "c")
    nodes = [helper.make_node("Constant", [], ["c"], "constant", value=constant)]
    nodes += [helper.make_node("Add", ["in", "c"], ["out"], "add")]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT16, [1]) for name in ("in", "out")]
    model = helper.make_model(helper.make_graph(nodes, "constants", ends[:1], ends[1:]))
    to_single_precision(model)
    (attribute,) = model.graph.node[0].attribute
    assert attribute.type == AttributeProto.TENSOR
    assert numpy_helper.to_array(attribute.t).tolist() == [1.5]
    assert attribute.t.data_type == TensorProto.FLOAT


def test_the_opset_is_raised_when_it_is_older_and_left_when_it_is_not():
    old = published_graph(opset=11, half=False)
    keep_output(old, 0)
    raised = raise_opset(old, 13)
    assert [entry.version for entry in raised.opset_import] == [13]
    np.testing.assert_array_equal(run_graph(raised, picture()), run_graph(old, picture()))
    new = published_graph(opset=15)
    assert raise_opset(new, 13) is new
    assert raise_opset(new, 15) is new
