"""Asking Stripe for objects as they are now, over its HTTP API."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from rmbg.observability import logger

DEFAULT_BASE: Final = "https://api.stripe.com"
# Two attempts of one request, and the worker has time for another event (functions/billing_sync).
_CONNECT_SECONDS: Final = 2.0
_READ_SECONDS: Final = 4.0
_RETRIES: Final = 1
_PATHS: Final = {
    "subscription": "/v1/subscriptions/{}",
    "invoice": "/v1/invoices/{}",
    "charge": "/v1/charges/{}",
    "refund": "/v1/refunds/{}",
    "dispute": "/v1/disputes/{}",
    "customer": "/v1/customers/{}",
    "checkout.session": "/v1/checkout/sessions/{}?expand[]=line_items",
    "event": "/v1/events/{}",
}


class StripeUnavailable(Exception):
    """Stripe did not answer, or refused the key: the event is tried again later. Holds no key."""


class StripeApi:
    """One account's objects. `base` is Stripe's own address, or that of a test."""

    def __init__(self, api_key: str, base: str = DEFAULT_BASE) -> None:
        import urllib3

        retries = urllib3.Retry(
            total=_RETRIES,
            backoff_factor=0.5,
            status_forcelist=(429, 500, 502, 503, 504),
            raise_on_status=False,
            respect_retry_after_header=False,  # the queue waits longer than we could
        )
        self._pool = urllib3.PoolManager(
            headers={"Authorization": f"Bearer {api_key}", "Accept": "application/json"},
            retries=retries,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        )
        self._base = base.rstrip("/")

    def fetch(self, kind: str, identifier: str) -> Mapping[str, Any] | None:
        """The object as it is now; None if there is none, or it is of a kind that is not asked for.

        Raises StripeUnavailable.
        """
        path = _PATHS.get(kind)
        return self._get(path.format(quote(identifier, safe=""))) if path and identifier else None

    def subscriptions(self, customer: str) -> list[Mapping[str, Any]]:
        """All subscriptions of a customer, those that are over included. Raises StripeUnavailable."""
        found: list[Mapping[str, Any]] = []
        after = ""
        while True:
            page = self._get(
                f"/v1/subscriptions?customer={quote(customer, safe='')}&status=all&limit=100"
                + (f"&starting_after={quote(after, safe='')}" if after else "")
            )
            data = list((page or {}).get("data") or [])
            found += data
            if not data or not (page or {}).get("has_more"):
                return found
            after = str(data[-1]["id"])

    def _get(self, path: str) -> Mapping[str, Any] | None:
        import urllib3

        try:
            answer = self._pool.request("GET", self._base + path, redirect=False)
            if answer.status == 404:
                return None
            if answer.status != 200:
                logger.error("stripe refused", status=answer.status)
                raise StripeUnavailable(f"Stripe answers {answer.status}")
            document = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            logger.error("stripe unreachable", cause=type(error).__name__)
            raise StripeUnavailable(type(error).__name__) from error
        if not isinstance(document, dict):
            raise StripeUnavailable("no object")
        return document
