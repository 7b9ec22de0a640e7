"""Our side: the image function as Lambda holds it, its handler called with proxy events."""

import base64
import importlib
import os
from importlib.metadata import version
from typing import Any

from benchmarks.children.protocol import Answer, answers, say, serve

HANDLER = "functions.background_removal.http_handler"
ENCODE = "functions.background_removal.imaging.encode"
OWN_ENCODERS = ("encode_png", "encode_webp")  # do not go through Pillow's save, or do more than it


def main() -> None:
    with answers() as pipe:
        handler = importlib.import_module(HANDLER).handler  # loads the network: INIT ends here
        say(pipe, {"ready": True})

        from benchmarks.children.event import Context, proxy_event
        from benchmarks.children.stopwatch import ENCODER, Stopwatch

        stopwatch = Stopwatch()
        stopwatch.install()
        for name in OWN_ENCODERS:
            stopwatch.wrap(importlib.import_module(ENCODE), name, ENCODER)
        context = Context(memory_limit_in_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))

        def remove(jpeg: bytes, output_format: str) -> tuple[bytes, Answer]:
            event = proxy_event(jpeg, output_format)
            with stopwatch.call() as taken:
                result = handler(event, context)
            data = _picture(result)
            return data, {**taken, "server_timing": result["multiValueHeaders"]["Server-Timing"][0]}

        say(pipe, {"versions": {name: version(name) for name in ("onnxruntime", "pillow", "numpy", "isal")}})
        serve(pipe, remove)


def _picture(result: dict[str, Any]) -> bytes:
    """The picture in a proxy result; an answer other than 200 ends the benchmark."""
    if result["statusCode"] != 200:
        raise SystemExit(f"the handler answered {result['statusCode']}: {result['body'][:200]}")
    return base64.b64decode(result["body"])


if __name__ == "__main__":
    main()
