"""A gateway for a test, in a process of its own: python -m tests.integration.local_gateway.launch '{"root": …}'.

Members: `root`, and of Settings what should differ, `aws` for AWS's limits. Prints its port once it is ready.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tools.local_gateway.intrinsics import TemplateError
from tools.local_gateway.listener import bind
from tools.local_gateway.process import InitFailed
from tools.local_gateway.server import serve
from tools.local_gateway.settings import AWS_LIMITS, LOCAL_LIMITS, Settings
from tools.local_gateway.stop import StopRequest
from tools.local_gateway.template import load_template


async def run(stop: StopRequest, root: Path, aws: bool, **settings: Any) -> None:
    with bind(0) as listener:
        port = listener.getsockname()[1]
        await serve(
            load_template(root / "template.yaml", {"MODEL_DIR": "/models/toy"}),
            root=root,
            settings=Settings(limits=AWS_LIMITS if aws else LOCAL_LIMITS, **settings),
            listener=listener,
            stop=stop.event(),
            on_ready=lambda: print(port, flush=True),
        )


def main() -> int:
    stop = StopRequest()
    stop.install()
    options = json.loads(sys.argv[1])
    try:
        asyncio.run(run(stop, Path(options.pop("root")), options.pop("aws", False), **options))
    except (InitFailed, TemplateError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
