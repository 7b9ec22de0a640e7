"""Which methods each path of the API takes, across its functions (tests hold this against template.yaml)."""

from typing import Final

METHODS: Final = {
    "/health": ("GET",),
    "/rmbg": ("POST",),
}


def allowed_methods(path: str) -> tuple[str, ...]:
    """What an Allow header lists for a path; empty for one that does not exist."""
    methods = METHODS.get(path.removesuffix("/"), ())
    if not methods:
        return ()
    return (*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS")
