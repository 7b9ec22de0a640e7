"""Seconds, memory and readiness beside rembg, from the results of `make bench`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.call import Call
from benchmarks.children.stopwatch import INFERENCE
from benchmarks.figures import STAGES, Case, Measurement
from benchmarks.page.markdown import MISSING, bold, count, megabytes, seconds, table
from benchmarks.page.sources import SPEED, Results, missing
from benchmarks.sides import OURS

Row = Mapping[str, Any]
FORMATS: Final[Mapping[str, str]] = {"png": "PNG", "webp": "WebP"}
_PREFIXES: Final = ("peak memory, ", "outside of network and codec, ")


def comparison(results: Results | None, unit: str) -> str:
    """The lines of one unit (`s`, `MB`, `share`), ours / theirs and the verdict on the target, by threads."""
    if results is None:
        return missing(SPEED)
    rows = [row for row in results.data["rows"] if row["unit"] == unit and row["what"] != "cold start"]
    threads = sorted({row["threads"] for row in rows})
    body = [
        (_short(what), _target(rows, what), *(_cell(_find(rows, what, n)) for n in threads))
        for what in dict.fromkeys(row["what"] for row in rows)
    ]
    return table(("", "Target", *(count(n, "thread") for n in threads)), body)


def cold_start(results: Results | None) -> str:
    """From the start of the process to ready, the one line of it."""
    rows = [row for row in results.data["rows"] if row["what"] == "cold start"] if results else []
    if not rows:
        return missing(SPEED)
    return table(("", "Target", "Ours / rembg"), [(row["what"], f"≤ {row['target']:g} s", _cell(row)) for row in rows])


def where_time_goes(results: Results | None) -> str:
    """Seconds inside of network and codecs by the same clocks on both sides, and what comes out."""
    if results is None:
        return missing(SPEED)
    head = ("", "Network", "Codec", "Rest", "Total", "Processor time", "Result, MB")
    body = []
    for m in measurements(results):
        figures = (m.inside(INFERENCE), m.codec_seconds, m.rest_seconds, m.seconds, m.cpu_seconds)
        body.append((_title(m), *(seconds(value) for value in figures), f"{m.size_bytes / 1e6:.2f}"))
    return table(head, body)


def stages(results: Results | None) -> str:
    """Milliseconds of our stages, as every answer's `Server-Timing` tells them."""
    if results is None:
        return missing(SPEED)
    body = []
    for m in measurements(results):
        if m.case.side == OURS:
            values = [*(m.stage(name) for name in STAGES), m.inside(INFERENCE), m.answer_seconds, m.seconds]
            body.append((_title(m), *(f"{value * 1000:.0f}" for value in values)))
    return table(("", *STAGES, "network", "answer", "total"), body)


def measurements(results: Results) -> list[Measurement]:
    """The single calls as they were measured."""
    return [
        Measurement(
            Case(**entry["case"]),
            {picture: [Call(**call) for call in calls] for picture, calls in entry["calls"].items()},
            entry["peak_bytes"],
            entry.get("other_load_cores"),
        )
        for entry in results.data["measurements"]
    ]


def remarks(results: Results) -> str:
    """How much a figure is worth: calls, and what else the machine did meanwhile."""
    options = results.data["options"]
    others = [m.other_load_cores for m in measurements(results) if m.other_load_cores is not None]
    busy = f"; other processes kept {min(others):.1f} to {max(others):.1f} cores busy meanwhile" if others else ""
    quick = "A quick run, with fewer calls and cases: " if options["quick"] else ""
    difference = results.data["alpha_difference"]
    agree = "" if difference is None else f" The two sides' alphas differ by {difference:.4f} of 1 on average."
    calls = count(options["repeats"], "call")
    return f"{quick}medians of {calls} a picture, averaged over {_pictures(results)}{busy}.{agree}"


def _pictures(results: Results) -> str:
    return count(len({picture["name"] for picture in results.data["pictures"]}), "picture")


def _cell(row: Row | None) -> str:
    if row is None:
        return MISSING
    ours, theirs = (_value(row[side], row["unit"]) for side in ("ours", "theirs"))
    verdict = "" if row["met"] is None else ", met" if row["met"] else ", **not met**"
    if row["theirs"] is None:
        return f"{ours}{verdict}"
    return f"{ours} / {theirs} = {bold(_ratio(row))}{verdict}"


def _ratio(row: Row) -> str:
    """Two decimals, or three where two would hide which side of the target it lies on."""
    ratio = float(row["ratio"])
    return f"{ratio:.3f}" if row["target"] is not None and f"{ratio:.2f}" == f"{row['target']:.2f}" else f"{ratio:.2f}"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return MISSING
    return seconds(value) if unit == "s" else megabytes(value * 1e6) if unit == "MB" else f"{value * 100:.1f} %"


def _target(rows: Sequence[Row], what: str) -> str:
    target = next((row["target"] for row in rows if row["what"] == what), None)
    if target is None:
        return MISSING
    return f"≤ {target * 100:.0f} %" if rows[0]["unit"] == "share" else f"≤ {target:.2f}"


def _find(rows: Sequence[Row], what: str, threads: int) -> Row | None:
    return next((row for row in rows if row["what"] == what and row["threads"] == threads), None)


def _title(m: Measurement) -> str:
    threads = count(m.case.threads, "thread")
    return f"{m.case.megapixels:g} MP → {FORMATS[m.case.output_format]}, {threads}, {m.case.side}"


def _short(what: str) -> str:
    """A line's name below a head that says which figure it is."""
    for prefix in _PREFIXES:
        what = what.removeprefix(prefix)
    return what
