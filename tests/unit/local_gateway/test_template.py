"""Routes, functions and answers come from the template, so that local and deployed cannot drift."""

from pathlib import Path

import pytest

from tools.local_gateway.intrinsics import TemplateError
from tools.local_gateway.routes import Route
from tools.local_gateway.settings import Settings
from tools.local_gateway.template import Deployment, QueueSource, load_template
from tools.make_events import deployment

API = """
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: dev, BinaryMediaTypes: ["image~1png"]}
"""
FUNCTION = """
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ./functions/hello/
      Handler: handler.handler
      Environment: {Variables: {COUNT: 3, FLAG: true, GONE: !Ref AWS::NoValue}}
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /hello, Method: get}}
        Table: {Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn}}
"""
QUEUED = """
  Jobs: {Type: AWS::SQS::Queue}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/worker
      Handler: handler.handler
      Timeout: 30
      Events:
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn}}
"""
IMAGE_QUEUED = QUEUED.replace(
    "Handler: handler.handler", "PackageType: Image\n      ImageConfig: {Command: [functions.worker.handler.handler]}"
)


def load(tmp_path: Path, resources: str = API + FUNCTION, overrides: dict[str, str] | None = None) -> Deployment:
    path = tmp_path / "template.yaml"
    path.write_text("Resources:" + resources)
    return load_template(path, overrides)


def test_a_zip_function_is_a_package_here_and_a_file_there(tmp_path: Path) -> None:
    deployment = load(tmp_path)
    (function,) = deployment.functions
    assert function.entry == "functions.hello.handler.handler"
    assert function.handler == "handler.handler"
    assert not function.is_image
    assert (function.timeout_seconds, function.memory_mb) == (3, 128)  # SAM's defaults
    assert function.environment == {"COUNT": "3", "FLAG": "true"}
    assert deployment.routes == (Route("GET", "/hello", "Hello"),)
    assert deployment.binary_media_types == ("image/png",)
    assert deployment.stage == "dev"


def test_an_image_function_is_named_by_its_command(tmp_path: Path) -> None:
    image = FUNCTION.replace("CodeUri: ./functions/hello/", "PackageType: Image").replace(
        "Handler: handler.handler", "ImageConfig: {Command: [functions.hello.http.handler]}"
    )
    (function,) = load(tmp_path, API + image).functions
    assert function.is_image
    assert function.entry == function.handler == "functions.hello.http.handler"


def test_globals_are_merged_below_the_function(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Globals: {Function: {Timeout: 9, MemorySize: 256, Environment: {Variables: {COUNT: 1, MORE: x}}}}\n"
        "Resources:" + API + FUNCTION.replace("CodeUri", "MemorySize: 512\n      CodeUri")
    )
    (function,) = load_template(path).functions
    assert (function.timeout_seconds, function.memory_mb) == (9, 512)
    assert function.environment == {"COUNT": "3", "FLAG": "true", "MORE": "x"}


def test_an_override_replaces_a_value_but_adds_no_variable(tmp_path: Path) -> None:
    tables = FUNCTION.replace("COUNT: 3", "TABLE: !Ref Table")
    (function,) = load(tmp_path, API + tables, {"TABLE": "local", "OTHER": "x"}).functions
    assert function.environment == {"TABLE": "local", "FLAG": "true"}


def test_a_function_without_a_route_or_a_queue_is_not_served(tmp_path: Path) -> None:
    other = FUNCTION.replace("Hello", "Other").replace("Type: Api", "Type: S3").replace("3,", "!GetAtt Table.Arn,")
    assert [function.name for function in load(tmp_path, API + FUNCTION + other).functions] == ["Hello"]


def test_a_function_with_a_queue_alone_is_served(tmp_path: Path) -> None:
    deployment = load(tmp_path, API + FUNCTION + QUEUED)
    assert [function.name for function in deployment.functions] == ["Hello", "Worker"]
    assert deployment.queue_sources == (QueueSource("Jobs", "Worker", 10, False, None),)
    assert [route.function for route in deployment.routes] == ["Hello"]


def test_only_an_image_function_without_a_route_is_in_the_background(tmp_path: Path) -> None:
    for properties, is_background in ((FUNCTION + QUEUED, False), (FUNCTION + IMAGE_QUEUED, True)):
        deployment = load(tmp_path, API + properties)
        found = {function.name: deployment.is_background(function) for function in deployment.functions}
        assert found == {"Hello": False, "Worker": is_background}
    assert Settings().workers_for(deployment.functions[1], in_background=True) == 1
    assert Settings(workers={"Worker": 3}).workers_for(deployment.functions[1], in_background=True) == 3


def test_variables_reach_every_function_last(tmp_path: Path) -> None:
    deployment = load(tmp_path, API + FUNCTION + QUEUED).with_variables({"COUNT": "4", "NEW": "x"})
    for function in deployment.functions:
        assert (function.environment["COUNT"], function.environment["NEW"]) == ("4", "x")


