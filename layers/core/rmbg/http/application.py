"""The Powertools router, with the one place that turns exceptions into answers."""

import re
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from rmbg.errors import PublicError
from rmbg.http.rate_limits import Limit, limit_headers
from rmbg.http.requests import request_id
from rmbg.http.responses import error_response, json_response, with_common_headers
from rmbg.http.routes import allowed_methods
from rmbg.observability import logger

_PREFLIGHT_SECONDS: Final = 86_400
_USUAL_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, X-Api-Key"
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1000}")


class Application:
    """A function's routes, and what surrounds each of them.

    Unknown paths are 404, wrong methods 405 with Allow, OPTIONS is answered for every route, HEAD as GET, and
    whatever a route raises becomes a JSON answer: nothing of an unexpected fault but its request id.
    """

    limits: dict[str, Limit]  # what the answer to the current call announces, by the policy's name
    headers: dict[str, str]  # and what else it carries, whatever it turns out to be

    def __init__(self, *, cors_allow_origin: str) -> None:
        self.limits = {}
        self.headers = {}
        self.router = APIGatewayRestResolver()
        self._cors_allow_origin = cors_allow_origin
        self.router.exception_handler(PublicError)(error_response)
        self.router.exception_handler(Exception)(_internal_error)
        self.router.not_found(self._no_route)

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one proxy event."""
        proxy_event = APIGatewayProxyEvent(event)
        if event.get("httpMethod") == "HEAD":  # the gateway leaves the body out, and tells its length all the same
            event = {**event, "httpMethod": "GET"}
        logger.set_correlation_id(request_id(proxy_event))
        self.limits, self.headers = {}, {}
        result = self.router.resolve(event, context)
        return with_common_headers(
            result,
            request_id=request_id(proxy_event),
            cors_allow_origin=self._cors_allow_origin,
            announced={**self.headers, **limit_headers(self.limits.values())},
        )

    def announce(self, *limits: Limit) -> None:
        """Tell of these limits on the answer, whatever it turns out to be; a later word on a policy replaces one."""
        self.limits.update({limit.name: limit for limit in limits})

    def _no_route(self, _error: Exception) -> Response[str]:
        methods = allowed_methods(self.router.current_event.path)
        if not methods:
            return error_response(PublicError(404, "Not found"))
        allow = ", ".join(methods)
        if self.router.current_event.http_method == "OPTIONS":
            return Response(status_code=204, body="", headers={"Allow": allow, **self._preflight(allow)})
        return error_response(PublicError(405, "Method not allowed", headers={"Allow": allow}))

    def _preflight(self, allow: str) -> dict[str, str]:
        """The answer to a CORS preflight (Fetch standard): any header, for a day."""
        if not self._cors_allow_origin:
            return {}
        asked = self.router.current_event.headers.get("Access-Control-Request-Headers") or ""
        return {
            "Access-Control-Allow-Methods": allow,
            "Access-Control-Allow-Headers": asked if _HEADER_NAMES.fullmatch(asked) else _USUAL_HEADERS,
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }


def _internal_error(error: Exception) -> Response[str]:
    logger.exception("unexpected fault", exc_info=error)
    return json_response(500, {"error": "Internal server error", "status": 500})
