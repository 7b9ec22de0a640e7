"""An OpenID Connect issuer on the loopback interface: discovery, keys, and tokens for whoever asks this process."""

import http.server
import json
import secrets
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

AUDIENCE: Final = "rmbg-local"
_ALGORITHM: Final = "RS256"  # what Cognito and most issuers sign with
_KEY_BITS: Final = 2048
_DISCOVERY: Final = "/.well-known/openid-configuration"
_KEYS: Final = "/.well-known/jwks.json"
_POLL_SECONDS: Final = 0.02
_IDLE_SECONDS: Final = 60.0


class Issuer:
    """Signs with one key at a time, under a key id of its own. Safe to use from several threads."""

    audience: Final = AUDIENCE

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self._lock = threading.Lock()
        self._fetches = 0
        self._sign_with_new_key()

    @property
    def jwks_fetches(self) -> int:
        """How often the keys have been asked for."""
        with self._lock:
            return self._fetches

    def mint(
        self,
        sub: str,
        email: str | None = None,
        email_verified: bool = True,
        audience: str = AUDIENCE,
        *,
        seconds: int = 3600,
        **claims: Any,
    ) -> str:
        """An ID token, valid from now for that many seconds. `claims` adds claims or replaces them; None is none."""
        import jwt  # with cryptography 0.1 seconds

        now = int(time.time())
        contents: dict[str, Any] = {
            "iss": self.url,
            "aud": audience,
            "sub": sub,
            "email": email,
            "email_verified": email_verified,
            "token_use": "id",
            "iat": now,
            "exp": now + seconds,
        }
        contents = {name: value for name, value in (contents | claims).items() if value is not None}
        with self._lock:
            key, key_id = self._key, self._key_id
        return jwt.encode(contents, key, algorithm=_ALGORITHM, headers={"kid": key_id})

    def rotate(self) -> None:
        """A new key under a new id; the old one is no longer published."""
        self._sign_with_new_key()

    def _sign_with_new_key(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa
        from jwt.algorithms import RSAAlgorithm

        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        key_id = secrets.token_hex(8)
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        with self._lock:
            self._key, self._key_id = key, key_id
            self._published = {"keys": [{**public, "kid": key_id, "use": "sig", "alg": _ALGORITHM}]}

    def document(self, path: str) -> Any:
        """What is published under a path; None when nothing is."""
        if path == _DISCOVERY:
            return {
                "issuer": self.url,
                "jwks_uri": self.url + _KEYS,
                # required members (OpenID Connect Discovery 1.0, section 3); nobody signs in here
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [_ALGORITHM],
            }
        if path == _KEYS:
            with self._lock:
                self._fetches += 1
                return self._published
        return None


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that keeps its connection does not keep us
    issuer: Issuer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client went away: nobody's business."""

    def server_bind(self) -> None:
        # HTTPServer's own asks the resolver for this machine's name, which can take seconds
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        document = self.server.issuer.document(path)
        status = HTTPStatus.NOT_FOUND if document is None else HTTPStatus.OK
        body = json.dumps({"error": "not_found"} if document is None else document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing: a line a request is the gateway's."""


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer on a free port, in a daemon thread, until the end of the block. Raises OSError."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="issuer", daemon=True)
        thread.start()
        try:
            yield server.issuer
        finally:
            server.shutdown()
            thread.join()
