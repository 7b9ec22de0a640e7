"""What template.yaml deploys: the REST API's routes and answers, the queues that are polled, the functions behind both.

Only what a request or a message can meet is read; tables and roles are none of the gateway's business. Format: the SAM
specification (AWS::Serverless::Api, AWS::Serverless::Function, Globals).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from tools.local_gateway.gateway_responses import GatewayResponse, GatewayResponses, parse_gateway_response
from tools.local_gateway.intrinsics import Resolver, TemplateError, as_text, attribute_of, load_yaml
from tools.local_gateway.routes import Route

_API = "AWS::Serverless::Api"
_FUNCTION = "AWS::Serverless::Function"
_QUEUE = "AWS::SQS::Queue"

# Anything else of an SQS event (FilterCriteria, say) would change what the function gets, so it is refused. A batching
# window is not imitated: batches go at once.
_QUEUE_EVENT: Final = frozenset(
    {"Queue", "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "ScalingConfig", "Enabled"}
)
_BATCH_SIZES: Final = range(1, 11)  # what one poll brings; AWS goes on to 10000 with a batching window
_CONCURRENCIES: Final = range(2, 1001)
_VISIBILITY_SECONDS: Final = 30  # SQS's default


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is called. `entry` is the importable module.attribute, `handler` what Lambda calls `_HANDLER`."""

    name: str
    handler: str
    entry: str
    is_image: bool
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A queue whose messages go to a function, by their logical ids. No concurrency: as many as it has workers."""

    queue: str
    function: str
    batch_size: int
    reports_item_failures: bool
    maximum_concurrency: int | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """All that is served: no route or queue without its function, no function without a route or a queue."""

    stage: str
    binary_media_types: tuple[str, ...]
    gateway_responses: GatewayResponses
    functions: tuple[Function, ...]
    routes: tuple[Route, ...]
    queue_sources: tuple[QueueSource, ...]

    def with_variables(self, variables: Mapping[str, str]) -> "Deployment":
        """With these in every function's environment, whatever the template has: what Lambda itself would set."""
        functions = (
            replace(function, environment={**function.environment, **variables}) for function in self.functions
        )
        return replace(self, functions=tuple(functions))

    def is_background(self, function: Function) -> bool:
        """Whether nobody waits for its answers: a heavy function that only a queue calls."""
        return function.is_image and all(route.function != function.name for route in self.routes)


def load_template(path: Path, overrides: Mapping[str, str] | None = None) -> Deployment:
    """Read a SAM template.

    `overrides` replaces values of environment variables by name, in every function whose template has that variable
    and in no other: it can change a value, never the set of variables. A replaced value need not be resolvable.
    Raises TemplateError.
    """
    document = load_yaml(path)
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path.name}: no Resources")
    return _Reader(document, overrides or {}).deployment()


