"""What template.yaml promises to CloudFormation, to API Gateway and to whoever deploys it."""

import json
from typing import Any

import pytest

from rmbg.http.routes import METHODS
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.graph import references
from tools.local_gateway.routes import ANY_METHODS
from tools.local_gateway.template import load_template

API_GATEWAY_TIMEOUT_SECONDS = 29
NOT_PHYSICAL = {"StageName"}  # of the API, in its URL: it blocks no replacement


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → properties."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (properties,) = of_type(template, kind).values()
    return properties


@pytest.fixture
def functions(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = of_type(transformed, "AWS::Lambda::Function")
    assert found
    return found


@pytest.fixture
def gateway_responses(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = only(transformed, "AWS::ApiGateway::RestApi")["Body"][
        "x-amazon-apigateway-gateway-responses"
    ]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(found)
    return found


def test_an_image_function_has_nothing_that_only_a_zip_function_may_have(functions: dict[str, dict[str, Any]]) -> None:
    images = {name: function for name, function in functions.items() if function.get("PackageType") == "Image"}
    assert images
    for name, function in images.items():
        assert not function.keys() & {"Layers", "Runtime", "Handler"}, name


def test_no_environment_names_the_api(transformed: dict[str, Any], functions: dict[str, dict[str, Any]]) -> None:
    api = {name for name, it in transformed["Resources"].items() if it["Type"].startswith("AWS::ApiGateway::")}
    for name, function in functions.items():
        assert not api & set(references(function.get("Environment"))), name


def test_every_function_logs_to_a_group_that_forgets(
    transformed: dict[str, Any], functions: dict[str, dict[str, Any]]
) -> None:
    groups = of_type(transformed, "AWS::Logs::LogGroup")
    for name, function in functions.items():
        assert groups[function["LoggingConfig"]["LogGroup"]["Ref"]]["RetentionInDays"], name


def test_every_body_arrives_as_base64(transformed: dict[str, Any]) -> None:
    assert only(transformed, "AWS::ApiGateway::RestApi")["BinaryMediaTypes"] == ["*/*"]


def test_the_endpoint_is_regional(transformed: dict[str, Any]) -> None:
    assert only(transformed, "AWS::ApiGateway::RestApi")["EndpointConfiguration"]["Types"] == ["REGIONAL"]


def test_there_is_one_stage_and_it_logs_no_bodies(transformed: dict[str, Any]) -> None:
    settings = only(transformed, "AWS::ApiGateway::Stage")["MethodSettings"]
    assert [(it["ResourcePath"], it["HttpMethod"]) for it in settings] == [("/*", "*")]
    assert settings[0]["DataTraceEnabled"] is False


def test_every_error_of_the_gateway_is_json_with_its_status(gateway_responses: dict[str, dict[str, Any]]) -> None:
    for kind, response in gateway_responses.items():
        assert list(response["responseTemplates"]) == ["application/json"], kind
        document = json.loads(response["responseTemplates"]["application/json"])
        assert document.keys() == {"error", "status"}, kind
        assert str(document["status"]) == response["statusCode"], kind


def test_every_error_of_the_gateway_can_be_traced_and_be_read_by_a_page(
    gateway_responses: dict[str, dict[str, Any]],
) -> None:
    for kind, response in gateway_responses.items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.X-Request-Id"] == "context.requestId", kind
        origin = headers["gatewayresponse.header.Access-Control-Allow-Origin"]
        assert origin == {"Fn::Sub": "'${CorsAllowOrigin}'"}, kind
        assert "X-Request-Id" in headers["gatewayresponse.header.Access-Control-Expose-Headers"], kind


def test_whoever_is_told_to_come_later_is_told_when(gateway_responses: dict[str, dict[str, Any]]) -> None:
    assert "THROTTLED" in gateway_responses
    for kind, response in gateway_responses.items():
        if response["statusCode"] == "429":
            assert response["responseParameters"]["gatewayresponse.header.Retry-After"].strip("'").isdecimal(), kind


def test_nothing_has_a_physical_name(source: dict[str, Any]) -> None:
    for name, resource in source["Resources"].items():
        properties = resource.get("Properties") or {}
        assert not {key for key in properties if key.endswith("Name")} - NOT_PHYSICAL, name


def test_every_parameter_and_output_is_described(source: dict[str, Any]) -> None:
    for section in ("Parameters", "Outputs"):
        for name, entry in source[section].items():
            assert entry.get("Description"), name


def test_every_exception_from_a_rule_has_a_reason(source: dict[str, Any]) -> None:
    for name, resource in source["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert skip["id"].startswith("CKV"), name
            assert len(skip["comment"]) > 20, name


def test_functions_give_up_before_the_gateway_does() -> None:
    for function in load_template(ROOT / "template.yaml").functions:
        assert function.timeout_seconds < API_GATEWAY_TIMEOUT_SECONDS, function.name


def test_every_method_of_every_path_is_routed() -> None:
    """A path with a resource of its own hides {proxy+} for all methods, so a missing one would be a gateway error."""
    routed: dict[str, set[str]] = {}
    for route in load_template(ROOT / "template.yaml").routes:
        routed.setdefault(route.resource, set()).add(route.method)
    assert routed.keys() == METHODS.keys() | {"/", "/{proxy+}"}
    for resource, methods in routed.items():
        assert methods == ANY_METHODS, resource


def test_only_the_picture_goes_to_the_image_function() -> None:
    deployment = load_template(ROOT / "template.yaml")
    images = {function.name for function in deployment.functions if function.is_image}
    routes = [(route.method, route.resource) for route in deployment.routes if route.function in images]
    assert routes == [("POST", "/rmbg")]
