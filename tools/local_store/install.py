"""The emulator's virtual environment, made when it is absent or for another Python or lock.

As a program it is the installation itself, in a process that ends with its parent.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tools.local_store.errors import EmulatorFailed, StartCancelled

ROOT: Final = Path(__file__).resolve().parents[2]
INSTALL: Final = (sys.executable, "-m", "tools.local_gateway.supervised", "tools.local_store.install")
_POLL_SECONDS: Final = 0.01


def install_emulator(*, cancelled: Callable[[], bool], command: Sequence[str] | None = None) -> None:
    """Return when the emulator is there; what is installed talks on standard error.

    An installation that is cut off is made anew the next time. Raises EmulatorFailed and StartCancelled.
    """
    process = subprocess.Popen(
        command or INSTALL,
        cwd=ROOT,
        stdin=subprocess.PIPE,  # its lifeline
        stdout=sys.stderr.fileno(),
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            if cancelled():
                raise StartCancelled
            time.sleep(_POLL_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()
    if process.returncode != 0:
        raise EmulatorFailed("the store's emulator could not be installed, see above")


if __name__ == "__main__":
    sys.exit(subprocess.run(["sh", "tools/side_venv.sh", "ministack"], cwd=ROOT, check=False).returncode)
