"""What a person can ask for."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.sides import MEMORY_MB, OURS
from layers.model.manifest import load_manifest


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """`repeats` counts calls a picture and case, `starts` cold starts a side, both without the warm-up."""

    model: str
    quick: bool
    only_ours: bool
    pictures: tuple[Path, ...]
    repeats: int
    starts: int
    threads: tuple[int, ...]


def parse_arguments(arguments: list[str] | None = None) -> BenchmarkOptions:
    """Raises BenchmarkError for a picture that is not there."""
    manifest = load_manifest()
    parser = argparse.ArgumentParser(
        prog="make bench", description="Our whole path against rembg.", epilog='Options go into ARGS="...".'
    )
    parser.add_argument("--quick", action="store_true", help="2 threads, 2 repeats, rembg without WebP: two minutes")
    parser.add_argument("--only", choices=[OURS], help="only our side: nothing of rembg is installed")
    parser.add_argument("--pictures", nargs="+", type=Path, metavar="FILE", help="photographs to make the sizes from")
    parser.add_argument("--repeats", type=int, metavar="N", help="calls a picture and case (5; quick: 2)")
    parser.add_argument("--model", choices=list(manifest.models), default=os.environ.get("MODEL") or manifest.default)
    given = parser.parse_args(arguments)
    pictures = tuple(given.pictures or ())
    for path in pictures:
        if not path.is_file():
            raise BenchmarkError(f"there is no picture {path}")
    return BenchmarkOptions(
        model=given.model,
        quick=given.quick,
        only_ours=given.only == OURS,
        pictures=pictures,
        repeats=max(1, given.repeats or (2 if given.quick else 5)),
        starts=3 if given.quick else 7,
        threads=(2,) if given.quick else tuple(MEMORY_MB),
    )
