"""The service that applies Stripe's events, put together from a function's settings."""

from rmbg.config import BillingSettings
from rmbg.services.apply_stripe_event import ApplyStripeEvent
from rmbg.storage.secrets import read_secrets
from rmbg.storage.store import open_store
from rmbg.storage.stripe_api import StripeApi

_LIVE = ("sk_live_", "rk_live_")


def apply_stripe_event(settings: BillingSettings) -> ApplyStripeEvent:
    """With a key for Stripe's API objects are fetched, and events of the key's other mode are left alone."""
    store = open_store(settings.core_table, settings.ephemeral_table, settings.dynamodb_endpoint_url)
    keys = read_secrets(settings.stripe_api_key)
    if not keys:
        return ApplyStripeEvent(store, settings.catalogue, None)
    api = StripeApi(keys[0], settings.stripe_api_base)
    return ApplyStripeEvent(store, settings.catalogue, api, livemode=keys[0].startswith(_LIVE))
