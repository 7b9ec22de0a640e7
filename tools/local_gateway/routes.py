"""Which resource and method a request meets, as API Gateway's REST APIs decide it.

The most specific resource wins first (a literal segment before `{id}` before `{proxy+}`), and only then is its method
looked for: the named one before ANY. A resource without the method is the end of it, even when `{proxy+}` has ANY.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# The methods that ANY stands for (API Gateway developer guide, "Set up a method using the API Gateway console").
ANY_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

_GREEDY, _PARAMETER, _LITERAL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Route:
    """`method` is a name or ANY; `resource` a path such as /jobs/{job_id}; `function` a logical id."""

    method: str
    resource: str
    function: str


@dataclass(frozen=True, slots=True)
class Match:
    route: Route
    path_parameters: dict[str, str]


class Router:
    """Routes, ready to be asked. It never raises, whatever the method or path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._resources: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            self._resources.setdefault(_segments(route.resource), {})[route.method] = route

    def match(self, method: str, path: str) -> Match | None:
        """The route of a request, None if there is none. `path` is as sent, still percent-encoded, without query.

        Path parameters are percent-encoded too: that is how a REST API hands them on.
        """
        if not path.startswith("/"):
            return None
        segments = _segments(path)
        best: tuple[tuple[int, ...], dict[str, Route], dict[str, str]] | None = None
        for resource, methods in self._resources.items():
            found = _fit(resource, segments)
            if found and (best is None or found[0] > best[0]):
                best = (found[0], methods, found[1])
        if best is None:
            return None
        route = best[1].get(method) or (best[1].get("ANY") if method in ANY_METHODS else None)
        return Match(route, best[2]) if route else None


def _segments(path: str) -> tuple[str, ...]:
    """One slash at the end is tolerated; empty segments inside stay."""
    inner = path[1:].removesuffix("/")
    return tuple(inner.split("/")) if inner else ()


def _fit(resource: tuple[str, ...], segments: tuple[str, ...]) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """How closely a resource fits, and its parameters; None if it does not."""
    parameters: dict[str, str] = {}
    ranks: list[int] = []
    for index, part in enumerate(resource):
        if part.startswith("{") and part.endswith("+}"):
            rest = "/".join(segments[index:])
            if not rest:
                return None
            parameters[part[1:-2]] = rest
            return (*ranks, _GREEDY), parameters
        if index >= len(segments):
            return None
        if part.startswith("{") and part.endswith("}"):
            if not segments[index]:
                return None
            parameters[part[1:-1]] = segments[index]
            ranks.append(_PARAMETER)
        elif part == segments[index]:
            ranks.append(_LITERAL)
        else:
            return None
    return (tuple(ranks), parameters) if len(resource) == len(segments) else None
