"""python -m benchmarks.large: the table, and benchmarks/results/large-<time>.json."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from benchmarks.errors import BenchmarkError
from benchmarks.large.cases import chosen
from benchmarks.large.measure import Figures, measure
from benchmarks.large.pictures import ensure_pictures
from benchmarks.large.table import row, table
from benchmarks.machine import describe, machine_facts
from benchmarks.paths import CACHE, MODELS, RESULTS
from benchmarks.photographs import photographs
from benchmarks.store import running_store
from layers.model.errors import ModelError
from layers.model.manifest import load_manifest
from layers.model.ready import ensure_model

WARM_UP = "portrait.jpg"


def main() -> int:
    """Exit status: 0 measured, 1 not."""
    manifest = load_manifest()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="cases whose title holds one of these")
    parser.add_argument("--memory", type=int, default=3008, metavar="MB", help="of the function; decides the threads")
    parser.add_argument("--model", choices=list(manifest.models), default=manifest.default)
    try:
        _measure_all(parser.parse_args())
    except (BenchmarkError, ModelError) as error:
        _say(str(error))
        return 1
    return 0


def _measure_all(options: argparse.Namespace) -> None:
    cases = chosen(options.only)
    if not cases:
        raise BenchmarkError(f"no case's title holds any of: {', '.join(options.only)}")
    model_dir = ensure_model(options.model, MODELS, _say)
    names = {case.picture for case in cases} | {WARM_UP}
    pictures = ensure_pictures(names, photographs(_say)["portrait"], CACHE / "large", _say)
    facts = machine_facts()
    figures: list[Figures] = []
    with running_store() as accounts:
        environment = {
            **os.environ,
            **accounts,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(options.memory),
            "MODEL_DIR": str(model_dir),
            "MAX_RESPONSE_BYTES": "0",
        }
        for case in cases:
            figures.append(measure(case, pictures, pictures[WARM_UP], environment))
            _say(row(figures[-1]))
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "machine": facts,
        "options": vars(options),
        "cases": [asdict(one) for one in figures],
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"large-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{describe(facts)}\n\n{table(figures)}")
    _say(f"wrote {path}")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
