"""Lines on standard error. A reader that went away must not take the gateway with it."""

import contextlib
import sys


def line(text: str) -> None:
    """Write one line, at once."""
    with contextlib.suppress(OSError, ValueError):  # closed: nobody is left to tell
        print(text, file=sys.stderr, flush=True)


def access(method: str, path: str, status: int, milliseconds: float, size_bytes: int) -> None:
    """One request: never its query, headers, body or file names."""
    shown = path if len(path) <= 200 else path[:200] + "…"
    line(f"{method} {shown} {status} {milliseconds:.0f} ms {size_bytes} bytes")