class _Reader:
    def __init__(self, document: dict[str, Any], overrides: Mapping[str, str]) -> None:
        self._resources: dict[str, Any] = document["Resources"]
        self._globals = document.get("Globals") or {}
        self._overrides = overrides
        self._resolver = Resolver(document.get("Parameters") or {})

    def deployment(self) -> Deployment:
        api_name, api = self._api()
        functions: list[Function] = []
        routes: list[Route] = []
        sources: list[QueueSource] = []
        for name, properties in self._of_type(_FUNCTION, "Function"):
            own_routes = list(self._routes(name, properties, api_name))
            own_events = list(self._queue_events(name, properties))
            if own_routes or own_events:
                function = self._function(name, properties)
                functions.append(function)
                routes.extend(own_routes)
                sources.extend(self._queue_source(function, where, event) for where, event in own_events)
        if not routes:
            raise TemplateError("no function has an event of type Api")
        seen: set[tuple[str, str]] = set()
        for route in routes:
            if (route.method, route.resource) in seen:
                raise TemplateError(f"{route.method} {route.resource} is routed twice")
            seen.add((route.method, route.resource))
        return Deployment(
            stage=as_text(self._resolved(api, "StageName", api_name), f"{api_name}.StageName"),
            binary_media_types=self._binary_media_types(api_name, api),
            gateway_responses=self._gateway_responses(api_name, api),
            functions=tuple(functions),
            routes=tuple(routes),
            queue_sources=tuple(sources),
        )

    def _of_type(self, resource_type: str, globals_key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, resource in self._resources.items():
            if isinstance(resource, dict) and resource.get("Type") == resource_type:
                yield str(name), _merged(self._globals.get(globals_key) or {}, resource.get("Properties") or {})

    def _api(self) -> tuple[str, dict[str, Any]]:
        apis = list(self._of_type(_API, "Api"))
        if len(apis) != 1:
            raise TemplateError(f"one {_API} is expected, found {len(apis)}")
        return apis[0]

    def _resolved(self, properties: Mapping[str, Any], key: str, name: str, default: Any = None) -> Any:
        value = self._resolver.resolve(properties.get(key, default), f"{name}.{key}")
        if value is None:
            raise TemplateError(f"{name}.{key} is missing")
        return value

    def _binary_media_types(self, name: str, api: Mapping[str, Any]) -> tuple[str, ...]:
        types = self._resolved(api, "BinaryMediaTypes", name, [])
        if not isinstance(types, list):
            raise TemplateError(f"{name}.BinaryMediaTypes: a list is expected")
        # SAM's older spelling of the slash
        return tuple(as_text(item, f"{name}.BinaryMediaTypes").replace("~1", "/").lower() for item in types)

    def _gateway_responses(self, name: str, api: Mapping[str, Any]) -> GatewayResponses:
        entries = self._resolved(api, "GatewayResponses", name, {})
        if not isinstance(entries, dict):
            raise TemplateError(f"{name}.GatewayResponses: a mapping is expected")
        responses: dict[str, GatewayResponse] = {}
        for kind, entry in entries.items():
            responses[kind] = parse_gateway_response(entry, f"{name}.GatewayResponses.{kind}")
        return GatewayResponses(responses)

    def _routes(self, name: str, properties: Mapping[str, Any], api_name: str) -> Iterator[Route]:
        for event_name, event in (properties.get("Events") or {}).items():
            where = f"{name}.Events.{event_name}"
            if not isinstance(event, dict) or event.get("Type") != "Api":
                continue
            source = event.get("Properties") or {}
            api = source.get("RestApiId")
            if api not in (None, api_name, {"Ref": api_name}):
                raise TemplateError(f"{where}.RestApiId: only {api_name} is served")
            path = as_text(self._resolved(source, "Path", where), f"{where}.Path")
            method = as_text(self._resolved(source, "Method", where), f"{where}.Method").upper()
            if not path.startswith("/"):
                raise TemplateError(f"{where}.Path: a path starts with a slash")
            yield Route(method=method, resource=path, function=name)

    def _queue_events(self, name: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for event_name, event in (properties.get("Events") or {}).items():
            if isinstance(event, dict) and event.get("Type") == "SQS":
                source = event.get("Properties") or {}
                where = f"{name}.Events.{event_name}"
                if as_text(self._resolved(source, "Enabled", where, True), f"{where}.Enabled") == "true":
                    yield where, source

    def _queue_source(self, function: Function, where: str, event: Mapping[str, Any]) -> QueueSource:
        if unknown := sorted(str(key) for key in event.keys() - _QUEUE_EVENT):
            raise TemplateError(f"{where}: {', '.join(unknown)} cannot be imitated on this machine")
        queue = attribute_of(event.get("Queue"), "Arn")
        resource = self._resources.get(queue or "")
        if queue is None or not isinstance(resource, dict) or resource.get("Type") != _QUEUE:
            raise TemplateError(f"{where}.Queue: !GetAtt of the Arn of a queue of the template is expected")
        visibility = self._whole(resource.get("Properties") or {}, "VisibilityTimeout", queue, _VISIBILITY_SECONDS)
        if visibility < function.timeout_seconds:
            raise TemplateError(f"{queue}.VisibilityTimeout: AWS refuses one below the Timeout of {function.name}")
        responses = self._resolved(event, "FunctionResponseTypes", where, [])
        if responses not in ([], ["ReportBatchItemFailures"]):
            raise TemplateError(f"{where}.FunctionResponseTypes: [ReportBatchItemFailures] or nothing is expected")
        scaling = event.get("ScalingConfig") or {}
        concurrency = "MaximumConcurrency"
        return QueueSource(
            queue=queue,
            function=function.name,
            batch_size=self._whole_in(_BATCH_SIZES, event, "BatchSize", where, 10),
            reports_item_failures=bool(responses),
            maximum_concurrency=(
                self._whole_in(_CONCURRENCIES, scaling, concurrency, where) if concurrency in scaling else None
            ),
        )

    def _whole_in(
        self, allowed: range, properties: Mapping[str, Any], key: str, name: str, default: int | None = None
    ) -> int:
        value = self._whole(properties, key, name, default)
        if value not in allowed:
            raise TemplateError(f"{name}.{key}: {allowed.start} to {allowed.stop - 1} is expected, got: {value}")
        return value

    def _function(self, name: str, properties: Mapping[str, Any]) -> Function:
        is_image = self._resolved(properties, "PackageType", name, "Zip") == "Image"
        if is_image:
            command = self._resolved(properties, "ImageConfig", name).get("Command")
            if not isinstance(command, list) or len(command) != 1:
                raise TemplateError(f"{name}.ImageConfig.Command: a list of one handler is expected")
            handler = entry = as_text(command[0], f"{name}.ImageConfig.Command")
        else:
            handler = as_text(self._resolved(properties, "Handler", name), f"{name}.Handler")
            code_uri = PurePosixPath(as_text(self._resolved(properties, "CodeUri", name), f"{name}.CodeUri"))
            # SAM puts the folder's files at the root of the artifact; here the folder is a package
            entry = ".".join([*(part for part in code_uri.parts if part != "."), handler])
        if entry.count(".") == 0:
            raise TemplateError(f"{name}: the handler {entry!r} names no module")
        return Function(
            name=name,
            handler=handler,
            entry=entry.replace("/", "."),
            is_image=is_image,
            timeout_seconds=self._whole(properties, "Timeout", name, 3),
            memory_mb=self._whole(properties, "MemorySize", name, 128),
            environment=self._environment(name, properties),
        )

    def _whole(self, properties: Mapping[str, Any], key: str, name: str, default: int | None) -> int:
        value = as_text(self._resolved(properties, key, name, default), f"{name}.{key}")
        if not (value.isascii() and value.isdecimal() and int(value) > 0):
            raise TemplateError(f"{name}.{key}: a whole number above 0 is expected, got: {value!r}")
        return int(value)

    def _environment(self, name: str, properties: Mapping[str, Any]) -> dict[str, str]:
        variables = (properties.get("Environment") or {}).get("Variables") or {}
        environment: dict[str, str] = {}
        for key, node in variables.items():
            where = f"{name}.Environment.Variables.{key}"
            if not isinstance(key, str):  # ON, NO and 1 are no texts in YAML
                raise TemplateError(f"{where}: {key} is no name, put it in quotes")
            value = self._overrides[key] if key in self._overrides else self._resolver.resolve({"value": node}, where)
            if isinstance(value, str):
                environment[key] = value
            elif "value" in value:  # absent: AWS::NoValue
                environment[key] = as_text(value["value"], where)
        return environment


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """SAM's Globals: mappings are merged, lists are joined, anything else of one's own wins."""
    result = dict(common)
    for key, value in own.items():
        inherited = result.get(key)
        if isinstance(inherited, dict) and isinstance(value, dict):
            result[key] = _merged(inherited, value)
        elif isinstance(inherited, list) and isinstance(value, list):
            result[key] = [*inherited, *value]
        else:
            result[key] = value
    return result
