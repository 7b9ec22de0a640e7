"""A case in a process of its own, so that its peak is nobody else's."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.errors import BenchmarkError
from benchmarks.large.cases import Case
from benchmarks.paths import ROOT

_TIMEOUT_SECONDS: Final = 300
_SHOWN_CHARACTERS: Final = 1500


@dataclass(frozen=True, slots=True)
class Figures:
    """What one call took, and the answer's `status`.

    `peak_bytes`: the most memory that the process ever held, `warm_peak_bytes` before the call. `cpu_seconds` is the
    processor time of all threads; `size_bytes` the result's.
    """

    title: str
    status: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    warm_peak_bytes: int
    size_bytes: int
    server_timing: str


def measure(case: Case, pictures: Mapping[str, Path], warm_up: Path, environment: Mapping[str, str]) -> Figures:
    """Run one case after a small call. Raises BenchmarkError if the process dies of it."""
    request = {"picture": str(pictures[case.picture]), "fields": dict(case.fields)}
    paths = os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core")))
    with tempfile.TemporaryFile("w+b") as log:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.children.large", str(warm_up)],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": paths},
            input=json.dumps(request).encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
        log.seek(0)
        said = log.read().decode("utf-8", "replace")[-_SHOWN_CHARACTERS:]
    return figures(case.title, child.returncode, [json.loads(line) for line in child.stdout.splitlines()], said)


def figures(title: str, status: int, told: list[dict[str, Any]], said: str) -> Figures:
    """From the child's exit status, messages and log. Raises BenchmarkError."""
    if status or len(told) != 2:
        raise BenchmarkError(f"{title}: the process ended with status {status} and said:\n{said}")
    ready, answer = told
    return Figures(
        title,
        answer["status"],
        answer["seconds"],
        answer["cpu_seconds"],
        answer["peak_bytes"],
        ready["peak_bytes"],
        answer["size_bytes"],
        answer["server_timing"],
    )
