"""Sample events for `sam local invoke`: events/*.json, one a route, as API Gateway would make them, and S3's and SQS's.

    python -m tools.make_events
    make invoke EVENT=events/rmbg_multipart.json      `sam local invoke -e` with tables to read and write

Those of BackgroundRemovalFunction are called rmbg_*.json, those of ObjectProcessingFunction *_object*.json, all others
are for AccountApiFunction. The key and the user in them are nobody's; `make invoke` puts good ones in their place, and
makes the job and the object that they speak of.

The same input makes the same bytes: the files are committed, and a test compares them. `sam local` hands an event on as
it is, so the files hold what the transport would have made of a request: base64, resource, path parameters.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from requests_toolbelt import MultipartEncoder

from tools.local_gateway.events import Request, encode_event
from tools.local_gateway.routes import Router
from tools.local_gateway.template import Deployment, load_template
from tools.sample_objects import SAMPLE_JOB, disc_jpeg, s3_event, sqs_event

ROOT: Final = Path(__file__).resolve().parent.parent
EVENTS: Final = ROOT / "events"
SAMPLE_KEY: Final = "rmbg_live_of_nobody"

_BOUNDARY: Final = "----rmbgSampleEvent"
_FORM: Final = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
_JSON: Final = {"Content-Type": "application/json"}
_RECEIVED_EPOCH: Final = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC
_PEER: Final = "192.0.2.7"  # RFC 5737: an address for documentation
_OBJECT_FUNCTION: Final = "ObjectProcessingFunction"
_KNOWN_WHEN_DEPLOYED: Final = (
    "CORE_TABLE",
    "EPHEMERAL_TABLE",
    "INPUTS_BUCKET",
    "RESULTS_BUCKET",
    "OIDC_ISSUER",
    "OIDC_AUDIENCE",
    "STRIPE_EVENTS_QUEUE_URL",
)


def deployment() -> Deployment:
    """template.yaml, with nothing in place of what only a deployment knows. Raises TemplateError."""
    return load_template(ROOT / "template.yaml", dict.fromkeys(_KNOWN_WHEN_DEPLOYED, ""))


def make_events() -> dict[str, str]:
    """File name → its text."""
    served = deployment()
    events = {name: _event(request, served) for name, request in _requests().items()}
    events |= {"s3_object_created": s3_event(), "sqs_image_objects": sqs_event()}
    return {f"{name}.json": _json(event) for name, event in events.items()}


def function_of(event: Mapping[str, Any]) -> str:
    """Logical id of the function that template.yaml routes an event to. Raises ValueError or KeyError if it is none."""
    if "Records" in event:
        return _function_of_record(event["Records"][0])
    match = Router(deployment().routes).match(event["httpMethod"], event["path"])
    if match is None:
        raise ValueError(f"{event['httpMethod']} {event['path']} is not routed")
    return match.route.function


def _function_of_record(record: Mapping[str, Any]) -> str:
    if record["eventSource"] == "aws:s3":
        return _OBJECT_FUNCTION  # on AWS there is a queue between the two
    queue = record["eventSourceARN"].rpartition(":")[2]
    for source in deployment().queue_sources:
        if source.queue == queue:
            return source.function
    raise ValueError(f"{queue} is no queue of the template")


def _requests() -> dict[str, Request]:
    preflight = {
        "Origin": "https://example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    options = {"format": "png", "w": "80"}
    job = {"filename": "disc 1+1 Фото.jpg", "size_bytes": len(disc_jpeg()), **options}
    return {
        "rmbg_multipart": _request("POST", "/rmbg", _FORM, _form("disc.jpg", "image/jpeg", disc_jpeg(), options)),
        "rmbg_not_an_image": _request("POST", "/rmbg", _FORM, _form("note.txt", "text/plain", b"not an image\n", {})),
        "membership_usage": _request("GET", "/api/membership-usage", {"X-Api-Key": SAMPLE_KEY}),
        "jobs_post": _request("POST", "/jobs", {"X-Api-Key": SAMPLE_KEY, **_JSON}, json.dumps(job).encode()),
        "jobs_get": _request("GET", f"/jobs/{SAMPLE_JOB}", {"X-Api-Key": SAMPLE_KEY}),
        "api_keys": _request("GET", "/api/api-keys", {"Authorization": "Bearer sample"}),
        "health": _request("GET", "/health"),
        "head_health": _request("HEAD", "/health"),
        "preflight": _request("OPTIONS", "/rmbg", preflight),
        "method_not_allowed": _request("DELETE", "/rmbg"),
        "not_found": _request("GET", "/no/such/path"),
    }


def _request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Request:
    common = {"Host": "127.0.0.1:3000", "User-Agent": "rmbg-sample-event", "Accept": "*/*"}
    return Request(
        request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        method=method,
        path=path,
        query="",
        http_version="1.1",
        headers=[*common.items(), *(headers or {}).items()],
        peer=_PEER,
        port=3000,
        received_epoch=_RECEIVED_EPOCH,
        body=body,
    )


def _event(request: Request, served: Deployment) -> dict[str, Any]:
    match = Router(served.routes).match(request.method, request.path)
    if match is None:
        raise ValueError(f"{request.method} {request.path} is not routed")
    encoded = encode_event(request, match, stage=served.stage, binary_media_types=served.binary_media_types)
    event: dict[str, Any] = json.loads(b"".join(encoded.chunks()))
    return event


def _form(filename: str, content_type: str, data: bytes, options: Mapping[str, str]) -> bytes:
    fields = [("image", (filename, data, content_type)), *options.items()]
    form: bytes = MultipartEncoder(fields=fields, boundary=_BOUNDARY).to_string()
    return form


def _json(event: Mapping[str, Any]) -> str:
    return json.dumps(event, indent=2) + "\n"


def main() -> None:
    EVENTS.mkdir(exist_ok=True)
    for name, text in make_events().items():
        (EVENTS / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"events/{name}")


if __name__ == "__main__":
    main()
