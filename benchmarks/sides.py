"""The two sides: which process to start for a number of threads, and what it is told by its environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.paths import ROOT

OURS, THEIRS = "ours", "rembg"

# Of this machine, and only where it is set: to find programs, a home, a place for files and shared libraries.
_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
MEMORY_MB: Final = {1: 1769, 2: 3538}
"""What a Lambda function has to have to get that many vCPUs, and so our threads."""


@dataclass(frozen=True, slots=True)
class Side:
    """How to start one contender; `environments` holds the variables for each number of threads."""

    name: str
    command: tuple[str, ...]
    environments: Mapping[int, Mapping[str, str]]


def our_side(model: str, model_dir: Path, accounts: Mapping[str, str]) -> Side:
    """The image function with the variables that Lambda and template.yaml would set; results have no size limit.

    `accounts` are those of the store: every picture is counted.
    """
    environments = {
        threads: {
            **_of_this_machine(),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core"))),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "MODEL": model,
            "MODEL_DIR": str(model_dir),
            "MAX_RESPONSE_BYTES": "0",
            **accounts,
        }
        for threads, memory_mb in MEMORY_MB.items()
    }
    return Side(OURS, (sys.executable, "-m", "benchmarks.children.ours"), environments)


def their_side(model: str, python: Path, weights: Path) -> Side:
    """rembg, its threads set by the variable that it reads, its weights found before it thinks of a download."""
    environments = {
        threads: {
            **_of_this_machine(),
            "OMP_NUM_THREADS": str(threads),
            "U2NET_HOME": str(weights),
            "MODEL_CHECKSUM_DISABLED": "1",
        }
        for threads in MEMORY_MB
    }
    return Side(THEIRS, (str(python), "-m", "benchmarks.children.theirs", model), environments)


def _of_this_machine() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
