"""Results as the benchmarks write them, small."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.page.sources import Results

Scored = tuple[str, str, str, Mapping[str, float]]
"""Group, picture, side, and the figures that differ from `FIGURES`."""
FIGURES = {"alpha": 0.02, "iou": 0.95, "band": 0.1, "speckles": 0.0, "holes": 0.0}


def quality(day: str, scores: Sequence[Scored], *, model: str = "isnet-general-use", **options: Any) -> Results:
    given = {"model": model, "quick": False, "given_matte": False, "only": "", **options}
    found = [
        {"group": group, "picture": picture, "side": side, "cpu_seconds": 1.0, "figures": {**FIGURES, **figures}}
        for group, picture, side, figures in scores
    ]
    return Results(f"quality-{day}.json", {"at": day, "options": given, "scores": found})


def call(seconds: float, size_bytes: int = 1_000_000) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "cpu_seconds": seconds,
        "inside_seconds": {"inference": seconds * 0.6, "decoder": 0.0, "encoder": seconds * 0.3},
        "stage_seconds": {"segment": seconds * 0.7},
        "size_bytes": size_bytes,
        "peak_bytes": 1,
    }


def measurement(side: str, seconds: float, size_bytes: int = 1_000_000) -> dict[str, Any]:
    case = {"side": side, "megapixels": 12.0, "output_format": "webp", "threads": 2}
    calls = {"portrait": [call(seconds, size_bytes)]}
    return {"case": case, "calls": calls, "peak_bytes": 1, "other_load_cores": 0.1}


def row(
    ours: float, theirs: float, target: float | None, *, what: str = "12 MP to WebP", unit: str = "s", met: bool = True
) -> dict[str, Any]:
    return {
        "threads": 2,
        "what": what,
        "unit": unit,
        "ours": ours,
        "theirs": theirs,
        "target": target,
        "judged_by_ratio": True,
        "ratio": ours / theirs,
        "met": met,
    }


def speed(rows: Sequence[Mapping[str, Any]], measurements: Sequence[Mapping[str, Any]] = ()) -> Results:
    data = {
        "at": "2025-01-02T00:00:00+00:00",
        "options": {"quick": False, "repeats": 5, "pictures": []},
        "machine": {"cpu": "A CPU", "cpu_flags": [], "cores": 2, "python": "3.13", "codecs": {"webp": "1"}},
        "versions": {"ours": {"pillow": "13"}},
        "pictures": [{"name": "portrait"}],
        "alpha_difference": 0.006,
        "rows": rows,
        "measurements": list(measurements),
    }
    return Results("speed-x.json", data)


def cost_row(model: str, memory_mb: int, seconds: float | None, usd: float | None = 0.01) -> dict[str, Any]:
    return {
        "model": model,
        "memory_mb": memory_mb,
        "megapixels": 1.5,
        "seconds": seconds,
        "cpu_seconds": seconds,
        "peak_bytes": 5e8,
        "ready_seconds": 0.4,
        "usd_per_1000": usd,
    }


def cost(*rows: Mapping[str, Any]) -> Results:
    return Results("lambda-cost-x.json", {"at": "2025-01-02", "prices": "AWS Lambda price list, x, 2025", "rows": rows})
