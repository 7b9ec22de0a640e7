"""python -m benchmarks.cold_start: from a process's start to ready, to its first and to its second answer.

The second column is what a caller feels, and what work that is moved between INIT and the call does not change. On
Lambda INIT may have more processor than the call (not below 1769 MB of memory): that is not measured here. Files are
in the page cache, bytecode is compiled.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from benchmarks.children.event import proxy_event
from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe, machine_facts
from benchmarks.paths import CACHE, MODELS, RESULTS
from benchmarks.photographs import photographs
from benchmarks.pictures import make_pictures
from benchmarks.sides import our_side
from benchmarks.store import running_store
from layers.model.errors import ModelError
from layers.model.ready import ensure_model
from tools.local_store.demo import prepare_demo

IMAGE: Final = "functions.background_removal.http_handler"
ACCOUNT: Final = "functions.account_api.handler"
EARLY: Final = ("boto3", "botocore.client", "rmbg.http.multipart")
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Case:
    """A handler, what INIT imports besides it, and the first request."""

    name: str
    handler: str
    early: tuple[str, ...]
    event: Mapping[str, Any]
    status: int


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds since the process's start, and its CPU seconds until then: ready, first answer, second answer."""

    seconds: tuple[float, float, float]
    cpu_seconds: tuple[float, float, float]


def measure(case: Case, environment: Mapping[str, str]) -> Start:
    """One process. Raises BenchmarkError where it answers otherwise than the case says."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.children.first_call", case.handler, *case.early]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=dict(environment), text=True, **pipes) as process:  # type: ignore[call-overload]
        told = [(_read(process.stdout), time.perf_counter() - begin)]
        for _ in range(2):
            asked = time.perf_counter()
            process.stdin.write(json.dumps(case.event) + "\n")
            process.stdin.flush()
            answer = _read(process.stdout)
            told.append((answer, told[-1][1] + time.perf_counter() - asked))
            if answer["status"] != case.status:
                raise BenchmarkError(f"{case.name}: answered {answer['status']}")
        process.stdin.close()
    ready, first, second = told
    return Start(
        (ready[1], first[1], second[1]), (ready[0]["cpu_seconds"], first[0]["cpu_seconds"], second[0]["cpu_seconds"])
    )


def cases(picture: bytes, api_key: str) -> list[Case]:
    """Both functions: answers that need everything, and refusals that need next to nothing."""
    upload = _with_key(proxy_event(picture, "webp"), api_key)
    mistyped = _with_key(proxy_event(picture, "webp"), "rmbg_live_mistyped")
    usage = _with_key(proxy_event(b"", "webp") | {"httpMethod": "GET", "path": "/api/membership-usage"}, api_key)
    health = proxy_event(b"", "webp") | {"httpMethod": "GET", "path": "/health"}
    return [
        Case("a picture of 1.5 MP", IMAGE, (), upload, 200),
        Case("- SDK and form parser imported in INIT", IMAGE, EARLY, upload, 200),
        Case("a mistyped key", IMAGE, (), mistyped, 401),
        Case("membership usage", ACCOUNT, (), usage, 200),
        Case("- SDK imported in INIT", ACCOUNT, EARLY[:2], usage, 200),
        Case("health", ACCOUNT, (), health, 200),
    ]


def main() -> int:
    """Prints the table; the cases take turns."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start")
    parser.add_argument("--model", default="isnet-general-use")
    parser.add_argument("--starts", type=int, default=7)
    arguments = parser.parse_args()
    try:
        model_dir = ensure_model(arguments.model, MODELS, _say)
        picture = make_pictures(photographs(_say), CACHE / "pictures", _say)[1.5][0].path.read_bytes()
        with running_store() as store, tempfile.TemporaryDirectory() as folder:
            environment = dict(our_side(arguments.model, model_dir, store).environments[_THREADS])
            environment |= {"MAX_UPLOAD_BYTES": "4600000", "CATALOGUE": ""}
            os.environ |= {name: value for name, value in store.items() if name.startswith("AWS_")}
            demo = prepare_demo(
                endpoint_url=store["DYNAMODB_ENDPOINT_URL"],
                core_table=store["CORE_TABLE"],
                ephemeral_table=store["EPHEMERAL_TABLE"],
                state_dir=Path(folder),
            )
            all_cases = cases(picture, demo.api_key)
            starts: dict[str, list[Start]] = {case.name: [] for case in all_cases}
            for _ in range(arguments.starts):
                for case in all_cases:
                    starts[case.name].append(measure(case, environment))
    except (BenchmarkError, ModelError) as error:
        _say(str(error))
        return 1
    print(table(starts, arguments.model))
    _say(f"wrote {write_results(RESULTS, starts, arguments.model)}")
    return 0


def write_results(folder: Path, starts: Mapping[str, list[Start]], model: str) -> Path:
    """Write `cold-start-<UTC time>.json`: every start, seconds as in `Start`."""
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "machine": machine_facts(),
        "options": {"model": model},
        "starts": {name: [asdict(start) for start in runs] for name, runs in starts.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"cold-start-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return path


def table(starts: Mapping[str, list[Start]], model: str) -> str:
    """Medians in milliseconds, wall-clock and (CPU)."""
    lines = [describe(machine_facts()), f"{model}; milliseconds since the start of the process, median (CPU)"]
    lines.append(f"{'':42}{'ready':>14}{'1st answer':>14}{'2nd - 1st':>14}")
    for name, runs in starts.items():
        cells = [_medians(runs, at) for at in range(3)]
        later = (cells[2][0] - cells[1][0], cells[2][1] - cells[1][1])
        lines.append(f"{name:42}" + "".join(f"{f'{wall:.0f} ({cpu:.0f})':>14}" for wall, cpu in (*cells[:2], later)))
    return "\n".join(lines)


def _medians(runs: list[Start], at: int) -> tuple[float, float]:
    wall = statistics.median(run.seconds[at] for run in runs)
    return wall * 1000, statistics.median(run.cpu_seconds[at] for run in runs) * 1000


def _with_key(event: dict[str, Any], api_key: str) -> dict[str, Any]:
    headers = {**event["headers"], "x-api-key": api_key}
    return event | {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}


def _read(pipe: IO[str]) -> dict[str, Any]:
    line = pipe.readline()
    if not line:
        raise BenchmarkError("the process ended")
    told: dict[str, Any] = json.loads(line)
    return told


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
