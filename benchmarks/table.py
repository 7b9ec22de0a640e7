"""The figures as a person reads them. Pure: everything returns text."""

from collections.abc import Sequence

from benchmarks.children.stopwatch import INFERENCE
from benchmarks.figures import STAGES, Measurement, Row

_VERDICTS = {True: "met", False: "NOT MET", None: ""}


def comparison_table(rows: Sequence[Row]) -> str:
    """Ours, theirs, their ratio, the target and whether it is met."""
    lines = [_cells("", "ours", "rembg", "ratio", "target", "")]
    lines += [
        _cells(
            row.what,
            _value(row.ours, row.unit),
            _value(row.theirs, row.unit),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            _target(row),
            _VERDICTS[row.met],
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def stage_table(measurements: Sequence[Measurement]) -> str:
    """Milliseconds of each of our stages; `network` is the part of `segment` that onnxruntime runs."""
    names = (*STAGES[:6], "network", *STAGES[6:], "answer", "total", "±")
    lines = [f"{'':<14}" + "".join(f"{name:>9}" for name in names)]
    for measurement in measurements:
        values = {name: measurement.stage(name) for name in STAGES} | {
            "network": measurement.inside(INFERENCE),
            "answer": measurement.answer_seconds,
            "total": measurement.seconds,
            "±": measurement.spread_seconds,
        }
        lines.append(f"{_title(measurement):<14}" + "".join(f"{values[name] * 1000:>9.1f}" for name in names))
    return "\n".join(lines)


def inside_table(measurements: Sequence[Measurement]) -> str:
    """Where the time goes on either side, by the same clocks, and what comes out."""
    names = ("total", "±", "CPU", "network", "codec", "rest", "peak MB", "result MB", "others")
    lines = [f"{'':<20}" + "".join(f"{name:>10}" for name in names)]
    for m in measurements:
        seconds = (m.seconds, m.spread_seconds, m.cpu_seconds, m.inside(INFERENCE), m.codec_seconds, m.rest_seconds)
        cells = [*(f"{value:.3f}" for value in seconds), f"{m.peak_bytes / 1e6:.0f}", f"{m.size_bytes / 1e6:.2f}"]
        cells.append("" if m.other_load_cores is None else f"{m.other_load_cores:.1f}")
        lines.append(f"{m.case.side:<6}{_title(m):<14}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines)


def _title(measurement: Measurement) -> str:
    return f"{measurement.case.megapixels:g} MP {measurement.case.output_format}"


def _cells(what: str, *cells: str) -> str:
    return f"{what:<46}" + "".join(f"{cell:>11}" for cell in cells)


def _value(value: float | None, unit: str) -> str:
    match unit:
        case _ if value is None:
            return ""
        case "s":
            return f"{value:.2f} s"
        case "MB":
            return f"{value:.0f} MB"
        case _:
            return f"{value:.1%}"


def _target(row: Row) -> str:
    if row.target is None or row.met is None:
        return ""
    match row.unit:
        case "share":
            return f"≤ {row.target:.0%}"
        case "s" if not row.judged_by_ratio:
            return f"≤ {row.target:.1f} s"
        case _:
            return f"≤ {row.target:.2f}"
