"""How parent and child talk: one JSON object a line. The child says that it is ready, then answers each request."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

Answer = dict[str, Any]
Remove = Callable[[bytes, str], tuple[bytes, Answer]]
"""(the JPEG's bytes, "png" or "webp") to the encoded result and what is to be told of the call."""


@contextmanager
def answers() -> Iterator[IO[str]]:
    """The pipe to the parent; whatever the measured code prints (logs) goes to standard error from now on."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with pipe:
        yield pipe


def say(pipe: IO[str], message: Answer) -> None:
    """Send one message."""
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def serve(pipe: IO[str], remove: Remove) -> None:
    """Answer requests `{"picture", "format", "save"}` until standard input ends.

    With `save` the result is written to that path. Reading and writing files is in nobody's time.
    """
    for line in sys.stdin:
        request = json.loads(line)
        result, told = remove(Path(request["picture"]).read_bytes(), request["format"])
        if request["save"]:
            Path(request["save"]).write_bytes(result)
        say(pipe, {**told, "size_bytes": len(result), "peak_bytes": peak_bytes()})


def peak_bytes() -> int:
    """The most physical memory that this process has ever held, in bytes."""
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:  # not Linux
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used if sys.platform == "darwin" else used * 1024
    # ru_maxrss would count what the parent held when it forked.
    (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes) * 1024
