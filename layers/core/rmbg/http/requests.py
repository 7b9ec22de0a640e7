"""Reading a request from a REST API proxy event (payload version 1.0)."""

import base64
import binascii

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent


def body_bytes(event: APIGatewayProxyEvent) -> bytes:
    """The request's body as sent; empty if there is none, or if what claims to be base64 is not."""
    body = event.raw_event.get("body") or ""
    if not event.raw_event.get("isBase64Encoded"):
        # the gateway has read the bytes as UTF-8: what was no UTF-8 is lost already
        return str(body).encode("utf-8", errors="replace")
    try:
        return base64.b64decode(body)
    except (binascii.Error, ValueError):
        return b""


def header(event: APIGatewayProxyEvent, name: str) -> str:
    """A header's value, its name in any case; empty if absent."""
    return event.headers.get(name) or ""


def first_given(event: APIGatewayProxyEvent, name: str) -> str:
    """The first value of a header that is not blank, its name in any case; empty if there is none."""
    headers = event.raw_event.get("multiValueHeaders") or {}
    for key, values in headers.items():
        if str(key).lower() == name:
            return next((text for value in values or () if (text := str(value).strip())), "")
    return header(event, name).strip()


def request_id(event: APIGatewayProxyEvent) -> str:
    """The gateway's id of the request."""
    context = event.raw_event.get("requestContext") or {}
    return str(context.get("requestId") or "")


def query_parameters(event: APIGatewayProxyEvent) -> dict[str, list[str]]:
    """All values of each query parameter, in their order."""
    parameters = event.raw_event.get("multiValueQueryStringParameters") or {}
    return {str(name): [str(value) for value in values] for name, values in parameters.items()}


def own_url(event: APIGatewayProxyEvent, path: str) -> str:
    """The absolute URL of a path of this API, under the domain and the prefix that the request came to."""
    context = event.raw_event.get("requestContext") or {}
    asked, own = str(context.get("path") or ""), str(event.raw_event.get("path") or "")
    prefix = asked.removesuffix(own) if own and asked.endswith(own) else ""
    scheme = "http" if header(event, "x-forwarded-proto") == "http" else "https"
    return f"{scheme}://{context.get('domainName') or header(event, 'host')}{prefix}{path}"
