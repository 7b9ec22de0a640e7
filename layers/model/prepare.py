"""Makes published weights into the ONNX file that the service loads.

fp32: one output, saved with the optimisations that hold on every CPU, and its weights in a file of their own, which
onnxruntime then maps into memory instead of copying. int8: quantised from ranges measured beforehand.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layers.model.errors import BrokenModelError
from layers.model.manifest import Model, Source
from layers.model.ranges import Ranges, load_ranges, ranges_file

MODEL_FILE = "model.onnx"
DATA_FILE = "model.onnx.data"

# The first in which weights can have one scale a channel.
_INT8_OPSET = 13

# Tensors below this size stay in the graph file, where shape computations need them.
_EXTERNAL_FROM_BYTES = 1024


def prepare(model: Model, source: Source, weights: Path, ready: Path, scratch: Path) -> None:
    """Writes `model.onnx` (and `model.onnx.data` for fp32) into the folder `ready`, using `scratch` meanwhile.

    Both folders exist and are empty. Raises `BrokenModelError` when the weights are no such graph and `ManifestError`
    when the ranges are missing.
    """
    plain = scratch / "plain.onnx"
    save_plain(model, weights, plain)
    if model.precision == "fp32":
        optimise(plain, ready / MODEL_FILE, level="EXTENDED", data_file=DATA_FILE)
        return
    ranges = load_ranges(ranges_file(model.name))
    if ranges.source_sha256 != source.sha256:
        raise BrokenModelError("its calibration ranges belong to other weights; run `make calibrate`")
    basic = scratch / "basic.onnx"
    optimise(plain, basic, level="BASIC")
    quantise(basic, ready / MODEL_FILE, ranges, model.fp32_nodes, scratch)


def save_plain(model: Model, weights: Path, target: Path) -> None:
    """Writes the published graph in float32 with its one output; raises `BrokenModelError`."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    from layers.model.graph import keep_output, raise_opset, to_single_precision

    try:
        content = onnx.load(weights)
        keep_output(content, model.output_index)
        to_single_precision(content)
        if model.precision == "int8":
            content = raise_opset(content, _INT8_OPSET)
    except (DecodeError, IndexError, ValueError) as error:
        raise BrokenModelError(f"its weights are not the graph expected ({error})") from error
    onnx.save(content, target)


def optimise(source: Path, target: Path, level: str, data_file: str | None = None) -> None:
    """Saves the graph as onnxruntime has optimised it.

    `level` is BASIC (folded constants and batch norms; node names stay) or EXTENDED (also fused activations). ALL
    would bake this CPU's memory layout into the file. With `data_file`, weights go into that file beside `target`.
    Raises `BrokenModelError` when onnxruntime refuses the graph.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3  # it warns that optimised models may be tied to a CPU; EXTENDED's are not
    if data_file:
        prefix = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{prefix}_file_name", data_file)
        options.add_session_config_entry(f"{prefix}_min_size_in_bytes", str(_EXTERNAL_FROM_BYTES))
    try:
        ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base
        raise BrokenModelError(f"its weights are not the graph expected ({error})") from error


def quantise(source: Path, target: Path, ranges: Ranges, fp32_nodes: tuple[str, ...], scratch: Path) -> None:
    """Writes the int8 graph: QDQ, activations u8, weights s8 per channel with 7 bits, `fp32_nodes` left alone.

    Seven bits, as CPUs without VNNI add pairs of products in 16 bits and would saturate. onnxruntime takes the ranges
    as the cache file that its own calibration writes. Raises `BrokenModelError` when a tensor has no
    range or one of `fp32_nodes` is not there (onnxruntime would quantise without a word).
    """
    import numpy as np
    import onnx
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData, save_tensors_data

    absent = set(fp32_nodes) - {node.name for node in onnx.load(source).graph.node}
    if absent:
        raise BrokenModelError(f"its graph has no node named {', '.join(sorted(absent))}; correct the manifest")
    tensors = {
        name: TensorData(lowest=np.array([lowest], np.float32), highest=np.array([highest], np.float32))
        for name, (lowest, highest) in ranges.by_tensor.items()
    }
    cache = scratch / "ranges.json"
    save_tensors_data(TensorsData(CalibrationMethod.MinMax, tensors), cache)
    try:
        quantise_with(source, target, fp32_nodes, cache, reader=None)
    except (ValueError, KeyError) as error:
        raise BrokenModelError(f"its calibration ranges do not fit ({error}); run `make calibrate`") from error


def quantise_with(source: Path, target: Path, fp32_nodes: tuple[str, ...], cache: Path, reader: Any) -> None:
    """onnxruntime's static quantisation; with a `reader` of calibration inputs it measures and writes `cache` first.

    With moving averages and all inputs in one go, the range of a tensor is the mean of its extremes over the
    pictures; the extremes themselves are set by outliers and ruin the matte (mean difference .15 instead of .002).
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with _without_warnings():
        quantize_static(
            str(source),
            str(target),
            reader,
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=list(fp32_nodes),
            extra_options={"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.1},
            calibration_cache_path=cache,
        )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """It advises a preprocessing that `optimise` has done, through the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
