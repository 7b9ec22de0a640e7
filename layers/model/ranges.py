"""The calibration ranges of a model: for each tensor the smallest and largest value that int8 has to cover.

They are measured once (`make calibrate`) and kept in `ranges/<model>.json`, so that preparing int8 weights takes
seconds and little memory. Values are float32, written so that reading them gives the same bits.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from layers.model.errors import ManifestError
from layers.model.fields import Fields

RANGES_FOLDER = Path(__file__).with_name("ranges")


@dataclass(frozen=True, slots=True)
class Ranges:
    """`by_tensor` maps a tensor's name to (lowest, highest); they belong to the weights with that SHA-256."""

    source_sha256: str
    by_tensor: dict[str, tuple[float, float]]


def ranges_file(name: str) -> Path:
    """Where the ranges of the model `name` are kept."""
    return RANGES_FOLDER / f"{name}.json"


def load_ranges(path: Path) -> Ranges:
    """Reads and checks a ranges file; raises `ManifestError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path.name}: the calibration ranges cannot be read: {error}") from error
    fields = Fields(content, path.name)
    source_sha256 = fields.text("source_sha256")
    fields.text("measured")
    tensors = fields.object("ranges")
    fields.end()
    return Ranges(source_sha256, {name: _pair(tensors, name) for name in tensors.names()})


def save_ranges(path: Path, ranges: Ranges, measured: str) -> None:
    """Writes a ranges file, one tensor a line in the order of their names; `measured` says from what."""
    head = json.dumps({"source_sha256": ranges.source_sha256, "measured": measured}, indent=1)[:-2]
    lines = (f"  {json.dumps(name)}: {json.dumps(pair)}" for name, pair in sorted(ranges.by_tensor.items()))
    path.write_text(f'{head},\n "ranges": {{\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")


def _pair(tensors: Fields, name: str) -> tuple[float, float]:
    value = tensors.take(name)
    if isinstance(value, list) and len(value) == 2 and all(type(item) in (int, float) for item in value):
        lowest, highest = (float(item) for item in value)
        if math.isfinite(lowest) and math.isfinite(highest) and lowest <= highest:
            return lowest, highest
    raise ManifestError(f"{tensors.where}.{name}: the lowest and the highest value are expected")
