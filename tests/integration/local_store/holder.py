"""A process that holds an emulator and says where, so that a test can kill it: python -m ... STATE_DIR."""

import sys
import time
from pathlib import Path

from tools.local_store.emulator import running_emulator

folder = Path(sys.argv[1])
with running_emulator(folder / "store", log=folder / "emulator.log") as emulator:
    print(emulator.endpoint_url, emulator.pid, flush=True)
    time.sleep(600)
