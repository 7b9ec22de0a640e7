"""python -m tools.stripe_events; `make stripe-event`."""

import sys

from tools.stripe_events.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
