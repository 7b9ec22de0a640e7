"""Stands in for layers.model: starts a program that heeds no Ctrl-C, and never has the model ready.

Interrupted, it cleans up: it writes to standard error.
"""

import subprocess
import sys
import time

DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(flush=True); time.sleep(60)"

if __name__ == "__main__":
    program = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
    assert program.stdout
    program.stdout.read(1)  # it is deaf now
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("cleaned up", file=sys.stderr)
