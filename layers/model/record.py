"""model.json, the record in a ready folder: all that the runtime needs to know, and how the folder came to be.

Telling whether a folder is ready reads this record and asks for file sizes; it imports neither onnx nor onnxruntime
and hashes nothing, as every start of the service does it.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from layers.model.extract import sha256_of
from layers.model.manifest import Model, Source
from layers.model.ranges import ranges_file

RECORD_FILE = "model.json"

# Raised by one whenever the same manifest entry and weights would give other files.
RECIPE = 1


def write_record(model: Model, source: Source, names: tuple[str, str], ready: Path) -> None:
    """Writes the record of all files in the folder `ready`; `names` are the graph's input and output."""
    files = sorted(path for path in ready.iterdir() if path.name != RECORD_FILE)
    record = {
        **_expected(model),
        "input": names[0],
        "output": names[1],
        "source_sha256": source.sha256,
        "sha256": {path.name: sha256_of(path) for path in files},
        "size_bytes": {path.name: path.stat().st_size for path in files},
    }
    (ready / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def is_ready(model: Model, folder: Path) -> bool:
    """Whether `folder` holds the whole model, made from this manifest entry by this recipe and onnxruntime."""
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
        made_so = all(record[field] == value for field, value in _expected(model).items())
        from_these = record["source_sha256"] in {source.sha256 for source in model.sources}
        sizes: dict[str, int] = record["size_bytes"]
        whole = bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
        return made_so and from_these and whole
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _expected(model: Model) -> dict[str, Any]:
    normalisation = model.normalisation
    return {
        "name": model.name,
        "precision": model.precision,
        "input_size": model.input_size,
        "normalisation": {
            "divide_by": normalisation.divide_by,
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
        },
        "licence": model.licence,
        "licence_note": model.licence_note,
        "output_index": model.output_index,
        "fp32_nodes": list(model.fp32_nodes),
        "ranges_sha256": sha256_of(ranges_file(model.name)) if model.precision == "int8" else None,
        "recipe": RECIPE,
        "onnxruntime": version("onnxruntime"),
    }
