"""The figures as a file: of every picture, so that another question can be asked of them later."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.quality.options import QualityOptions
from benchmarks.quality.scores import Score


def write_results(folder: Path, options: QualityOptions, machine: Mapping[str, Any], scores: Sequence[Score]) -> Path:
    """Write `quality-<UTC time>.json`; what each figure means stands in `metrics`."""
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "options": asdict(options),
        "machine": machine,
        "scores": [asdict(score) for score in scores],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"quality-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8")
    return path
