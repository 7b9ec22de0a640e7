"""The JSON documents of the account function."""

from rmbg.domain.calendar import utc
from rmbg.domain.credits import ApiKey
from rmbg.services.report_usage import Cycle, Usage


def usage_document(usage: Usage) -> dict[str, object]:
    document: dict[str, object] = {
        "membership": usage.membership,
        "credits": usage.credits,
        "prepaidCredits": usage.prepaid,
        "app_usage": usage.app,
        "api_usage": usage.api,
    }
    if usage.cycle is not None:
        document["billingCycle"] = _cycle(usage.cycle, usage.prepaid)
    return document


def cycles_document(cycles: list[Cycle]) -> dict[str, object]:
    return {
        "billingCycles": [
            {
                "periodStartUnix": cycle.start,
                "periodEndUnix": cycle.end,
                "appUsage": cycle.app,
                "apiUsage": cycle.api,
            }
            for cycle in cycles
        ]
    }


def _cycle(cycle: Cycle, prepaid: int) -> dict[str, object]:
    return {
        "periodStartUnix": cycle.start,
        "periodEndUnix": cycle.end,
        "appUsage": cycle.app,
        "apiUsage": cycle.api,
        "includedCredits": cycle.included,
        "prepaidCredits": prepaid,
        "usedIncludedCredits": cycle.app + cycle.api,
        "remainingIncludedCredits": cycle.remaining,
        "stripeBillingSynced": cycle.synced,
    }


def key_document(key: ApiKey) -> dict[str, object]:
    """A key as its owner sees it: never its text."""
    return {
        "key_id": key.id,
        "start": key.start,
        "created_at": f"{utc(key.created_at):%Y-%m-%dT%H:%M:%SZ}",
        "last_used_on": key.last_used_on or None,
    }
