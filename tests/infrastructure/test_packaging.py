"""What is put into the artifacts runs there: one file a zip function, no particular Linux distribution in the image."""

import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.conftest import ROOT
from tests.infrastructure.imports import foreign_packages

LAYER = ROOT / "layers" / "core"
DOCKERFILE = ROOT / "functions" / "background_removal" / "Dockerfile"

INSTRUCTIONS = {"ARG", "FROM", "COPY", "RUN", "CMD"}
COMMANDS = ("python -m pip ", "python -m compileall ", "rm ")


def normalised(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def in_the_layer() -> set[str]:
    """Top-level modules of the distributions that the layer installs."""
    lock = (LAYER / "requirements.txt").read_text()
    locked = {normalised(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    return {
        module
        for module, distributions in packages_distributions().items()
        if locked & {normalised(name) for name in distributions}
    }


def zip_handlers(source: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """Logical id and handler file of every zip function."""
    for name, resource in source["Resources"].items():
        properties = resource.get("Properties") or {}
        if resource["Type"] == "AWS::Serverless::Function" and properties.get("PackageType") != "Image":
            module = properties["Handler"].rpartition(".")[0]
            yield name, ROOT / properties["CodeUri"] / f"{module}.py"


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Dockerfile → instruction and its arguments on one line."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, _, arguments = line.partition(" ")
        yield instruction.upper(), arguments.strip()


def not_portable(text: str) -> list[str]:
    """What a Dockerfile does beyond COPY and pip."""
    found: list[str] = []
    for instruction, arguments in instructions(text):
        if instruction not in INSTRUCTIONS:
            found.append(f"{instruction} {arguments}")
        elif instruction == "RUN":
            commands = (command.strip() for command in re.split(r"&&|\|\||[;|]", arguments))
            found.extend(command for command in commands if not command.startswith(COMMANDS))
    return found


def test_a_zip_function_is_one_file(source: dict[str, Any]) -> None:
    handlers = dict(zip_handlers(source))
    assert handlers
    for name, path in handlers.items():
        # `functions.account_api` is a package for the tests' sake; its __init__ is not deployed, so it holds no code
        assert {it.name for it in path.parent.rglob("*.py")} <= {path.name, "__init__.py"}, name
        makefile = (path.parent / "Makefile").read_text()
        assert f'build-{name}:\n\tcp {path.name} "$(ARTIFACTS_DIR)/"' in makefile, name


def test_a_zip_function_imports_only_what_its_layer_has(source: dict[str, Any]) -> None:
    available = in_the_layer()
    assert "aws_lambda_powertools" in available
    for name, path in zip_handlers(source):
        assert foreign_packages(path, LAYER) <= available, name


def test_an_import_the_layer_lacks_is_seen_through_our_own_package(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("import json\nfrom rmbg.http import multipart\nfrom .sibling import x\nimport PIL.Image\n")
    # requests_toolbelt, which only the image has, is what rmbg.http.multipart imports
    assert foreign_packages(handler, LAYER) - in_the_layer() == {"requests_toolbelt", ".sibling", "PIL"}


def test_the_image_is_made_of_copies_and_pip() -> None:
    text = DOCKERFILE.read_text()
    assert {"FROM", "COPY", "RUN", "CMD"} <= {instruction for instruction, _ in instructions(text)}
    assert not_portable(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "RUN dnf install -y git",
        "RUN python -m pip install x \\\n && apt-get update",
        "RUN rm x; microdnf clean all",
        "ENV A=b",
        "USER 1000",
        "ADD https://example.com/x /x",
    ],
)
def test_what_only_one_base_image_has_is_found(line: str) -> None:
    assert len(not_portable(f"FROM base\n{line}\n")) == 1


def test_what_the_image_copies_is_there() -> None:
    sources = [it.split()[0] for instruction, it in instructions(DOCKERFILE.read_text()) if instruction == "COPY"]
    made_by_build = {"build/model/", "build/catalogue.json"}
    assert [it for it in sources if not any(ROOT.glob(it)) and it not in made_by_build] == []
