"""What a person can ask for."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.quality.theirs import VARIANTS
from layers.model.manifest import load_manifest

RAW, OURS = "raw", "ours"
GROUPS: Final = ("ccp", "cats", "lemur", "drawn", "lemur+", "flat")
QUICK_PICTURES: Final = 4


@dataclass(frozen=True, slots=True)
class QualityOptions:
    """`functions` and `refinements` are candidates as `module:function`; `pictures` a folder for contact sheets."""

    model: str
    sides: tuple[str, ...]
    functions: tuple[str, ...]
    refinements: tuple[str, ...]
    groups: tuple[str, ...]
    only: str
    given_matte: bool
    each: bool
    quick: bool
    threads: int
    pictures: Path | None


def parse_arguments(arguments: list[str] | None = None) -> QualityOptions:
    """Leaves the process for wrong arguments, as argparse does."""
    manifest = load_manifest()
    parser = argparse.ArgumentParser(
        prog="make bench-quality", description=__doc__, epilog='Options go into ARGS="...".'
    )
    known = (RAW, OURS, *VARIANTS)
    parser.add_argument("--sides", nargs="*", choices=known, help="what is compared (raw ours rembg)")
    parser.add_argument("--side", action="append", default=[], metavar="MODULE:FUNCTION", help="bytes -> RGBA uint8")
    parser.add_argument(
        "--refine",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="(rgb uint8 (h, w, 3), matte uint8 (1024, 1024)) -> (rgb, alpha)",
    )
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--only", default="", metavar="TEXT", help="pictures with this in their name")
    parser.add_argument("--given-matte", action="store_true", help="the truth, coarsened, in place of the network")
    parser.add_argument("--each", action="store_true", help="print each picture's figures too")
    parser.add_argument("--quick", action="store_true", help=f"the first {QUICK_PICTURES} pictures of each group")
    parser.add_argument("--threads", type=int, default=2, help="of the networks (2)")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write contact sheets of crops")
    parser.add_argument("--model", choices=list(manifest.models), default=os.environ.get("MODEL") or manifest.default)
    given = parser.parse_args(arguments)
    default = (RAW, OURS) if given.given_matte else (RAW, OURS, "rembg")
    return QualityOptions(
        model=given.model,
        sides=default if given.sides is None else tuple(given.sides),
        functions=tuple(given.side),
        refinements=tuple(given.refine),
        groups=tuple(given.groups),
        only=given.only,
        given_matte=given.given_matte,
        each=given.each,
        quick=given.quick,
        threads=given.threads,
        pictures=given.pictures,
    )
