"""A gateway for a test, in a process of its own: python -m tests.integration.local_gateway.launch '{"root": …}'.

Members: `root`; of Settings what should differ; `aws` for AWS's limits; `send_buffer`, the kernel's for a connection,
in bytes; `endpoint_url` of an emulator that has the template's queues; `variables` of the functions to replace. Prints
its port once it is ready.
"""

import asyncio
import json
import socket
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
from tools.local_store.queues import EmulatedQueue, create_queues, sqs_client


async def run(
    stop: StopRequest,
    root: Path,
    *,
    aws: bool = False,
    send_buffer: int | None = None,
    endpoint_url: str = "",
    variables: dict[str, str] | None = None,
    **settings: Any,
) -> None:
    template = root / "template.yaml"
    queues: dict[str, EmulatedQueue] = {}
    if endpoint_url:
        client = sqs_client(endpoint_url)
        queues = {name: EmulatedQueue(client, name, url) for name, url in create_queues(client, template).items()}
    with bind(0) as listener:
        if send_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        port = listener.getsockname()[1]
        await serve(
            load_template(template, {"MODEL_DIR": "/models/toy", **(variables or {})}),
            root=root,
            settings=Settings(limits=AWS_LIMITS if aws else LOCAL_LIMITS, **settings),
            listener=listener,
            stop=stop.event(),
            on_ready=lambda: print(port, flush=True),
            queues=queues,
        )


def main() -> int:
    stop = StopRequest()
    stop.install()
    options = json.loads(sys.argv[1])
    try:
        asyncio.run(run(stop, Path(options.pop("root")), **options))
    except (InitFailed, TemplateError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
