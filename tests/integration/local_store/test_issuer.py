"""The issuer's tokens are verified with the keys that it publishes, as any client would."""

import socket
import time

import jwt
import pytest
import requests

from tools.local_store.issuer import AUDIENCE, Issuer, running_issuer

REQUIRED = ["iss", "aud", "sub", "iat", "exp"]


def verified(issuer: Issuer, token: str, keys: jwt.PyJWKClient, audience: str = AUDIENCE) -> dict[str, object]:
    key = keys.get_signing_key_from_jwt(token)
    options = {"require": REQUIRED}
    return jwt.decode(token, key, ["RS256"], audience=audience, issuer=issuer.url, options=options)  # type: ignore[arg-type]


def discovered(issuer: Issuer) -> jwt.PyJWKClient:
    document = requests.get(f"{issuer.url}/.well-known/openid-configuration", timeout=5).json()
    assert document["issuer"] == issuer.url
    return jwt.PyJWKClient(document["jwks_uri"])


def test_a_token_holds_what_was_asked_for() -> None:
    with running_issuer() as issuer:
        assert issuer.audience == "rmbg-local"
        keys = discovered(issuer)
        claims = verified(issuer, issuer.mint("user-1", "a@example.com", seconds=60), keys)
        assert claims.pop("exp") == claims["iat"] + 60  # type: ignore[operator]
        assert abs(claims.pop("iat") - time.time()) < 5  # type: ignore[operator]
        assert claims == {
            "iss": issuer.url,
            "aud": "rmbg-local",
            "sub": "user-1",
            "email": "a@example.com",
            "email_verified": True,
            "token_use": "id",
        }
        other = issuer.mint("user-1", None, False, "another", token_use="access", client_id="c", iat=None)
        unverified = jwt.decode(other, options={"verify_signature": False})
        assert unverified["email_verified"] is False
        assert (unverified["aud"], unverified["token_use"], unverified["client_id"]) == ("another", "access", "c")
        assert not unverified.keys() & {"email", "iat"}
        with pytest.raises(jwt.InvalidAudienceError):
            verified(issuer, issuer.mint("user-1", audience="another"), keys)
        with pytest.raises(jwt.ExpiredSignatureError):
            verified(issuer, issuer.mint("user-1", seconds=-1), keys)


def test_a_rotation_is_a_new_key_under_a_new_id() -> None:
    with running_issuer() as issuer:
        keys = discovered(issuer)
        old = issuer.mint("user-1")
        verified(issuer, old, keys)
        assert issuer.jwks_fetches == 1
        issuer.rotate()
        new = issuer.mint("user-1")
        assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
        verified(issuer, new, discovered(issuer))
        assert issuer.jwks_fetches == 2
        with pytest.raises(jwt.PyJWKClientError):
            verified(issuer, old, discovered(issuer))


def test_two_issuers_do_not_take_each_others_tokens() -> None:
    with running_issuer() as one, running_issuer() as other, pytest.raises(jwt.PyJWKClientError):
        verified(one, other.mint("user-1"), discovered(one))


def test_connections_are_kept_and_may_be_broken(capfd: pytest.CaptureFixture[str]) -> None:
    with running_issuer() as issuer:
        host, port = issuer.url.removeprefix("http://").split(":")
        for cut_off in (b"", b"GET /.well-known", b"GET /.well-known/jwks.json HTTP/1.1\r\n\r\n", b"\x16\x03\x01"):
            with socket.create_connection((host, int(port))) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, not closed
                connection.sendall(cut_off)
        with requests.Session() as session:
            for _ in range(3):
                assert session.get(f"{issuer.url}/.well-known/jwks.json", timeout=5).json()["keys"]
            assert session.head(f"{issuer.url}/.well-known/jwks.json", timeout=5).content == b""
            assert session.get(f"{issuer.url}/elsewhere", timeout=5).status_code == 404
            assert session.post(f"{issuer.url}/token", timeout=5).status_code == 501
            began = time.monotonic()
            issuer_url = issuer.url
            idle = socket.create_connection((host, int(port)))
        session.close()
    assert time.monotonic() - began < 1  # whoever is still connected
    idle.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(issuer_url, timeout=5)
    assert capfd.readouterr() == ("", "")
