"""python -m benchmarks.page (make bench-page): docs/benchmarks.md, its pictures, and the figures in other pages."""

import argparse
import sys
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.page.blocks import update
from benchmarks.page.page import page
from benchmarks.page.parts import parts
from benchmarks.page.pictures import write_pictures
from benchmarks.page.sources import load_sources
from benchmarks.paths import RESULTS, ROOT
from layers.model.errors import ModelError
from layers.model.manifest import load_manifest

DOCS = ROOT / "docs"
PICTURES = DOCS / "benchmarks"


def main() -> int:
    """Exit status: 0 written, 1 not."""
    parser = argparse.ArgumentParser(prog="make bench-page", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where the benchmarks' files are")
    parser.add_argument("--text-only", action="store_true", help="leave the pictures as they are")
    options = parser.parse_args()
    manifest = load_manifest()
    try:
        if not options.text_only:
            write_pictures(PICTURES, manifest.default, _say)
        sources = load_sources(options.results)
        (DOCS / "benchmarks.md").write_text(page(sources, manifest, PICTURES), "utf-8")
        for path, blocks in parts(sources, manifest).items():
            update(path, blocks)
    except (BenchmarkError, ModelError) as error:
        _say(str(error))
        return 1
    _say("wrote docs/benchmarks.md")
    return 0


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
