"""python -m benchmarks.quality (make bench-quality): tables, and benchmarks/results/quality-<time>.json."""

import sys

from benchmarks.errors import BenchmarkError
from benchmarks.quality.options import parse_arguments
from benchmarks.quality.run import run_benchmark
from layers.model.errors import ModelError


def main() -> int:
    """Exit status: 0 measured (whatever the figures), 1 not, 130 interrupted."""
    try:
        run_benchmark(parse_arguments(), _say)
    except (BenchmarkError, ModelError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    return 0


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
