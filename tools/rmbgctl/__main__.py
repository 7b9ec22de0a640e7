"""python -m tools.rmbgctl; installed as `rmbgctl` beside the virtual environment's Python."""

import sys

from tools.rmbgctl.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
