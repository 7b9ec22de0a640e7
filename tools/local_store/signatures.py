"""Signatures of S3's version 4, as far as a web page's requests carry them: in a query, or in a form.

Rules: Amazon S3 API reference, "Authenticating Requests: Using Query Parameters" and "Creating a POST Policy". Only the
standard library is imported: the emulator's own process uses it, under another virtual environment.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_TERMINATOR: Final = "aws4_request"
_DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_LONGEST_SECONDS: Final = 7 * 24 * 3600
_CLOCK_SKEW: Final = timedelta(minutes=15)
_SIGNATURE: Final = "X-Amz-Signature"
_UNRESERVED: Final = "-_.~"


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signatures count."""

    access_key: str
    secret: str
    region: str

    def signed_query(self, method: str, host: str, path: str, query: Mapping[str, str], now: datetime) -> bool:
        """Whether a presigned URL is good for this method at this moment.

        `path` and `query` are decoded. Only the host may be a signed header, since a page can be made to send others.
        """
        if query.get("X-Amz-Algorithm") != _ALGORITHM or query.get("X-Amz-SignedHeaders") != "host":
            return False
        stamp, seconds = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
        signed_at = _time(stamp)
        if signed_at is None or not re.fullmatch("[0-9]{1,6}", seconds, re.ASCII):
            return False
        lifetime = timedelta(seconds=min(int(seconds), _LONGEST_SECONDS))
        if not signed_at - _CLOCK_SKEW <= now <= signed_at + lifetime:
            return False
        canonical_query = "&".join(
            sorted(
                f"{quote(k, safe=_UNRESERVED)}={quote(v, safe=_UNRESERVED)}"
                for k, v in query.items()
                if k != _SIGNATURE
            )
        )
        canonical = "\n".join(
            [
                method,
                quote(path, safe=f"/{_UNRESERVED}"),
                canonical_query,
                f"host:{host}",
                "",
                "host",
                "UNSIGNED-PAYLOAD",
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join([_ALGORITHM, stamp, f"{stamp[:8]}/{self.region}/s3/{_TERMINATOR}", digest])
        return self._is_good(text, stamp, query.get("X-Amz-Credential", ""), query.get(_SIGNATURE, ""))

    def signed_form(self, fields: Mapping[str, str]) -> bool:
        """Whether a form's policy is signed; what it demands is the emulator's to check. Names are in lower case."""
        stamp = fields.get("x-amz-date", "")
        if fields.get("x-amz-algorithm") != _ALGORITHM or _time(stamp) is None:
            return False
        credential, signature = fields.get("x-amz-credential", ""), fields.get("x-amz-signature", "")
        return self._is_good(fields.get("policy", ""), stamp, credential, signature)

    def _is_good(self, text: str, stamp: str, credential: str, signature: str) -> bool:
        scope = [stamp[:8], self.region, "s3", _TERMINATOR]
        if credential != "/".join([self.access_key, *scope]):
            return False
        key = b"AWS4" + self.secret.encode()
        for part in scope:
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.digest(key, text.encode(), "sha256").hex()
        return hmac.compare_digest(expected.encode(), signature.encode())


def _time(stamp: str) -> datetime | None:
    if not re.fullmatch("[0-9]{8}T[0-9]{6}Z", stamp, re.ASCII):
        return None
    try:
        return datetime.strptime(stamp, _DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
