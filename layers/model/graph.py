"""Changes to ONNX graphs that need no runtime; for graphs without If, Loop and Scan, as all networks here are."""

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    numpy_helper,
    shape_inference,
    version_converter,
)

_HALF, _SINGLE = TensorProto.FLOAT16, TensorProto.FLOAT


def keep_output(model: ModelProto, index: int) -> None:
    """Keeps, in place, the output at `index` and what it needs, in topological order.

    Exported saliency networks return every side output too; each is a full-size matte that costs time and memory.
    Some published graphs are not in topological order, which ONNX requires. Raises `IndexError` when there is no such
    output and `ValueError` when the graph has a cycle.
    """
    graph = model.graph
    output = graph.output[index]
    nodes = _needed_in_order(graph, output.name)
    read = {name for node in nodes for name in node.input} | {output.name}
    _replace(graph.output, [output])
    _replace(graph.node, nodes)
    for position in reversed(range(len(graph.initializer))):
        if graph.initializer[position].name not in read:
            del graph.initializer[position]


def to_single_precision(model: ModelProto) -> None:
    """Turns, in place, every float16 tensor into float32 and drops the casts that no longer change anything.

    Values are kept exactly: each float16 is also a float32. Recorded types of intermediate tensors are dropped, as
    they would be wrong.
    """
    graph = model.graph
    for weight in graph.initializer:
        _retype(weight)
    for node in graph.node:
        _retype_attributes(node)
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == _HALF:
            value.type.tensor_type.elem_type = _SINGLE
    _replace(graph.value_info, [])
    _drop_idle_casts(model)


def raise_opset(model: ModelProto, version: int) -> ModelProto:
    """The same graph in the standard operators of opset `version`, or the given one when it is that new already."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    return model if opsets.get("", 0) >= version else version_converter.convert_version(model, version)


def _needed_in_order(graph: GraphProto, name: str) -> list[NodeProto]:
    """The nodes that `name` depends on, producers before consumers.

    Depth first with a stack of our own: these graphs are deeper than Python's recursion limit.
    """
    producer = {output: node for node in graph.node for output in node.output}
    ordered: list[NodeProto] = []
    done: set[int] = set()
    open_nodes: set[int] = set()
    stack = [(name, False)]
    while stack:
        current, inputs_done = stack.pop()
        node = producer.get(current)
        if node is None or id(node) in done:
            continue
        if inputs_done:
            done.add(id(node))
            ordered.append(node)
        elif id(node) in open_nodes:
            raise ValueError(f"the graph has a cycle at {current!r}")
        else:
            open_nodes.add(id(node))
            stack.append((current, True))
            stack.extend((needed, False) for needed in node.input if needed)
    return ordered


def _retype(tensor: TensorProto) -> None:
    if tensor.data_type == _HALF:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))


def _retype_attributes(node: NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            _retype(attribute.t)
        elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == _HALF:
            attribute.i = _SINGLE


def _drop_idle_casts(model: ModelProto) -> None:
    graph = model.graph
    inferred = shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*inferred.value_info, *inferred.input)}
    types |= {weight.name: weight.data_type for weight in graph.initializer}
    outputs = {output.name for output in graph.output}
    stands_for: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = stands_for.get(name, name)
        idle = node.op_type == "Cast" and types.get(node.input[0]) == next(
            a.i for a in node.attribute if a.name == "to"
        )
        if idle and node.output[0] not in outputs:
            stands_for[node.output[0]] = node.input[0]
        else:
            nodes.append(node)
    _replace(graph.node, nodes)


def _replace(field, messages) -> None:  # type: ignore[no-untyped-def]  # protobuf's containers have no public type
    """Sets a repeated field to `messages`, which may be some of its own."""
    copies = [type(message).FromString(message.SerializeToString()) for message in messages]
    del field[:]
    field.extend(copies)
