"""python -m benchmarks.lambda_cost: the table, and benchmarks/results/lambda-cost-<time>.json.

Measures the image that `make build` has built, as it is: build it anew after a change. Needs Docker, or root on Debian
to install it. Models are mounted in place of the built-in one.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from benchmarks.errors import BenchmarkError
from benchmarks.lambda_cost.container import IMAGE
from benchmarks.lambda_cost.cost import PRICES_OF, Row, processors, table
from benchmarks.lambda_cost.measure import measure
from benchmarks.machine import describe, machine_facts
from benchmarks.others import OtherLoad
from benchmarks.paths import CACHE, MODELS, RESULTS
from benchmarks.photographs import photographs
from benchmarks.pictures import SIZES, make_pictures
from layers.model.errors import ModelError
from layers.model.ready import ensure_model
from tools.lab.commands import CommandFailed, run
from tools.lab.engine import NoEngine, container_engine
from tools.lab.store import container_store
from tools.local_store.errors import LocalStoreError

MODEL_NAMES = ("isnet-general-use", "u2net", "u2netp")
MEMORY_MB = (1024, 1769, 2048, 3008, 3538, 4096, 5308)


def main() -> int:
    """Exit status: 0 measured, 1 not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lambda_cost", description=__doc__)
    parser.add_argument("--models", nargs="+", default=MODEL_NAMES, choices=MODEL_NAMES)
    parser.add_argument("--memory", nargs="+", type=int, default=MEMORY_MB, metavar="MB")
    parser.add_argument("--megapixels", nargs="+", type=float, default=tuple(SIZES), choices=tuple(SIZES))
    parser.add_argument("--repeats", type=int, default=5, help="calls a picture, after one that is not counted")
    parser.add_argument("--image", default=IMAGE)
    try:
        _measure_all(parser.parse_args())
    except (BenchmarkError, ModelError, CommandFailed, NoEngine, LocalStoreError, TimeoutError) as error:
        _say(str(error))
        return 1
    return 0


def _measure_all(options: argparse.Namespace) -> None:
    cores = os.cpu_count() or 1
    measurable = [size for size in options.memory if processors(size) <= cores]
    pictures = make_pictures(photographs(_say), CACHE / "pictures", _say)
    pictures = {megapixels: pictures[megapixels] for megapixels in options.megapixels}
    rows: list[Row] = []
    calls = []
    load = OtherLoad()
    with container_engine() as engine, container_store(engine) as store:
        built = run(["docker", "image", "inspect", "--format", "{{.Id}} {{.Created}}", options.image], engine)
        variables = {**store.functions, **store.credentials, "MAX_RESPONSE_BYTES": "0"}
        variables |= {"ANONYMOUS_DAILY_LIMIT": "100000", "ANONYMOUS_DAILY_LIMIT_TOTAL": "100000"}
        for model in options.models:
            model_dir = ensure_model(model, MODELS, _say)
            for memory_mb in measurable:
                _say(f"{model} with {memory_mb} MB")
                measured = measure(engine, options.image, model_dir, memory_mb, variables, pictures, options.repeats)
                rows += measured[0]
                calls += measured[1]
    busy_cores = load.cores()  # the containers' among them: the engine has started them, not we
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "image": built.decode().strip(),
        "prices": PRICES_OF,
        "machine": machine_facts(),
        "busy_cores": busy_cores,
        "rows": [asdict(row) | {"usd_per_1000": row.usd_per_1000} for row in rows],
        "calls": calls,
    }
    print(f"{describe(machine_facts())}\nto WebP; {PRICES_OF}; times and memory of the emulator's, computed cost")
    if busy_cores is not None:
        print(f"{busy_cores:.1f} of {cores} cores busy, containers included: other work adds to s, not to CPU s")
    print(table(rows, [size for size in options.memory if size not in measurable]))
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"lambda-cost-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    _say(f"wrote {path}")


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
