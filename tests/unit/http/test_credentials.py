"""What a request says of its caller: every spelling of both headers."""

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rmbg.errors import PublicError
from rmbg.http.credentials import Credentials, read_credentials
from tests.support.events import proxy_event

NOBODY = Credentials()
BOTH = "This is a mistake: Cannot use both API key and user token"


def read(**headers: str) -> Credentials:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_credentials(APIGatewayProxyEvent(proxy_event("POST", "/rmbg", headers=named)))


def test_no_header_is_nobody() -> None:
    assert read() == NOBODY
    assert read(x_api_key_2="k", authorisation="Bearer x", cookie="x-api-key=k") == NOBODY


@pytest.mark.parametrize("headers", [None, {}])
def test_an_event_without_headers_is_nobody(headers: dict[str, str] | None) -> None:
    event = {**proxy_event("POST", "/rmbg"), "headers": headers, "multiValueHeaders": headers}
    assert read_credentials(APIGatewayProxyEvent(event)) == NOBODY


@pytest.mark.parametrize("name", ["x-api-key", "X-Api-Key", "X-API-KEY", "x-aPi-kEy"])
def test_a_key_under_its_header_in_any_case(name: str) -> None:
    assert read(**{name: "secret"}) == Credentials(api_key="secret")


@pytest.mark.parametrize("value", ["secret", " secret", "secret \t"])
def test_blanks_around_a_key_are_none_of_it(value: str) -> None:
    assert read(x_api_key=value) == Credentials(api_key="secret")


@pytest.mark.parametrize("value", ["", " ", "\t  "])
def test_an_empty_key_counts_as_absent(value: str) -> None:
    assert read(x_api_key=value) == NOBODY
    assert read(x_api_key=value, authorization="Bearer jwt") == Credentials(token="jwt")


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
@pytest.mark.parametrize(
    "value", ["Bearer jwt", "bearer jwt", "BEARER jwt", "bEaReR   jwt", " Bearer jwt ", "Bearer \tjwt"]
)
def test_a_token_under_the_scheme_in_any_case(name: str, value: str) -> None:
    assert read(**{name: value}) == Credentials(token="jwt")


@pytest.mark.parametrize("value", ["", "  ", "Bearer", "bearer", "Bearer ", "Bearer    "])
def test_an_empty_token_counts_as_absent(value: str) -> None:
    assert read(authorization=value) == NOBODY
    assert read(authorization=value, x_api_key="secret") == Credentials(api_key="secret")


@pytest.mark.parametrize(
    "value", ["Basic dXNlcjpwYXNz", "Basic", "jwt", "Bearerjwt", "Bearer:jwt", "Token jwt", "BeaRer2 x", "Веarer x"]
)
def test_another_scheme_is_told_apart_and_gives_no_token(value: str) -> None:
    assert read(authorization=value) == Credentials(other_scheme=True)


@pytest.mark.parametrize("value", ["Bearer jwt", "bearer x", "Basic dXNlcjpwYXNz", "Basic", "nonsense"])
@pytest.mark.parametrize("key", ["secret", "é", "x"])
def test_both_are_a_mistake_even_if_one_is_invalid(key: str, value: str) -> None:
    with pytest.raises(PublicError) as raised:
        read(x_api_key=key, authorization=value)
    assert (raised.value.status, raised.value.message) == (400, BOTH)


def test_what_follows_the_scheme_is_the_token_whatever_it_is() -> None:
    assert read(authorization="Bearer a b") == Credentials(token="a b")
    assert read(authorization="Bearer Bearer") == Credentials(token="Bearer")
    assert read(authorization="Bearer é🐱") == Credentials(token="é🐱")
