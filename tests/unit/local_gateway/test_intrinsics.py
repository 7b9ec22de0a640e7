"""The template is read as CloudFormation would resolve it, and what only a deployment knows is named."""

from pathlib import Path

import pytest

from tools.local_gateway.intrinsics import Resolver, TemplateError, load_yaml

PARAMETERS = {"Name": {"Default": "toy"}, "Size": {"Default": 3}, "Secret": {"Type": "String"}}


def resolve(text: str, tmp_path: Path) -> object:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return Resolver(PARAMETERS).resolve(load_yaml(path), "here")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref Name", "toy"),
        ("Ref: Name", "toy"),
        ("!Ref Size", 3),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Sub '${Name}-${AWS::Region}-${!Name}'", "toy-us-east-1-${Name}"),
        ("!Sub ['${Other}/${Size}', {Other: !Ref Name}]", "toy/3"),
        ("Fn::Sub: plain", "plain"),
        ("[1, {a: !Ref Name}, !Ref AWS::NoValue]", [1, {"a": "toy"}]),
        ("{a: !Ref AWS::NoValue, b: 2}", {"b": 2}),
    ],
)
def test_what_can_be_known_is_resolved(text: str, expected: object, tmp_path: Path) -> None:
    assert resolve(text, tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: !Ref Table", "here.a: Table is no parameter"),
        ("a: !Ref Secret", "here.a: the parameter Secret has no Default"),
        ("a: [!GetAtt Table.Arn]", "here.a[0]: Fn::GetAtt cannot be resolved"),
        ("!If [Big, 1, 2]", "Fn::If cannot be resolved"),
        ("!Sub '${Table}'", "Table is no parameter"),
        ("!Sub [1, 2, 3]", "Fn::Sub takes"),
        ("Condition: Big", "Condition cannot be resolved"),
    ],
)
def test_what_only_a_deployment_knows_is_an_error_that_names_the_place(text: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        resolve(text, tmp_path)
    assert part in str(caught.value)


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b"a: !!python/object/apply:os.system [true]"])
def test_a_file_that_is_no_plain_yaml_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_bytes(content)
    with pytest.raises(TemplateError) as caught:
        load_yaml(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error_of_the_template(tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        load_yaml(tmp_path / "nowhere.yaml")
