"""A contender's process, seen from outside."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.call import Call
from benchmarks.errors import BenchmarkError
from benchmarks.figures import milliseconds_of
from benchmarks.paths import ROOT
from benchmarks.sides import Side

_SHOWN_CHARACTERS = 1500


class Contender:
    """Starts one side's process and waits until it is ready; leaving the block ends it."""

    def __init__(self, side: Side, threads: int) -> None:
        self._side = side
        self._log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed with the process
        start = time.perf_counter()
        self._process = subprocess.Popen(
            side.command,
            cwd=ROOT,
            env=dict(side.environments[threads]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        try:
            self._answer()
            self.ready_seconds = time.perf_counter() - start
            self.versions: dict[str, str] = self._answer()["versions"]
        except BaseException:
            self.close()
            raise

    def remove(self, picture: Path, output_format: str, save: Path | None = None) -> Call:
        """Have the background of one picture removed. Raises BenchmarkError if the process dies of it."""
        request = {"picture": str(picture), "format": output_format, "save": save and str(save)}
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(request).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise self._died() from None
        answer = self._answer()
        return Call(
            seconds=answer["seconds"],
            cpu_seconds=answer["cpu_seconds"],
            inside_seconds=answer["inside_seconds"],
            stage_seconds={
                stage: milliseconds / 1000
                for stage, milliseconds in milliseconds_of(answer.get("server_timing", "")).items()
            },
            size_bytes=answer["size_bytes"],
            peak_bytes=answer["peak_bytes"],
        )

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.kill()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> "Contender":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        pipe = self._process.stdout
        assert pipe is not None
        line = pipe.readline()
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _died(self) -> BenchmarkError:
        status = self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace")[-_SHOWN_CHARACTERS:]
        return BenchmarkError(f"{self._side.name} ended with status {status} and said:\n{said}")
