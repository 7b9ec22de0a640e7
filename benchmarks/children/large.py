"""One large picture through the image function of a process that is warm: python -m … SMALL_PICTURE.

A request a line: `{"picture", "fields"}`. The answer's picture is not decoded: that would be in the peak.
"""

import base64
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from urllib3 import encode_multipart_formdata

from benchmarks.children.event import Context, proxy_event
from benchmarks.children.protocol import Answer, answers, peak_bytes, say

HANDLER = "functions.background_removal.http_handler"
_PATIENCE_SECONDS = 600.0


def main(small: Path) -> None:
    with answers() as pipe:
        _wait_for_slow_machines()
        handler = importlib.import_module(HANDLER).handler  # loads the network: INIT ends here
        handler(form_event(small, {}), Context())
        say(pipe, {"ready": True, "peak_bytes": peak_bytes()})
        for line in sys.stdin:
            request = json.loads(line)
            say(pipe, answered(handler, form_event(Path(request["picture"]), request["fields"])))


def _wait_for_slow_machines() -> None:
    """What comes too late is to be measured here, not refused."""
    from rmbg.services import deadline

    vars(deadline)["ANSWER_SECONDS"] = _PATIENCE_SECONDS


def answered(handler: Any, event: dict[str, Any]) -> Answer:
    """Seconds of wall-clock and of processor time, the process's peak, the answer's status and size."""
    start, cpu_start = time.perf_counter(), time.process_time()
    result = handler(event, Context())
    told = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}
    timing = result["multiValueHeaders"].get("Server-Timing", [""])[0]
    return {
        **told,
        "peak_bytes": peak_bytes(),
        "status": result["statusCode"],
        "size_bytes": len(result["body"]) * 3 // 4,
        "server_timing": timing,
    }


def form_event(picture: Path, fields: dict[str, str]) -> dict[str, Any]:
    """`POST /rmbg` with a form of a file and text fields."""
    body, content_type = encode_multipart_formdata({**fields, "image": (picture.name, picture.read_bytes())})
    headers = {"Content-Type": content_type, "User-Agent": "benchmark"}
    return {
        **proxy_event(b"", "webp"),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": base64.b64encode(body).decode("ascii"),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
