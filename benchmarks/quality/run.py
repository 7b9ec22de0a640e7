"""Every picture through every side."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe, machine_facts
from benchmarks.paths import CACHE, MODELS, RESULTS
from benchmarks.quality.arrays import Bytes
from benchmarks.quality.composites import composite_samples
from benchmarks.quality.eval_set import FOLDER, eval_samples
from benchmarks.quality.flat import flat_samples
from benchmarks.quality.mattes import GivenMattes, MatteSource, NetworkMattes
from benchmarks.quality.network import input_side_px
from benchmarks.quality.options import OURS, QUICK_PICTURES, RAW, QualityOptions
from benchmarks.quality.photographs import background_photographs
from benchmarks.quality.rembg import Rembg
from benchmarks.quality.results import write_results
from benchmarks.quality.sample import Sample
from benchmarks.quality.scores import Score, Truth, figures
from benchmarks.quality.sheets import write_sheet
from benchmarks.quality.sides import Function, Ours, Refining, Side, enlarge, named_function
from benchmarks.quality.table import group_tables, picture_tables
from functions.background_removal.imaging.pipeline import Pipeline
from layers.model.progress import Progress
from layers.model.ready import ensure_model

FOLDER_OF_MADE = CACHE / "quality"


def run_benchmark(options: QualityOptions, progress: Progress) -> None:
    """Measure, print the tables, write the results. Raises BenchmarkError and ModelError."""
    facts = machine_facts()
    with ExitStack() as stack:
        mattes, sides = _contenders(options, stack, progress)
        scores = [score for sample in _chosen(options, progress) for score in _scores(sample, sides, mattes, options)]
    if not scores:
        raise BenchmarkError("there are no pictures of that name")
    print(f"{describe(facts)}; {options.model}{', given mattes' * options.given_matte}\n")
    if options.each:
        print(picture_tables(scores) + "\n")
    print(group_tables(scores))
    progress(f"written: {write_results(RESULTS, options, facts, scores)}")


def _contenders(options: QualityOptions, stack: ExitStack, progress: Progress) -> tuple[MatteSource, list[Side]]:
    """The source of mattes, and the sides in the order of the options, candidates last."""
    model_dir = ensure_model(options.model, MODELS, progress)
    sides: list[Side] = []
    for name in options.sides:
        if name == RAW:
            sides.append(Refining(RAW, enlarge))
        elif name == OURS:
            sides.append(Ours(Pipeline(model_dir, options.threads)))
        else:
            sides.append(Rembg(name, options.model, options.threads, stack, progress))
    sides += [Refining(name, named_function(name)) for name in options.refinements]
    sides += [Function(name, named_function(name)) for name in options.functions]
    if options.given_matte:
        for side in sides:
            if not side.takes_matte:
                raise BenchmarkError(f"{side.name} finds its own matte: leave it out, or --given-matte")
        return GivenMattes(input_side_px(model_dir)), sides
    return NetworkMattes(model_dir, options.threads, FOLDER_OF_MADE / "mattes"), sides


def _chosen(options: QualityOptions, progress: Progress) -> Iterator[Sample]:
    taken = dict.fromkeys(options.groups, 0)
    for sample in _all(progress):
        if sample.group not in taken or options.only not in sample.name:
            continue
        if options.given_matte and sample.alpha is None:
            continue
        if options.quick and taken[sample.group] >= QUICK_PICTURES:
            continue
        taken[sample.group] += 1
        yield sample


def _all(progress: Progress) -> Iterator[Sample]:
    if not FOLDER.is_dir():
        progress(f"{FOLDER} is not there: no photographs with true masks, and no lemur")
    photographs = background_photographs(progress)
    yield from eval_samples()
    yield from composite_samples(FOLDER_OF_MADE / "composites", photographs, progress)
    yield from flat_samples(FOLDER_OF_MADE / "flat", photographs)


def _scores(sample: Sample, sides: Sequence[Side], mattes: MatteSource, options: QualityOptions) -> Iterator[Score]:
    data = sample.picture.read_bytes()
    truth = Truth.of(sample.true_alpha(), sample.true_colors())
    results: dict[str, Bytes] = {}
    matte: Bytes | None = None
    for side in sides:
        needs_matte = isinstance(side, Refining) or options.given_matte
        if needs_matte and matte is None:
            matte = mattes(sample, data)
        start = time.process_time()
        result = side.cut_out(data, matte if needs_matte else None)
        seconds = None if isinstance(side, Rembg) else time.process_time() - start
        results[side.name] = result
        yield Score(sample.group, sample.name, side.name, seconds, figures(result, truth))
    if options.pictures is not None:
        write_sheet(options.pictures, sample, truth, results)
