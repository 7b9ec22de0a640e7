"""User tokens: which are taken, which are refused, and when the issuer is asked for its keys."""

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from rmbg.services.user_tokens import InvalidToken, IssuerUnavailable, UserClaims, UserTokens

ISSUER = "https://issuer.example.com/pool"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
JWKS = "https://keys.example.com/jwks.json"
AUDIENCE = "client-1"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())


def rsa_jwk(key: rsa.RSAPrivateKey, **members: str) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), **members}


def ec_jwk(key: ec.EllipticCurvePrivateKey, **members: str) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), **members}


RSA_JWK = rsa_jwk(RSA_KEY, kid="rsa-1", alg="RS256", use="sig")
EC_JWK = ec_jwk(EC_KEY, kid="ec-1", alg="ES256", use="sig")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """Answers for two addresses, and remembers what it was asked for."""

    def __init__(self, *keys: dict[str, Any], jwks_uri: Any = JWKS) -> None:
        self.keys: Any = list(keys)
        self.configuration: Any = {"issuer": ISSUER, "jwks_uri": jwks_uri}
        self.failure: Exception | None = None
        self.asked: list[str] = []

    def __call__(self, url: str) -> Any:
        self.asked.append(url)
        if self.failure:
            raise self.failure
        return {DISCOVERY: self.configuration, str(JWKS): {"keys": self.keys}}[url]


