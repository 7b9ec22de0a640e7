"""The tables of template.yaml, made on an emulator."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS, Resolver, TemplateError, load_yaml
from tools.local_store.errors import StateUnreadable

REGION: Final = PSEUDO_PARAMETERS["AWS::Region"]
ACCESS_KEY: Final = "local"  # of nobody, the same as the functions': an emulator's data belong to an account

_TABLE: Final = "AWS::DynamoDB::Table"
_INDEXES: Final = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
_SHAPE: Final = ("KeySchema", "AttributeDefinitions", *_INDEXES)
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 10


def declared_tables(template: Path) -> dict[str, dict[str, Any]]:
    """The properties of each table of a template, by logical id. Raises TemplateError."""
    resolver, resources = resources_of(template, _TABLE)
    wanted = (*_SHAPE, "TimeToLiveSpecification")
    tables: dict[str, dict[str, Any]] = {}
    for name, properties in resources.items():
        own = {key: properties[key] for key in wanted if key in properties}
        for key in ("KeySchema", "AttributeDefinitions"):
            if key not in own:
                raise TemplateError(f"{name}.{key} is missing")
        tables[name] = resolver.resolve(own, name)
    return tables


def resources_of(template: Path, kind: str) -> tuple[Resolver, dict[str, dict[str, Any]]]:
    """The properties, as they are written, of all resources of a type, and what resolves them. Raises TemplateError."""
    document = load_yaml(template)
    resources = document.get("Resources") if isinstance(document, dict) else None
    if not isinstance(resources, dict):
        raise TemplateError(f"{template.name}: no Resources")
    properties = {
        str(name): resource.get("Properties") or {}
        for name, resource in resources.items()
        if isinstance(resource, dict) and resource.get("Type") == kind
    }
    return Resolver(document.get("Parameters") or {}), properties


def create_tables(endpoint_url: str, template: Path) -> dict[str, str]:
    """Make every table of the template that is not there yet; return physical names by logical id, which are the same.

    Raises TemplateError, StateUnreadable when a table that was kept has other keys or indexes than the template's, and
    botocore's BotoCoreError and ClientError.
    """
    declared = declared_tables(template)
    client = dynamodb_client(endpoint_url)
    try:
        existing = set(client.list_tables()["TableNames"])
        for name, properties in declared.items():
            if name in existing:
                _check_shape(name, properties, client.describe_table(TableName=name)["Table"])
            else:
                shape = {key: properties[key] for key in _SHAPE if key in properties}
                client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **shape)
            _enable_expiry(client, name, properties.get("TimeToLiveSpecification"))
    finally:
        client.close()
    return {name: name for name in declared}


def dynamodb_client(endpoint_url: str, **settings: Any) -> Any:
    """A boto3 client for an emulator's tables; see `emulator_client`."""
    return emulator_client("dynamodb", endpoint_url, **settings)


def emulator_client(service: str, endpoint_url: str, **settings: Any) -> Any:
    """A boto3 client for an emulator, with nobody's credentials.

    Whatever the user has set for AWS, in the environment or in ~/.aws, is not read: a profile that does not exist, a
    proxy or FIPS would break it, and real credentials have no business here. `settings` go to botocore's Config.
    """
    import boto3  # 0.2 seconds
    import botocore.configprovider
    import botocore.session
    from botocore.config import Config

    defaults = botocore.configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES
    variables = {name: (None, None, default, convert) for name, (_, _, default, convert) in defaults.items()}
    core = botocore.session.Session(session_vars=variables)
    return boto3.Session(botocore_session=core).client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        config=Config(
            proxies={},  # None would be the environment's
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 2},
        ).merge(Config(**settings)),
    )


def _check_shape(name: str, declared: Mapping[str, Any], existing: Mapping[str, Any]) -> None:
    if _shape(declared) != _shape(existing):
        raise StateUnreadable(f"the kept {name} has other keys than the template's; begin anew: make run FRESH=1")


def _shape(table: Mapping[str, Any]) -> Any:
    """Keys with their types, and the indexes' keys: what cannot be changed in place."""
    types = {definition["AttributeName"]: definition["AttributeType"] for definition in table["AttributeDefinitions"]}

    def keys(schema: Any) -> list[tuple[str, str, str | None]]:
        return sorted((key["KeyType"], key["AttributeName"], types.get(key["AttributeName"])) for key in schema)

    indexes = {index["IndexName"]: keys(index["KeySchema"]) for kind in _INDEXES for index in table.get(kind) or ()}
    return keys(table["KeySchema"]), indexes


def _enable_expiry(client: Any, name: str, wanted: Mapping[str, Any] | None) -> None:
    if not wanted or not wanted.get("Enabled"):
        return
    kept = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if kept.get("TimeToLiveStatus") != "ENABLED" or kept.get("AttributeName") != wanted["AttributeName"]:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=dict(wanted))
