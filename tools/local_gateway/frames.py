"""How the gateway and a worker talk: frames over a stream socket, JSON in both directions, as Lambda's runtime API.

A frame is 12 bytes of header, `meta` (a JSON object, small) and `payload` (bytes, large). To the worker: one frame an
invocation, its payload the event's JSON. From the worker: `ready` or `init_error` once; then, for each invocation,
`started` when the whole event has been read, and `result` or `error`. A result's meta holds the answer without its
body, its payload the body, so that nobody parses a hundred megabytes of JSON for five members.
"""

import json
import struct
from typing import Any, Final

HEADER: Final = struct.Struct(">IQ")  # length of meta, length of payload

READY: Final = "ready"
INIT_ERROR: Final = "init_error"
STARTED: Final = "started"
RESULT: Final = "result"
ERROR: Final = "error"


def head(meta: dict[str, Any], payload_bytes: int) -> bytes:
    """A frame up to its payload."""
    encoded = json.dumps(meta).encode()
    return HEADER.pack(len(encoded), payload_bytes) + encoded
