"""template.yaml as it is written, and as CloudFormation gets it from the SAM transform. Without a network."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pytest_socket import disable_socket, enable_socket
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from tools.local_gateway.intrinsics import load_yaml
from tools.local_gateway.template import Deployment
from tools.make_events import deployment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    """The template before the transform, with the long forms of its intrinsic functions."""
    document = load_yaml(ROOT / "template.yaml")
    assert isinstance(document, dict)
    return document


def transform(source: dict[str, Any]) -> dict[str, Any]:
    """What AWS::Serverless-2016-10-31 makes of a template whose artifacts are uploaded."""
    uploaded = copy.deepcopy(source)
    for resource in uploaded["Resources"].values():
        properties = resource.get("Properties") or {}
        for key in properties.keys() & {"CodeUri", "ContentUri"}:
            properties[key] = "s3://bucket/key"
        if properties.get("PackageType") == "Image":
            properties["ImageUri"] = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/repository:tag"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        # A profile of whoever runs this need not exist.
        patch.delenv("AWS_PROFILE", raising=False)
        translator = Translator({}, Parser(), boto_session=boto3.session.Session(region_name="eu-central-1"))
        transformed: dict[str, Any] = translator.translate(uploaded, {})
    return transformed


@pytest.fixture(scope="session")
def transformed(source: dict[str, Any]) -> dict[str, Any]:
    return transform(source)


@pytest.fixture(scope="session")
def served() -> Deployment:
    """What the local gateway reads of the template."""
    return deployment()
