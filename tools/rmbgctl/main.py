"""rmbgctl: arguments in, one operation, its result out as a few lines or as one JSON object."""

import argparse
import getpass
import io
import json
import os
import sys
import uuid
from collections.abc import Sequence
from typing import Any, Final

from rmbg.config import InvalidSetting, load_catalogue
from rmbg.domain.calendar import utc
from rmbg.domain.usage_query import UsageQuery
from rmbg.http.documents import key_document, usage_document
from rmbg.observability import silence
from rmbg.services.apply_stripe_event import ApplyStripeEvent
from rmbg.services.credits import Credits
from rmbg.services.operate import NotFound, Operate, Operation, Refused
from rmbg.services.reconcile import Reconcile
from rmbg.services.report_usage import ReportUsage
from rmbg.storage.database import StoreUnavailable
from rmbg.storage.store import Store
from rmbg.storage.stripe_api import DEFAULT_BASE, StripeApi, StripeUnavailable
from tools.rmbgctl.arguments import parser
from tools.rmbgctl.target import DEFAULT_STACK, NoStore, catalogue_path, deployed_store, local_store

OK: Final = 0
FAILED: Final = 1
NOT_FOUND: Final = 3  # 2 is argparse's own


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit status."""
    options = parser().parse_args(arguments)
    options.op_id = _option(options, "op_id") or uuid.uuid4().hex
    _print_whatever_the_terminal_can_show()
    try:
        with silence():  # what goes wrong is told on standard error, in a sentence
            result = _Commands(_store(options), options).run()
    except NotFound as error:
        return _fail(str(error), NOT_FOUND)
    except (NoStore, Refused, InvalidSetting) as error:
        return _fail(str(error), FAILED)
    except StoreUnavailable as error:
        return _fail(_unknown_outcome(options, error.__cause__), FAILED)
    _print(result, as_json=bool(_option(options, "json")))
    return OK


class _Commands:
    def __init__(self, store: Store, options: argparse.Namespace) -> None:
        self._store = store
        self._options = options
        self._catalogue = load_catalogue(catalogue_path(local=bool(_option(options, "local"))))
        self._operate = Operate(store, self._catalogue)

    def run(self) -> dict[str, Any]:
        """The result as a JSON document."""
        options = self._options
        name = f"{options.thing} {options.action}".strip()
        if name == "user show":
            return self._show(options.user)
        if options.thing in ("events", "reconcile"):
            return self._stripe()
        operation = Operation(
            id=options.op_id,
            kind=name.replace(" ", "-"),
            actor=_actor(),
            reason=_option(options, "reason") or "",
        )
        return {**self._change(name, operation), "op_id": operation.id}

    def _change(self, name: str, operation: Operation) -> dict[str, Any]:
        options, operate = self._options, self._operate
        match name:
            case "user create":
                uid = operate.create_user(
                    operation, email=options.email, verified=options.verified, plan_name=options.plan
                )
                return {"user_id": uid}
            case "user suspend" | "user resume":
                suspended = name == "user suspend"
                operate.suspend(operation, options.user, suspended=suspended)
                return {"user_id": options.user, "suspended": suspended}
            case "user verify-email":
                operate.verify_email(operation, options.user)
                return {"user_id": options.user, "email_verified": True}
            case "key issue" | "key rotate":
                issue = operate.issue_key if name == "key issue" else operate.rotate_keys
                issued = issue(operation, options.user)
                return {"user_id": options.user, "key_id": issued.id, "api_key": issued.text}
            case "key revoke":
                return {"user_id": operate.revoke_key(operation, options.key_id), "key_id": options.key_id}
            case "credits grant" | "credits deduct":
                amount = options.amount if name == "credits grant" else -options.amount
                balance = operate.add_credits(operation, options.user, amount)
                return {"user_id": options.user, "amount": amount, "prepaid_balance": balance}
            case _:  # plan set
                plan = operate.set_plan(operation, options.user, options.plan)
                return {"user_id": options.user, "plan": plan.name, "included": plan.included}

    def _stripe(self) -> dict[str, Any]:
        """With STRIPE_API_KEY Stripe is asked; parked events are otherwise believed as they are."""
        api_key = os.environ.get("STRIPE_API_KEY", "")
        api = StripeApi(api_key, os.environ.get("STRIPE_API_BASE") or DEFAULT_BASE) if api_key else None
        try:
            if self._options.thing == "events":
                parked, settled = ApplyStripeEvent(self._store, self._catalogue, api).replay_all()
                return {"parked": parked, "applied": settled}
            if api is None:
                raise Refused("set STRIPE_API_KEY to a key that may read customers and subscriptions")
            done = Reconcile(self._store, self._catalogue, api).run()
        except StripeUnavailable as error:
            raise Refused(f"Stripe: {error}") from error
        return {
            "checked": done.checked,
            "repaired": list(done.repaired),
            "not_understood": list(done.not_understood),
        }

    def _show(self, uid: str) -> dict[str, Any]:
        account = self._operate.account(uid)
        reporter = ReportUsage(self._store, self._catalogue, Credits(self._store, self._catalogue))
        usage = reporter.report(account, UsageQuery(billing_cycle=True))
        return {
            "user_id": account.uid,
            "email": account.email,
            "email_verified": account.email_verified,
            "suspended": account.suspended,
            "plan": account.plan,
            "created_at": f"{utc(account.created_at):%Y-%m-%dT%H:%M:%SZ}",
            "prepaid_balance": account.prepaid,
            "debt": max(0, -account.prepaid),
            "keys": [key_document(key) for key in account.keys],
            "usage": usage_document(usage),
        }


def _option(options: argparse.Namespace, name: str) -> Any:
    return getattr(options, name, None)


def _actor() -> str:
    """Who is at the keyboard, for the ledger."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name for this user id
        return str(os.getuid())


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
        return
    if "api_key" in result and result["api_key"] is None:
        print("done before under this --op-id; a key is shown only once", file=sys.stderr)
    for name, value in result.items():
        print(f"{name}: {json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value}")


def _store(options: argparse.Namespace) -> Store:
    if _option(options, "local"):
        return local_store()
    return deployed_store(_option(options, "stack") or DEFAULT_STACK)


def _print_whatever_the_terminal_can_show() -> None:
    """A letter that the terminal's encoding does not have is escaped, as on standard error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _unknown_outcome(options: argparse.Namespace, cause: BaseException | None) -> str:
    message = f"the store does not answer{f': {cause}' if cause else ''}"
    if (options.thing, options.action) == ("user", "show"):
        return message
    return f"{message}; whether it was done is not known: run it again with --op-id {options.op_id}"


def _fail(message: str, status: int) -> int:
    print(f"rmbgctl: {message}", file=sys.stderr)
    return status
