"""A child process that ends when its parent does, even when the parent was killed with -9.

The parent holds the other end of the child's standard input and never writes: end of file means that it is gone.
"""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(*, whole_group: bool) -> None:
    """Watch standard input from a thread, and give the process an empty one instead.

    `whole_group` ends all processes of this one's group: for a child that starts programs of its own and leads a
    group. Otherwise Linux is also asked to kill the process: code that holds the interpreter's lock for seconds does
    not keep it alive.
    """
    lifeline = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    threading.Thread(target=_end_at_end_of_file, args=(lifeline, whole_group), daemon=True).start()
    if not whole_group and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_at_end_of_file(lifeline: int, whole_group: bool) -> None:
    while os.read(lifeline, 1):
        pass
    if whole_group and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
