"""YAML with CloudFormation's short-form tags, and the two intrinsic functions a local gateway can answer.

Short forms become the long ones: `!Ref X` is `{"Ref": "X"}`, `!Sub x` is `{"Fn::Sub": "x"}` (CloudFormation user guide,
intrinsic function reference).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as _SafeLoader
else:  # libyaml's, where PyYAML was built with it, takes a tenth of the time: the template is read several times
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "rmbg",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/rmbg/local",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE: Final = object()

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")


class TemplateError(Exception):
    """The template cannot be served here; the message names the place and the reason."""


class _Loader(_SafeLoader):
    """SafeLoader that knows the short-form tags."""


def _construct_tag(loader: _SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TemplateError(f"!{suffix} on a node of an unknown kind")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def load_yaml(path: Path) -> Any:
    """The document of a template file; raises TemplateError when it cannot be read or is no YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error


class Resolver:
    """Replaces Ref and Fn::Sub by the Defaults of the parameters and by pseudo parameters."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters

    def resolve(self, node: Any, where: str) -> Any:
        """A deep copy without intrinsic functions; what is `AWS::NoValue` disappears from its mapping or list.

        Raises TemplateError, naming `where`, for anything only a deployment knows.
        """
        if isinstance(node, list):
            values = [self.resolve(item, f"{where}[{index}]") for index, item in enumerate(node)]
            return [value for value in values if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name == "Ref":
                return self._reference(str(argument), where)
            if name == "Fn::Sub":
                return self._substitute(argument, where)
            if name == "Condition" or str(name).startswith("Fn::"):
                raise TemplateError(f"{where}: {name} cannot be resolved on this machine")
        members = {str(key): self.resolve(value, f"{where}.{key}") for key, value in node.items()}
        return {key: value for key, value in members.items() if value is not NO_VALUE}

    def _reference(self, name: str, where: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name not in self._parameters:
            raise TemplateError(f"{where}: {name} is no parameter of the template, so it has no value on this machine")
        parameter = self._parameters[name]
        if not isinstance(parameter, dict) or "Default" not in parameter:
            raise TemplateError(f"{where}: the parameter {name} has no Default")
        return parameter["Default"]

    def _substitute(self, argument: Any, where: str) -> str:
        text, names = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(text, str) or not isinstance(names, dict):
            raise TemplateError(f"{where}: Fn::Sub takes a text, or a text and a mapping")

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            value = self.resolve(names[name], where) if name in names else self._reference(name.strip(), where)
            return as_text(value, where)

        return _SUBSTITUTION.sub(replacement, text)


def attribute_of(node: Any, attribute: str) -> str | None:
    """The logical id in a Fn::GetAtt of that attribute, in either spelling; None for anything else."""
    argument = node.get("Fn::GetAtt") if isinstance(node, dict) and len(node) == 1 else None
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if isinstance(argument, list) and len(argument) == 2 and argument[1] == attribute:
        return str(argument[0])
    return None


def as_text(value: Any, where: str) -> str:
    """A scalar as CloudFormation hands it on: booleans in lower case. Raises TemplateError for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"{where}: a text or a number is expected")
