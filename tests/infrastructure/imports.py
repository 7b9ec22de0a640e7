"""Which third-party modules a handler needs, by way of our own package too. Read from the sources, nothing is run."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, anywhere in it; relative imports start with a dot."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            if not node.level:  # `from package import module`
                yield from (f"{base}.{alias.name}" for alias in node.names)


def foreign_packages(handler: Path, layer: Path) -> set[str]:
    """Top-level names that `handler` needs and neither Python nor a package in the folder `layer` has."""
    foreign: set[str] = set()
    seen: set[Path] = set()
    waiting = [handler]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported(path):
            parts = name.split(".")
            if not parts[0]:  # a sibling, which is not deployed
                foreign.add(name)
            elif (layer / parts[0]).is_dir():
                waiting.extend(_files(layer, parts))
            elif parts[0] not in sys.stdlib_module_names:
                foreign.add(parts[0])
    return foreign


def _files(root: Path, parts: list[str]) -> Iterator[Path]:
    """The module and every package around it, as far as they exist: an import runs all of them."""
    for end in range(1, len(parts) + 1):
        module = root.joinpath(*parts[:end])
        for path in (module / "__init__.py", module.with_suffix(".py")):
            if path.is_file():
                yield path
