"""Which methods each path of the API takes, across its functions (tests hold this against template.yaml)."""

import re
from typing import Final

METHODS: Final = {
    "/health": ("GET",),
    "/rmbg": ("POST",),
    "/api/membership-usage": ("GET",),
    "/api/api-keys": ("GET", "POST"),
    "/api/api-keys/{key_id}": ("DELETE",),
    "/jobs": ("POST",),
    "/jobs/{job_id}": ("GET",),
    "/webhooks/stripe": ("POST",),
}
_PARAMETER: Final = re.compile(r"\\\{\w+\\\}")
_VALUE: Final = r"[-._~()'!*:@,;=+&$%<> \[\]{}|^\w]+"  # what Powertools takes in place of a parameter
_PATTERNS: Final = tuple(
    (re.compile(_PARAMETER.sub(lambda _: _VALUE, re.escape(path))), methods) for path, methods in METHODS.items()
)


def allowed_methods(path: str) -> tuple[str, ...]:
    """What an Allow header lists for a path; empty for one that does not exist."""
    path = path.removesuffix("/")
    methods = next((methods for pattern, methods in _PATTERNS if pattern.fullmatch(path)), ())
    if not methods:
        return ()
    return (*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS")
