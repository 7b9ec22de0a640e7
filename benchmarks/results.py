"""The figures as a file: every single call, so that another question can be asked of them later."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Report


def write_results(folder: Path, report: Report) -> Path:
    """Write `speed-<UTC time>.json`; times are seconds, sizes bytes, peaks in the comparison 10^6 bytes."""
    now = datetime.now(UTC)
    document = asdict(report)
    document["rows"] = [
        {"threads": threads, **asdict(row), "ratio": row.ratio, "met": row.met}
        for threads, rows in report.rows.items()
        for row in rows
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"speed-{now:%Y%m%dT%H%M%SZ}.json"
    text = json.dumps({"at": now.isoformat(timespec="seconds"), **document}, indent=1, ensure_ascii=False, default=str)
    path.write_text(text + "\n", "utf-8")
    return path
