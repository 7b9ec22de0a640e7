"""The benchmark from its options to its tables."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from benchmarks import rembg_side
from benchmarks.agreement import alpha_of, mean_difference
from benchmarks.comparison import PNG, WEBP, rows
from benchmarks.figures import Case, Measurement
from benchmarks.machine import machine_facts
from benchmarks.measure import Entry, cold_starts, measure, result_path
from benchmarks.options import BenchmarkOptions
from benchmarks.paths import CACHE, MODELS, RESULTS
from benchmarks.photographs import photographs
from benchmarks.pictures import Pictures, make_pictures
from benchmarks.report import Report
from benchmarks.results import write_results
from benchmarks.sides import OURS, THEIRS, our_side, their_side
from benchmarks.store import running_store
from layers.model.progress import Progress
from layers.model.ready import ensure_model


def run_benchmark(options: BenchmarkOptions, progress: Progress) -> None:
    """Fetch what is missing, measure, print, write. Raises BenchmarkError or ModelError."""
    with running_store() as accounts:
        _run(options, progress, accounts)


def _run(options: BenchmarkOptions, progress: Progress, accounts: Mapping[str, str]) -> None:
    entries = _entries(options, progress, accounts)
    originals = {path.stem: path for path in options.pictures} or photographs(progress)
    pictures = make_pictures(originals, CACHE / "pictures", progress)
    machine = machine_facts()
    progress("cold starts")
    starts, versions = cold_starts([entry.side for entry in entries], max(options.threads), options.starts)
    kept = _emptied(CACHE / "kept")
    measurements: list[Measurement] = []
    for threads in options.threads:
        for megapixels, of_size in pictures.items():
            progress(f"measuring {megapixels:g} megapixels with {threads} thread{'s' * (threads > 1)}")
            measurements += measure(entries, megapixels, threads, of_size, options.repeats, kept)
    report = Report(
        options=asdict(options) | {"pictures": [path.name for path in options.pictures]},
        machine=machine,
        versions=versions,
        pictures=[
            {"name": picture.name, "size": picture.size, "size_bytes": picture.path.stat().st_size}
            for of_size in pictures.values()
            for picture in of_size
        ],
        alpha_difference=_alpha_difference(measurements, pictures, kept),
        cold_start_seconds=starts,
        measurements=measurements,
        rows={n: rows(measurements, starts if n == max(options.threads) else {}, n) for n in options.threads},
    )
    print(report.text())
    progress(f"wrote {write_results(RESULTS, report)}")


def _entries(options: BenchmarkOptions, progress: Progress, accounts: Mapping[str, str]) -> list[Entry]:
    ours = Entry(our_side(options.model, ensure_model(options.model, MODELS, progress), accounts), (PNG, WEBP))
    if options.only_ours:
        return [ours]
    python = rembg_side.environment(progress)
    theirs = their_side(options.model, python, rembg_side.weights(options.model, progress))
    return [ours, Entry(theirs, (PNG,) if options.quick else (PNG, WEBP))]


def _alpha_difference(measurements: list[Measurement], pictures: Pictures, kept: Path) -> float | None:
    """Mean over all pictures and numbers of threads; None without rembg. Checks each result on the way."""
    cases = {measurement.case for measurement in measurements}
    differences = []
    for case in cases:
        for picture in pictures[case.megapixels]:
            alpha = alpha_of(result_path(kept, case, picture), picture.size)
            theirs = Case(THEIRS, case.megapixels, PNG, case.threads)
            if case.side == OURS and case.output_format == PNG and theirs in cases:
                differences.append(mean_difference(alpha, alpha_of(result_path(kept, theirs, picture), picture.size)))
    return fmean(differences) if differences else None


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
