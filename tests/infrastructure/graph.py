"""Which resource of a CloudFormation template needs which, and whether that can be created in any order.

Neither `sam validate` nor cfn-lint sees a circle that the SAM transform makes: only a deployment would. References:
CloudFormation user guide, "Ref", "Fn::GetAtt", "Fn::Sub" and "DependsOn attribute".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")


def references(node: Any) -> Iterator[str]:
    """Every name that a part of a template refers to: resources, parameters and pseudo parameters alike."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key == "Ref":
                yield str(value)
            elif key == "Fn::GetAtt":
                yield str(value[0]) if isinstance(value, list) else str(value).partition(".")[0]
            elif key == "Fn::Sub":
                yield from _substituted(value)
            else:
                yield from references(value)


def _substituted(argument: Any) -> Iterator[str]:
    text, own = argument if isinstance(argument, list) else (argument, {})
    yield from references(list(own.values()))
    for name in _SUBSTITUTED.findall(text):
        if name.strip() not in own:
            yield name.strip().partition(".")[0]


def dependencies(template: Mapping[str, Any]) -> dict[str, list[str]]:
    """Logical id → the logical ids that must exist before it."""
    resources = template["Resources"]
    result: dict[str, list[str]] = {}
    for name, resource in resources.items():
        explicit = resource.get("DependsOn") or []
        wanted = {*([explicit] if isinstance(explicit, str) else explicit), *references(resource.get("Properties"))}
        result[name] = sorted(wanted & resources.keys())
    return result


def circle(graph: Mapping[str, list[str]]) -> list[str]:
    """A circle of a graph as a path whose last name is its first; empty if there is none."""
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in finished:
            return []
        for needed in graph[name]:
            if found := visit(needed, [*path, name]):
                return found
        finished.add(name)
        return []

    for name in graph:
        if found := visit(name, []):
            return found
    return []