def claims_of(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; None leaves one out."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "email": "a@example.com",
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def token_of(key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "rsa-1", **changes: Any) -> str:
    return jwt.encode(claims_of(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def hand_made(header: Any, claims: Any, signature: bytes = b"", *, secret: bytes | None = None) -> str:
    """A token that no library would make."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head, body = (value if isinstance(value, bytes) else json.dumps(value).encode() for value in (header, claims))
    signed = f"{part(head)}.{part(body)}"
    if secret is not None:
        signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{part(signature)}"


def verifier(issuer: Issuer | None = None, clock: Callable[[], float] | None = None, name: str = ISSUER) -> UserTokens:
    return UserTokens(name, AUDIENCE, clock=clock or Clock(), fetch=issuer or Issuer(RSA_JWK, EC_JWK))


def refused(token: str, tokens: UserTokens | None = None) -> None:
    with pytest.raises(InvalidToken):
        (tokens or verifier()).verify(token)


# what is taken


def test_rs256_and_es256_are_taken() -> None:
    expected = UserClaims("user-1", "a@example.com", email_verified=True)
    assert verifier().verify(token_of()) == expected
    assert verifier().verify(token_of(EC_KEY, "ES256", "ec-1")) == expected


def test_a_key_s_algorithm_decides_and_its_curve_where_it_names_none() -> None:
    issuer = Issuer(
        rsa_jwk(RSA_KEY, kid="plain"),
        rsa_jwk(RSA_KEY, kid="512", alg="RS512"),
        ec_jwk(EC_384, kid="384"),
    )
    tokens = verifier(issuer)
    assert tokens.verify(token_of(kid="plain")).subject == "user-1"
    assert tokens.verify(token_of(algorithm="RS512", kid="512")).subject == "user-1"
    assert tokens.verify(token_of(EC_384, "ES384", "384")).subject == "user-1"
    refused(token_of(algorithm="RS512", kid="plain"), tokens)
    refused(token_of(algorithm="RS256", kid="512"), tokens)


@pytest.mark.parametrize("configured", [ISSUER, ISSUER + "/"])
@pytest.mark.parametrize("claimed", [ISSUER, ISSUER + "/"])
def test_a_slash_at_the_issuer_s_end_makes_no_difference(configured: str, claimed: str) -> None:
    assert verifier(name=configured).verify(token_of(iss=claimed)).subject == "user-1"


def test_one_of_several_audiences_is_enough() -> None:
    assert verifier().verify(token_of(aud=["other", AUDIENCE])).subject == "user-1"


def test_a_token_without_a_kid_is_taken_when_there_is_but_one_key() -> None:
    assert verifier(Issuer(RSA_JWK)).verify(token_of(kid=None)).subject == "user-1"
    assert verifier(Issuer(rsa_jwk(RSA_KEY))).verify(token_of(kid=None)).subject == "user-1"


def test_a_token_without_a_kid_is_refused_when_there_are_two_keys() -> None:
    refused(token_of(kid=None), verifier(Issuer(RSA_JWK, EC_JWK)))


def test_two_keys_without_a_name_are_two_keys() -> None:
    tokens = verifier(Issuer(rsa_jwk(RSA_KEY), rsa_jwk(RSA_OTHER)))
    refused(token_of(RSA_KEY, kid=None), tokens)
    refused(token_of(RSA_OTHER, kid=None), tokens)


def test_clocks_may_differ_by_half_a_minute() -> None:
    now = int(time.time())
    assert verifier().verify(token_of(exp=now - 20)).subject == "user-1"
    assert verifier().verify(token_of(iat=now + 20, nbf=now + 20)).subject == "user-1"


def test_keys_that_cannot_be_used_do_not_spoil_the_others() -> None:
    odd: list[Any] = [
        {},
        {"kty": "XYZ", "kid": "x"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        "text",
        None,
    ]
    issuer = Issuer(*odd, RSA_JWK)
    assert verifier(issuer).verify(token_of()).subject == "user-1"


# what is refused


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "client-2"},
        {"aud": None},
        {"aud": []},
        {"aud": AUDIENCE + "2"},
        {"iss": "https://evil.example.com"},
        {"iss": ISSUER + "//"},
        {"iss": ISSUER + "/x"},
        {"iss": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 1e400},
        {"iat": int(time.time()) + 3600},
        {"iat": None},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_claim_that_is_wrong_or_missing(changes: dict[str, Any]) -> None:
    refused(token_of(**changes))


def test_another_s_signature_and_another_s_claims() -> None:
    refused(token_of(RSA_OTHER))
    head, _, signature = token_of().split(".")
    _, body, _ = token_of(sub="user-2").split(".")
    refused(f"{head}.{body}.{signature}")
    refused(f"{head}.{body}.")
    refused(token_of(EC_KEY, "ES256", "rsa-1"))
    refused(token_of(RSA_KEY, "RS256", "ec-1"))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, "HS256", "HS512", "PS256", "EdDSA", "dir"]
)
def test_other_algorithms_are_refused_before_a_key_is_looked_for(algorithm: str | None) -> None:
    issuer = Issuer(RSA_JWK)
    refused(hand_made({"alg": algorithm, "kid": "rsa-1"}, claims_of()), verifier(issuer))
    assert issuer.asked == []


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER], ids=["PEM", "DER"])
@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
def test_the_public_key_is_no_secret_to_sign_with(encoding: serialization.Encoding, algorithm: str) -> None:
    public = RSA_KEY.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (public, public.strip()):
        refused(hand_made({"alg": algorithm, "kid": "rsa-1"}, claims_of(), secret=secret))


def test_a_key_that_comes_with_the_token_is_not_used() -> None:
    header = {"alg": "RS256", "kid": "other", "jwk": rsa_jwk(RSA_OTHER), "jku": "https://evil.example.com/jwks"}
    issuer = Issuer(RSA_JWK)
    refused(jwt.encode(claims_of(), RSA_OTHER, algorithm="RS256", headers=header), verifier(issuer))
    refused(jwt.encode(claims_of(), RSA_OTHER, algorithm="RS256", headers={**header, "kid": "rsa-1"}), verifier(issuer))
    assert set(issuer.asked) == {DISCOVERY, JWKS}


@pytest.mark.parametrize(
    "sub",
    [
        "",
        " ",
        "a b",
        "a#b",
        "a/b",
        "a\nb",
        "user-1\n",
        "é",
        "x" * 129,
        "a\x00",
        "ACCT\u2028",
        7,
        True,
        ["user-1"],
        {"a": 1},
    ],
    ids=repr,
)
def test_a_subject_of_a_strange_shape(sub: Any) -> None:
    refused(hand_made_and_signed(claims_of(sub=sub)))


@pytest.mark.parametrize("sub", ["x", "x" * 128, "auth0|5f7c8ec7c33c6c004bbafe82", "a@b.c", "us-east-1:0-1_2~=+"])
def test_subjects_of_the_usual_issuers(sub: str) -> None:
    assert verifier().verify(token_of(sub=sub)).subject == sub


def hand_made_and_signed(claims: Any, header: Any = None) -> str:
    """Signed by the issuer, with claims that the library would not sign."""
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jwt.PyJWS().encode(body, RSA_KEY, algorithm="RS256", headers=header or {"kid": "rsa-1"})


def test_claims_that_are_no_object() -> None:
    strange: list[Any] = [[], "text", 7, None, b"", b"\xff", b"{", b"[" * 5000]
    for claims in strange:
        refused(hand_made_and_signed(claims))


@pytest.mark.parametrize("token_use", ["access", "refresh", "", "ID", None, 1, ["id"]])
def test_only_an_id_token_is_one_where_the_token_says_what_it_is(token_use: Any) -> None:
    refused(hand_made_and_signed({**claims_of(), "token_use": token_use}))
    assert verifier().verify(token_of(token_use="id")).subject == "user-1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        ("True", False),
        ("TRUE", False),
        ("", False),
        (1, False),
        (1.0, False),
        ("1", False),
        ([True], False),
        ({}, False),
        (None, None),
    ],
)
def test_an_address_is_verified_by_true_alone(value: Any, expected: bool | None) -> None:
    assert verifier().verify(hand_made_and_signed({**claims_of(), "email_verified": value})).email_verified is expected


def test_a_token_that_says_nothing_of_the_address() -> None:
    claims = verifier().verify(token_of(email=None, email_verified=None))
    assert claims == UserClaims("user-1", "", email_verified=None)
    assert verifier().verify(token_of(email=7)).email == ""
    assert len(verifier().verify(token_of(email="x" * 5000)).email) == 320


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "x" * 16_384,
        "x" * 20_000,
        "e30.e30.",
        "\x00.\x00.\x00",
        "é.é.é",
        "🐱" * 100,
        "\udcff",
        "Bearer a.b.c",
    ],
    ids=lambda token: ascii(token[:12]),
)
def test_garbage_is_refused_without_asking_the_issuer(token: str) -> None:
    issuer = Issuer(RSA_JWK)
    refused(token, verifier(issuer))
    assert issuer.asked == []


@pytest.mark.parametrize(
    "header",
    [
        [],
        "text",
        7,
        None,
        {},
        {"alg": ["RS256"]},
        {"alg": {"a": 1}},
        {"alg": "RS256", "kid": 7},
        b"\xff",
        b"[" * 12_000,
    ],
    ids=lambda header: str(header)[:20],
)
def test_a_header_of_a_strange_shape(header: Any) -> None:
    refused(hand_made(header, claims_of()))


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"b64": False}, {"b64": False, "crit": ["b64"]}, {"zip": "DEF"}])
def test_extensions_of_the_header_verify_nothing_they_should_not(header: dict[str, Any]) -> None:
    refused(hand_made({"alg": "RS256", "kid": "rsa-1", **header}, claims_of(), b"x" * 256))


def test_a_good_token_of_more_than_16_kb_is_refused_before_it_is_read() -> None:
    issuer = Issuer(RSA_JWK)
    token = token_of(extra="x" * 15_000)
    assert len(token) > 20_000
    refused(token, verifier(issuer))
    assert issuer.asked == []


@pytest.mark.parametrize(("name", "audience"), [("", AUDIENCE), (ISSUER, ""), ("", ""), ("/", AUDIENCE)])
def test_without_an_issuer_and_an_audience_there_are_no_user_tokens(name: str, audience: str) -> None:
    issuer = Issuer(RSA_JWK)
    refused(token_of(), UserTokens(name, audience, clock=Clock(), fetch=issuer))
    assert issuer.asked == []


# when the issuer is asked


def test_nothing_is_fetched_before_the_first_token() -> None:
    issuer = Issuer(RSA_JWK)
    tokens = verifier(issuer)
    assert issuer.asked == []
    tokens.verify(token_of())
    assert issuer.asked == [DISCOVERY, JWKS]


def test_keys_are_kept_for_an_hour() -> None:
    issuer, clock = Issuer(RSA_JWK), Clock()
    tokens = verifier(issuer, clock)
    for later, fetches in ((0, 1), (1, 1), (3599.9, 1), (3600, 2), (3601, 2), (7199.9, 2), (7200, 3)):
        clock.now = 1000 + later
        tokens.verify(token_of())
        assert issuer.asked.count(JWKS) == fetches, later


def test_a_key_that_the_issuer_withdrew_is_refused_after_the_hour() -> None:
    issuer, clock = Issuer(RSA_JWK), Clock()
    tokens = verifier(issuer, clock)
    tokens.verify(token_of())
    issuer.keys = [EC_JWK]
    clock.now += 3600
    refused(token_of(), tokens)


def test_an_unknown_key_has_them_fetched_again_at_most_once_a_minute() -> None:
    issuer, clock = Issuer(RSA_JWK), Clock()
    tokens = verifier(issuer, clock)
    tokens.verify(token_of())
    for later, fetches in ((1, 1), (59.9, 1), (60, 2), (61, 2), (119.9, 2), (120, 3)):
        clock.now = 1000 + later
        refused(token_of(kid="unknown"), tokens)
        tokens.verify(token_of())
        assert issuer.asked.count(JWKS) == fetches, later


def test_a_flood_of_unknown_keys_before_the_first_good_token_fetches_once() -> None:
    issuer = Issuer(RSA_JWK)
    tokens = verifier(issuer)
    for number in range(50):
        refused(token_of(kid=f"unknown-{number}"), tokens)
    assert issuer.asked == [DISCOVERY, JWKS]


def test_a_new_key_is_known_a_minute_later_at_the_latest() -> None:
    issuer, clock = Issuer(RSA_JWK), Clock()
    tokens = verifier(issuer, clock)
    tokens.verify(token_of())
    issuer.keys.append(EC_JWK)
    refused(token_of(EC_KEY, "ES256", "ec-1"), tokens)
    clock.now += 60
    assert tokens.verify(token_of(EC_KEY, "ES256", "ec-1")).subject == "user-1"


FAILURES = [
    OSError("unreachable"),
    TimeoutError(),
    ValueError("no JSON"),
    http.client.BadStatusLine("SSH-2.0-OpenSSH_9.2"),
    http.client.InvalidURL("control characters"),
    http.client.IncompleteRead(b""),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_an_issuer_that_cannot_be_asked_is_503_and_not_401(failure: Exception) -> None:
    issuer = Issuer(RSA_JWK)
    issuer.failure = failure
    with pytest.raises(IssuerUnavailable) as raised:
        verifier(issuer).verify(token_of())
    assert (raised.value.status, raised.value.message) == (503, "Service unavailable")
    assert raised.value.headers == {"Retry-After": "5"}


def test_an_issuer_that_failed_is_not_asked_again_for_five_seconds() -> None:
    issuer, clock = Issuer(RSA_JWK), Clock()
    tokens = verifier(issuer, clock)
    issuer.failure = OSError()
    for later, asked in ((0, 1), (1, 1), (4.9, 1), (5, 2), (6, 2), (9.9, 2)):
        clock.now = 1000 + later
        with pytest.raises(IssuerUnavailable):
            tokens.verify(token_of())
        assert len(issuer.asked) == asked, later
    issuer.failure, clock.now = None, 1010.0
    assert tokens.verify(token_of()).subject == "user-1"


def test_known_keys_outlive_the_issuer_within_their_hour() -> None:
    issuer, clock = Issuer(RSA_JWK), Clock()
    tokens = verifier(issuer, clock)
    tokens.verify(token_of())
    issuer.failure = OSError()
    clock.now += 61
    with pytest.raises(IssuerUnavailable):
        tokens.verify(token_of(kid="unknown"))
    assert tokens.verify(token_of()).subject == "user-1"
    clock.now += 3600
    with pytest.raises(IssuerUnavailable):
        tokens.verify(token_of())


@pytest.mark.parametrize(
    "configuration",
    [None, [], "text", {}, {"jwks_uri": None}, {"jwks_uri": 7}, {"jwks_uri": ""}, {"jwks_uri": "file:///etc"}],
)
def test_a_discovery_document_that_names_no_keys(configuration: Any) -> None:
    issuer = Issuer(RSA_JWK)
    issuer.configuration = configuration
    with pytest.raises(IssuerUnavailable):
        verifier(issuer).verify(token_of())
    assert issuer.asked == [DISCOVERY]


@pytest.mark.parametrize("jwks_uri", ["http://keys.example.com/jwks.json", "HTTP://x", "ftp://x", "//x", "jwks.json"])
def test_keys_of_an_https_issuer_are_fetched_by_https_alone(jwks_uri: str) -> None:
    issuer = Issuer(RSA_JWK, jwks_uri=jwks_uri)
    with pytest.raises(IssuerUnavailable):
        verifier(issuer).verify(token_of())
    assert issuer.asked == [DISCOVERY]


def test_an_issuer_on_this_machine_may_do_without_https() -> None:
    local = "http://127.0.0.1:9"
    documents = {
        f"{local}/.well-known/openid-configuration": {"jwks_uri": f"{local}/jwks"},
        f"{local}/jwks": {"keys": [RSA_JWK]},
    }
    tokens = UserTokens(local, AUDIENCE, clock=Clock(), fetch=documents.__getitem__)
    assert tokens.verify(token_of(iss=local)).subject == "user-1"


@pytest.mark.parametrize("keys", [None, [], {}, "text", [{}], [{"kty": "OKP", "crv": "X25519"}], [7]])
def test_a_key_set_without_a_usable_key(keys: Any) -> None:
    issuer = Issuer()
    issuer.keys = keys
    with pytest.raises(IssuerUnavailable):
        verifier(issuer).verify(token_of())
