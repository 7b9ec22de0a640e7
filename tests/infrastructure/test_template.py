"""What template.yaml promises to CloudFormation, to API Gateway and to whoever deploys it."""

import json
import re
from typing import Any

import pytest

from rmbg.http.routes import METHODS
from tests.infrastructure.graph import references
from tools.local_gateway.routes import ANY_METHODS
from tools.local_gateway.template import Deployment

API_GATEWAY_TIMEOUT_SECONDS = 29
# Of the API, in its URL; of what an alarm watches: neither blocks a replacement.
NOT_PHYSICAL = {"StageName", "MetricName"}
REST = "/{proxy+}"
OUTLIVE_THE_STACK = {
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
}
BEHIND_A_QUEUE = {"BillingSyncFunction", "ObjectProcessingFunction"}

# The operator's secrets, by the prefix that parameters of the stack must begin with: the only wildcards there are.
PARAMETERS_BELOW_RMBG = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/rmbg/*"
SECRETS_BELOW_RMBG = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:rmbg/*"
READS_SECRETS = {
    PARAMETERS_BELOW_RMBG: {"ssm:GetParameter"},
    SECRETS_BELOW_RMBG: {"secretsmanager:GetSecretValue"},
}


# What comes from outside and what goes there, by the prefix of its keys.
UPLOADS, INBOX = "${InputsBucket.Arn}/uploads/*", "${InputsBucket.Arn}/inbox/*"
ANSWERS, JOBS, RESULTS = (f"${{ResultsBucket.Arn}}/{prefix}/*" for prefix in ("answers", "jobs", "results"))
OBJECTS = {UPLOADS, INBOX, ANSWERS, JOBS, RESULTS}


def dynamodb(*actions: str) -> set[str]:
    return {f"dynamodb:{action}" for action in actions}


# What each function does to each resource, and nothing else. A transaction needs the right to each of its writes and no
# other: nothing is deleted or only checked in one.
RIGHTS = {
    "BackgroundRemovalFunction": {
        # keys and accounts are read; a token's first request makes its account; credits are counted
        "CoreTable": dynamodb("GetItem", "PutItem", "UpdateItem"),
        # the day's salt is read or made; limits and Idempotency-Keys are counted; a key whose request failed is deleted
        "EphemeralTable": dynamodb("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        # it puts what is too large for an answer, and signs the URL under which that is read
        ANSWERS: {"s3:PutObject", "s3:GetObject"},
    },
    "AccountApiFunction": {
        # and an account's windows are queried; keys are made, and taken from their account's item
        "CoreTable": dynamodb("GetItem", "PutItem", "UpdateItem", "Query"),
        "EphemeralTable": dynamodb("UpdateItem"),  # the limit of an account's requests; no anonymous caller is served
        # it signs the form that puts an upload, and the URL under which a result is read
        UPLOADS: {"s3:PutObject"},
        JOBS: {"s3:GetObject"},
    },
    "ObjectProcessingFunction": {
        "ImageObjects": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
        UPLOADS: {"s3:GetObject"},
        INBOX: {"s3:GetObject"},
        "InputsBucket": {"s3:ListBucket"},  # else an object that is gone would be forbidden, not missing
        RESULTS: {"s3:PutObject", "s3:GetObject"},  # whose result has a name already is in that one's metadata
        JOBS: {"s3:PutObject"},
        # accounts and jobs are read; credits are counted; jobs and marks of what is done are written
        "CoreTable": dynamodb("GetItem", "PutItem", "UpdateItem"),
        "CompletionTopicArn": {"sns:Publish"},
    },
    # the queue alone: whoever takes what comes from outside can touch no account
    "StripeWebhookFunction": {"StripeEvents": {"sqs:SendMessage"}, **READS_SECRETS},
    "BillingSyncFunction": {
        # facts of a user are queried; accounts, windows, facts and events are written; what was parked is deleted
        "CoreTable": dynamodb("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
        # Lambda polls under the function's role
        "StripeEvents": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
        **READS_SECRETS,
    },
}


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


def test_functions_give_up_before_the_gateway_does(served: Deployment) -> None:
    behind_the_gateway = {route.function for route in served.routes}
    assert behind_the_gateway == RIGHTS.keys() - BEHIND_A_QUEUE
    for function in served.functions:
        if function.name in behind_the_gateway:
            assert function.timeout_seconds < API_GATEWAY_TIMEOUT_SECONDS, function.name


def test_every_method_of_every_path_is_routed(served: Deployment) -> None:
    """A path with a resource of its own hides {proxy+} for all methods, so a missing one would be a gateway error."""
    routed: dict[str, set[str]] = {}
    for route in served.routes:
        routed.setdefault(route.resource, set()).add(route.method)
    assert routed.keys() <= METHODS.keys() | {"/", REST}  # a resource for a path that does not exist
    for resource, methods in routed.items():
        assert methods == ANY_METHODS, resource
    for path in METHODS:
        assert path in routed or reached_by_rest(path, routed), path


def reached_by_rest(path: str, routed: dict[str, set[str]]) -> bool:
    """Whether {proxy+} serves a path: no resource of its own begins it, which would have to continue it too."""
    first = "/" + path.split("/")[1]
    return REST in routed and not any(resource.startswith(first) for resource in routed)


@pytest.mark.parametrize(
    ("function", "routes"),
    [
        ("BackgroundRemovalFunction", [("POST", "/rmbg")]),
        ("StripeWebhookFunction", [("POST", "/webhooks/stripe")]),
        ("BillingSyncFunction", []),
        ("ObjectProcessingFunction", []),
    ],
)
def test_a_function_gets_nothing_but_its_own(served: Deployment, function: str, routes: list[tuple[str, str]]) -> None:
    assert [(route.method, route.resource) for route in served.routes if route.function == function] == routes


def test_tables_cost_by_the_request_and_are_encrypted(source: dict[str, Any]) -> None:
    tables = of_type(source, "AWS::DynamoDB::Table")
    assert tables.keys() == {"CoreTable", "EphemeralTable"}
    for name, table in tables.items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["SSESpecification"] == {"SSEEnabled": True}, name
        assert "ProvisionedThroughput" not in table, name


def test_tables_have_the_keys_that_the_schema_builds(source: dict[str, Any]) -> None:
    for name, table in of_type(source, "AWS::DynamoDB::Table").items():
        assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}
        types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
        assert types == {"pk": "S", "sk": "S"}, name


def test_what_may_be_forgotten_is(source: dict[str, Any]) -> None:
    for name, table in of_type(source, "AWS::DynamoDB::Table").items():
        assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}, name


def test_accounts_and_credits_can_be_restored_and_are_not_deleted_by_accident(source: dict[str, Any]) -> None:
    core = source["Resources"]["CoreTable"]["Properties"]
    assert core["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert core["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert source["Parameters"]["DeletionProtection"]["Default"] == "true"


def test_data_outlive_the_stack(source: dict[str, Any]) -> None:
    for name, resource in source["Resources"].items():
        if resource["Type"] in OUTLIVE_THE_STACK:
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_the_operator_s_tool_finds_the_tables(source: dict[str, Any]) -> None:
    for name in of_type(source, "AWS::DynamoDB::Table"):
        assert source["Outputs"][name]["Value"] == {"Ref": name}


def test_each_function_may_do_what_it_does(transformed: dict[str, Any], functions: dict[str, dict[str, Any]]) -> None:
    roles = of_type(transformed, "AWS::IAM::Role")
    assert {attribute(function["Role"], "Arn") for function in functions.values()} == roles.keys()
    assert functions.keys() == RIGHTS.keys()
    for name, function in functions.items():
        role = roles[attribute(function["Role"], "Arn")]
        rights: dict[str, set[str]] = {}
        for statement in statements([policy["PolicyDocument"] for policy in role["Policies"]]):
            assert statement.keys() == {"Effect", "Action", "Resource"}, name
            assert statement["Effect"] == "Allow", name
            resource = named(statement["Resource"])
            assert resource not in rights, name
            rights[resource] = set(statement["Action"])
        assert rights == RIGHTS[name], name


def named(resource: dict[str, Any]) -> str:
    """The logical id or the parameter whose ARN it is, or the text of a !Sub."""
    if "Ref" in resource:
        return str(resource["Ref"])
    return str(resource["Fn::Sub"]) if "Fn::Sub" in resource else attribute(resource, "Arn")


def attribute(node: dict[str, Any], wanted: str) -> str:
    """The logical id of a !GetAtt of an attribute, in either spelling."""
    target = node["Fn::GetAtt"]
    name, found = target if isinstance(target, list) else target.split(".")
    assert found == wanted, node
    return str(name)


def test_no_role_of_ours_has_a_wildcard(transformed: dict[str, Any]) -> None:
    for name, role in of_type(transformed, "AWS::IAM::Role").items():
        # the one that lets a function write its logs; any other of AWS's own is for all queues, tables or keys
        (managed,) = role["ManagedPolicyArns"]
        assert re.search(r"policy/service-role/AWSLambdaBasicExecutionRole\b", str(managed)), name
        assert role["Policies"], name
        for statement in statements([policy["PolicyDocument"] for policy in role["Policies"]]):
            assert not re.search(r"[*?]", json.dumps(statement["Action"])), name
            if named(statement["Resource"]) not in READS_SECRETS.keys() | OBJECTS:
                assert not re.search(r"[*?]", json.dumps(statement["Resource"])), name


def test_a_role_is_for_functions_alone(transformed: dict[str, Any]) -> None:
    for name, role in of_type(transformed, "AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": ["lambda.amazonaws.com"]}, name


def statements(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With those that a role has under a condition."""
    found = [statement for document in documents for statement in document["Statement"]]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in found]


def test_only_who_names_a_topic_lets_it_be_written_to(source: dict[str, Any]) -> None:
    (policy,) = source["Resources"]["ObjectProcessingFunctionRole"]["Properties"]["Policies"]
    (conditional,) = [it["Fn::If"] for it in policy["PolicyDocument"]["Statement"] if "Fn::If" in it]
    assert (conditional[0], conditional[2]) == ("TellsOfCompletion", {"Ref": "AWS::NoValue"})
    assert conditional[1]["Action"] == ["sns:Publish"]
    is_empty = {"Fn::Equals": [{"Ref": "CompletionTopicArn"}, ""]}
    assert source["Conditions"]["TellsOfCompletion"] == {"Fn::Not": [is_empty]}


def test_all_functions_have_the_same_accounts(source: dict[str, Any]) -> None:
    """A variable that only one of them has, or that differs, would split accounts, plans or limits in two."""
    variables = {
        name: function["Environment"]["Variables"]
        for name, function in of_type(source, "AWS::Serverless::Function").items()
    }
    own = {"MODEL_DIR", "MAX_RESPONSE_BYTES", "MAX_UPLOAD_BYTES", "MODEL", "INPUTS_BUCKET"}
    image, account = (
        {name: value for name, value in variables[function].items() if name not in own}
        for function in ("BackgroundRemovalFunction", "AccountApiFunction")
    )
    assert image == account
    for function in BEHIND_A_QUEUE:
        shared = {name: value for name, value in variables[function].items() if name in image}
        assert {"CORE_TABLE", "EPHEMERAL_TABLE", "CATALOGUE", "DYNAMODB_ENDPOINT_URL"} <= shared.keys()
        assert shared == {name: image[name] for name in shared}, function


def test_the_operator_s_tool_finds_the_queues(source: dict[str, Any]) -> None:
    for name in of_type(source, "AWS::SQS::Queue"):
        assert source["Outputs"][name]["Value"] == {"Ref": name}


@pytest.mark.parametrize("name", ["StripeWebhookSecrets", "StripeApiKey"])
@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        ("", True),
        ("ssm:/rmbg/stripe-webhook", True),
        ("secretsmanager:rmbg/stripe", True),
        ("whsec_secret", False),
        ("ssm:/rmbg/", False),
        ("ssm:/other/stripe-webhook", False),
        ("ssm:/rmbg/a,whsec_secret", False),
        ("secretsmanager:other", False),
        ("secretsmanager:/rmbg/stripe", False),
    ],
)
def test_a_parameter_takes_the_place_of_a_secret_and_no_secret(
    source: dict[str, Any], name: str, value: str, is_taken: bool
) -> None:
    parameter = source["Parameters"][name]
    assert parameter["Default"] == ""
    assert bool(re.fullmatch(parameter["AllowedPattern"], value)) == is_taken
