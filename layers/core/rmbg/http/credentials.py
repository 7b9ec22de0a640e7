"""What a request says of its caller (CONTRACT: Credentials; row 1)."""

from dataclasses import dataclass

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rmbg.errors import PublicError
from rmbg.http.requests import first_given


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key, a token, or neither. `other_scheme`: there is an Authorization header that holds no Bearer token."""

    api_key: str = ""
    token: str = ""
    other_scheme: bool = False


def read_credentials(event: APIGatewayProxyEvent) -> Credentials:
    """Raises PublicError (row 1) for both together, even if one is invalid. What is empty counts as absent."""
    api_key = first_given(event, "x-api-key")
    scheme, _, token = first_given(event, "authorization").partition(" ")
    token = token.strip()
    is_bearer = scheme.lower() == "bearer"
    credentials = Credentials(api_key, token if is_bearer else "", bool(scheme) and not is_bearer)
    if credentials.api_key and (credentials.token or credentials.other_scheme):
        raise PublicError(400, "This is a mistake: Cannot use both API key and user token")
    return credentials
