"""Runs the package managers: quietly, and never longer than we live."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_SHOWN_LINES = 6


class CommandError(Exception):
    """The command could not be started or ended with an error; the message holds the start of what it wrote."""


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Runs `command` in `folder` with `environment` added to ours; its output goes to a file beside its work.

    Raises `CommandError`. Whatever ends the wait early (Ctrl-C) also ends the command.
    """
    log = folder / "command.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise CommandError(f"{command[0]} cannot be started: {error.strerror or error}") from error
        try:
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if status != 0:
        raise CommandError(_start_of(log) or f"{command[0]} ended with status {status}")


def _start_of(log: Path) -> str:
    """The first lines: both npm and pip, told to be quiet, name the cause first and advise later."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line.rstrip() for line in lines if line.strip()][:_SHOWN_LINES])
