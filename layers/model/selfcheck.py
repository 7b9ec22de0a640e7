"""Loads a prepared model as the service does and looks at one matte."""

from pathlib import Path

from layers.model.errors import BrokenModelError
from layers.model.manifest import Model


def check(model: Model, file: Path) -> tuple[str, str]:
    """The names of the graph's input and output.

    Raises `BrokenModelError` unless a synthetic picture, float32 [1, 3, size, size], gives a matte of finite values
    in [0, 1], float32 [1, 1, size, size].
    """
    import numpy as np
    import onnxruntime as ort

    from layers.model.pixels import synthetic_picture, to_input

    options = ort.SessionOptions()
    options.enable_mem_pattern = False  # halves the peak
    options.log_severity_level = 3
    size = model.input_size
    try:
        session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        (graph_input,), (output,) = session.get_inputs(), session.get_outputs()
        picture = to_input(synthetic_picture(size), model.normalisation)
        (matte,) = session.run([output.name], {graph_input.name: picture})
    except Exception as error:  # onnxruntime's exceptions share no base
        raise BrokenModelError(f"the prepared model does not run ({error})") from error
    if matte.dtype != np.float32 or matte.shape != (1, 1, size, size):
        raise BrokenModelError(f"the prepared model gives {matte.dtype} {list(matte.shape)} instead of a matte")
    if not (matte.min() >= 0 and matte.max() <= 1):  # false for NaN too
        raise BrokenModelError("the prepared model gives values that are no matte (outside 0 to 1)")
    return graph_input.name, output.name
