"""What makes two requests the same one: the file's bytes and the options, whatever the form's boundary was."""

import hashlib
import json
from dataclasses import asdict

from rmbg.domain.options import Options


def fingerprint(data: bytes, options: Options) -> str:
    """SHA-256, in hexadecimal, over the file's own SHA-256 and the parsed options."""
    parsed = asdict(options) | {"angle_degrees": options.angle_degrees + 0.0}  # -0.0 equals 0.0
    canonical = json.dumps([hashlib.sha256(data).hexdigest(), parsed], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
