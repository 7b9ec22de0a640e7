"""Photographs with true masks, where this machine has them: `../shared/data/eval` beside the project."""

import csv
from collections.abc import Iterator
from typing import Final

from benchmarks.paths import ROOT
from benchmarks.quality.sample import Sample

FOLDER: Final = ROOT.parent / "shared" / "data" / "eval"
GROUPS: Final = ("ccp", "cats", "lemur")
"""People in the street (binary masks), cats (binary), one animal with a soft reference matte."""


def eval_samples() -> Iterator[Sample]:
    """Every photograph of the set; nothing where it is absent."""
    manifest = FOLDER / "manifest.csv"
    if not manifest.is_file():
        return
    with manifest.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["name"] in GROUPS:
                picture = FOLDER / row["image"]
                yield Sample(row["name"], picture.stem, picture, FOLDER / row["mask"])
