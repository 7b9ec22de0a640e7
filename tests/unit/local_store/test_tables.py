"""What the template declares, as DynamoDB is told it; the client that tells it."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tools.local_gateway.intrinsics import TemplateError
from tools.local_store import tables
from tools.local_store.errors import StateUnreadable
from tools.local_store.tables import create_tables, declared_tables, dynamodb_client

TEMPLATE = """
Parameters: {Attribute: {Type: String, Default: ttl}}
Resources:
  Other: {Type: AWS::SQS::Queue}
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "${AWS::StackName}-things"
      DeletionProtectionEnabled: !GetAtt Other.Arn
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: !Ref Attribute, Enabled: true}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return path


class Recorded:
    """A client that answers from a dictionary of tables and keeps what it was told."""

    def __init__(self, existing: dict[str, Any]) -> None:
        self.existing = existing
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def list_tables(self) -> dict[str, Any]:
        return {"TableNames": list(self.existing)}

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        return {"Table": self.existing[TableName]}

    def describe_time_to_live(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}

    def create_table(self, **arguments: Any) -> None:
        self.calls.append(("create_table", arguments))

    def update_time_to_live(self, **arguments: Any) -> None:
        self.calls.append(("update_time_to_live", arguments))

    def close(self) -> None:
        pass


def test_our_own_tables() -> None:
    declared = declared_tables(ROOT / "template.yaml")
    assert set(declared) == {"CoreTable", "EphemeralTable"}
    for properties in declared.values():
        assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_a_table_is_made_as_declared(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Recorded({})
    monkeypatch.setattr(tables, "dynamodb_client", lambda _: client)
    assert create_tables("http://nowhere", template) == {"Things": "Things"}
    (_, created), (_, expiry) = client.calls
    assert created == {
        "TableName": "Things",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    assert expiry["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [("pk", "S", None), ("id", "S", "other keys"), ("pk", "N", "other keys")],
)
def test_a_kept_table_stays_if_its_keys_are_the_same(
    name: str, kind: str, message: str | None, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind}],
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
    }
    client = Recorded({"Things": kept})
    monkeypatch.setattr(tables, "dynamodb_client", lambda _: client)
    if message:
        with pytest.raises(StateUnreadable, match=f"Things has {message}.*FRESH=1"):
            create_tables("http://nowhere", template)
    else:
        create_tables("http://nowhere", template)
        assert [call for call, _ in client.calls] == ["update_time_to_live"]


@pytest.mark.parametrize("text", ["", "Resources: 3", "Resources: {T: {Type: AWS::DynamoDB::Table}}"])
def test_a_template_that_declares_nothing_usable(text: str, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError):
        declared_tables(path)


def test_the_client_knows_nothing_of_the_users_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-3\nendpoint_url = http://real.example\nmax_attempts = 9\n")
    settings = {
        "AWS_PROFILE": "not-there",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": "http://real.example",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://real.example",
        "AWS_DEFAULT_REGION": "eu-west-3",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/not/there",
        "HTTP_PROXY": "http://proxy.example:1",
        "http_proxy": "http://proxy.example:1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = dynamodb_client("http://127.0.0.1:9", max_pool_connections=7)
    credentials = client._request_signer._credentials
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:9", "us-east-1")
    assert (credentials.access_key, credentials.secret_key, credentials.token) == ("local", "local", None)
    assert client.meta.config.proxies == {}
    assert client.meta.config.max_pool_connections == 7
    client.close()
