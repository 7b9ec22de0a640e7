"""The stack can be created: no resource needs itself, not even by way of others."""

from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.conftest import transform
from tests.infrastructure.graph import circle, dependencies, references
from tools.local_gateway.intrinsics import load_yaml

# A function that is told the address of the API that invokes it: the API's description holds the function's ARN.
FUNCTION_KNOWS_ITS_API = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: v1}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello
      Handler: handler.handler
      Runtime: python3.13
      Environment: {Variables: {BASE_URL: !Sub "https://${Api}.example.com"}}
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /hello, Method: GET}}
"""
BUCKET_NOTIFIES_THE_FUNCTION_THAT_READS_IT = """
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: Permission
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !GetAtt Reader.Arn}
  Reader:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Role.Arn}
  Role:
    Type: AWS::IAM::Role
    Properties: {Resource: !Sub ["${Arn}/*", {Arn: !GetAtt Bucket.Arn}]}
"""


def template(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    document = load_yaml(path)
    assert isinstance(document, dict)
    return document


def test_no_resource_needs_itself(transformed: dict[str, Any]) -> None:
    graph = dependencies(transformed)
    # the edges exist at all: else the next line would hold for anything
    assert "BackgroundRemovalFunction" in graph["Api"]
    assert "BackgroundRemovalLogs" in graph["BackgroundRemovalFunction"]
    assert " → ".join(circle(graph)) == ""


def test_a_function_that_names_its_api_is_a_circle(tmp_path: Path) -> None:
    found = circle(dependencies(transform(template(tmp_path, FUNCTION_KNOWS_ITS_API))))
    assert found in (["Api", "Hello", "Api"], ["Hello", "Api", "Hello"])


def test_a_circle_over_get_att_sub_and_depends_on_is_told_as_a_path(tmp_path: Path) -> None:
    found = circle(dependencies(template(tmp_path, BUCKET_NOTIFIES_THE_FUNCTION_THAT_READS_IT)))
    assert found == ["Bucket", "Permission", "Reader", "Role", "Bucket"]


@pytest.mark.parametrize(
    ("node", "names"),
    [
        ({"Ref": "A"}, ["A"]),
        ({"Fn::GetAtt": ["A", "Arn"]}, ["A"]),
        ({"Fn::GetAtt": "A.Arn"}, ["A"]),
        ({"Fn::Sub": "${A} ${B.Arn} ${!C} ${AWS::Region}"}, ["A", "B", "AWS::Region"]),
        ({"Fn::Sub": ["${X}${A}", {"X": {"Ref": "B"}}]}, ["B", "A"]),
        ({"Fn::If": ["Condition", {"Ref": "A"}, [{"Fn::GetAtt": ["B", "Arn"]}]]}, ["A", "B"]),
        ("${A}", []),
    ],
)
def test_all_spellings_of_a_reference_are_seen(node: Any, names: list[str]) -> None:
    assert list(references(node)) == names
