"""A function from the start of its process to the end of its first answer: python -m … HANDLER [module ...].

Modules named after the handler are imported with it, as if INIT did: to weigh what belongs there.
"""

import importlib
import json
import sys
import time

from benchmarks.children.protocol import answers, say


def main() -> None:
    handler_name, *early = sys.argv[1:]
    with answers() as pipe:
        handler = importlib.import_module(handler_name).handler  # INIT: the image function loads its network
        for name in early:
            importlib.import_module(name)
        say(pipe, {"cpu_seconds": time.process_time()})

        from benchmarks.children.event import Context

        for line in sys.stdin:
            event = json.loads(line)
            result = handler(event, Context())
            say(pipe, {"cpu_seconds": time.process_time(), "status": result["statusCode"]})


if __name__ == "__main__":
    main()