def test_what_a_queue_event_says_is_read(tmp_path: Path) -> None:
    more = (
        "!GetAtt [Jobs, Arn], BatchSize: 5, FunctionResponseTypes: [ReportBatchItemFailures], "
        "ScalingConfig: {MaximumConcurrency: 2}, MaximumBatchingWindowInSeconds: 1"
    )
    deployment = load(tmp_path, API + FUNCTION + QUEUED.replace("!GetAtt Jobs.Arn", more))
    assert deployment.queue_sources == (QueueSource("Jobs", "Worker", 5, True, 2),)
    disabled = load(tmp_path, API + FUNCTION + QUEUED.replace("Jobs.Arn", "Jobs.Arn, Enabled: false"))
    assert (disabled.queue_sources, len(disabled.functions)) == ((), 1)


@pytest.mark.parametrize(
    ("written", "instead", "part"),
    [
        ("Jobs.Arn", "Gone.Arn", "Worker.Events.Jobs.Queue: !GetAtt"),
        ("Jobs.Arn", "Hello.Arn", "Worker.Events.Jobs.Queue: !GetAtt"),
        ("Jobs.Arn", "Jobs.QueueName", "Worker.Events.Jobs.Queue: !GetAtt"),
        ("!GetAtt Jobs.Arn", "!Ref Jobs", "Worker.Events.Jobs.Queue: !GetAtt"),
        ("Jobs.Arn", "Jobs.Arn, BatchSize: 11", "BatchSize: 1 to 10 is expected, got: 11"),
        ("Jobs.Arn", "Jobs.Arn, BatchSize: many", "BatchSize: a whole number"),
        ("Jobs.Arn", "Jobs.Arn, ScalingConfig: {MaximumConcurrency: 1}", "MaximumConcurrency: 2 to 1000 is expected"),
        ("Jobs.Arn", "Jobs.Arn, FunctionResponseTypes: [All]", "FunctionResponseTypes: [ReportBatchItemFailures]"),
        ("Jobs.Arn", "Jobs.Arn, FilterCriteria: {}", "FilterCriteria cannot be imitated"),
        ("Timeout: 30", "Timeout: 31", "Jobs.VisibilityTimeout: AWS refuses one below the Timeout of Worker"),
    ],
)
def test_a_queue_that_cannot_be_polled_is_said(written: str, instead: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        load(tmp_path, API + FUNCTION + QUEUED.replace(written, instead))
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("resources", "part"),
    [
        (FUNCTION, "one AWS::Serverless::Api is expected, found 0"),
        (API + API.replace("Api:", "Api2:", 1) + FUNCTION, "found 2"),
        (API, "no function has an event of type Api"),
        (API + FUNCTION + FUNCTION.replace("Hello", "Twin"), "GET /hello is routed twice"),
        (API + FUNCTION.replace("COUNT: 3", "ON: 3"), "True is no name"),  # YAML 1.1
        (API + FUNCTION.replace("COUNT: 3", "COUNT: !GetAtt T.Arn"), "Hello.Environment.Variables.COUNT"),
        (API + FUNCTION.replace("Handler: handler.handler", "Runtime: python3.13"), "Hello.Handler is missing"),
        (API + FUNCTION.replace("CodeUri", "Timeout: soon\n      CodeUri"), "Hello.Timeout: a whole number"),
        (API + FUNCTION.replace("CodeUri", "Timeout: 0\n      CodeUri"), "Hello.Timeout: a whole number"),
        (API + FUNCTION.replace("!Ref Api", "!Ref Other"), "only Api is served"),
        (API + FUNCTION.replace("/hello,", "hello,"), "starts with a slash"),
        (API.replace("StageName: dev, ", "") + FUNCTION, "Api.StageName is missing"),
        (API + FUNCTION.replace("CodeUri:", "PackageType: Image\n      X:"), "Hello.ImageConfig is missing"),
    ],
)
def test_what_cannot_be_served_is_said(resources: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        load(tmp_path, resources)
    assert part in str(caught.value)


def test_a_template_without_resources_is_said(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("[1, 2]")
    with pytest.raises(TemplateError):
        load_template(path)


def test_our_template_can_be_served_and_says_what_it_promises() -> None:
    served = deployment()
    functions = {function.name: function for function in served.functions}
    image, account = functions["BackgroundRemovalFunction"], functions["AccountApiFunction"]
    assert image.entry == "functions.background_removal.http_handler.handler"
    assert (image.memory_mb, image.timeout_seconds) == (3008, 26)
    assert account.entry == "functions.account_api.handler.handler"
    assert served.binary_media_types == ("*/*",)
    assert Route("POST", "/rmbg", image.name) in served.routes
    objects = functions["ObjectProcessingFunction"]
    assert objects.entry == "functions.background_removal.s3_handler.handler"
    assert [function.name for function in served.functions if served.is_background(function)] == [objects.name]
    # a resource without one of the methods would answer it as if the path did not exist
    taken = {(route.method, route.resource) for route in served.routes}
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    resources = {route.resource for route in served.routes}
    assert {"/rmbg", "/health", "/", "/{proxy+}"} <= resources
    assert {(method, resource) for method in methods for resource in resources} <= taken
