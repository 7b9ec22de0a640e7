"""Running a command of the lab, with its output in the error when it fails."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class CommandFailed(Exception):
    """A command ended with a status other than 0; the text has its last lines."""


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    *,
    cwd: Path = ROOT,
    timeout_seconds: float = 600,
    stdin: bytes | None = None,
) -> bytes:
    """Run to the end and return standard output. Raises CommandFailed and subprocess.TimeoutExpired."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        timeout=timeout_seconds,
        check=False,
    )
    if result.returncode != 0:
        output = (result.stdout + result.stderr).decode(errors="replace")
        raise CommandFailed(f"{' '.join(map(str, command))}: status {result.returncode}\n{output[-4000:]}")
    return result.stdout


def side_venv(name: str) -> Path:
    """The bin folder of the virtual environment with requirements/NAME.txt, made when it is absent."""
    run(["sh", "tools/side_venv.sh", name])
    return ROOT / ".cache" / "venvs" / name / "bin"
