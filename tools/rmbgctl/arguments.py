"""The command line's arguments. Options that every command takes may stand before or after it."""

import argparse
import re
from typing import Final

_OPERATION_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_MAX_AMOUNT: Final = 1_000_000_000
_MAX_REASON_CHARACTERS: Final = 1000


def parser() -> argparse.ArgumentParser:
    """Exit status 2 for what it does not understand."""
    top = argparse.ArgumentParser(
        prog="rmbgctl",
        description="Users, keys, credits and plans of an rmbg service: on AWS, or with --local of `make run`.",
        epilog="Exit status: 0 done, 1 it failed, 2 wrong arguments, 3 no such user, key or plan.",
    )
    common = argparse.ArgumentParser(add_help=False)
    for target in (top, common):
        _add_common(target)
    things = top.add_subparsers(dest="thing", required=True, metavar="{user,key,credits,plan,events,reconcile}")

    def command(
        actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
    ) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text, parents=[common])

    user = things.add_parser("user", help="accounts").add_subparsers(dest="action", required=True)
    create = command(user, "create", "make an account; prints its id")
    create.add_argument("--email", required=True, type=_email)
    create.add_argument("--verified", action="store_true", help="its email address is known to be its owner's")
    create.add_argument("--plan", metavar="P", help="name of a plan of the catalogue; the free one if none is given")
    for name, text in (
        ("show", "what an account is, has and used"),
        ("suspend", "refuse an account's keys and tokens from the next request on"),
        ("resume", "take a suspended account's keys and tokens again"),
        ("verify-email", "note that an account's email address is its owner's"),
    ):
        _user(command(user, name, text))

    key = things.add_parser("key", help="API keys").add_subparsers(dest="action", required=True)
    _user(command(key, "issue", "make a key; it is shown this once"))
    _user(command(key, "rotate", "make a key in place of all that the account has, which are revoked at once"))
    command(key, "revoke", "refuse a key from the next request on").add_argument("--key-id", required=True, metavar="K")

    credits = things.add_parser("credits", help="prepaid credits").add_subparsers(dest="action", required=True)
    for name, text in (("grant", "add prepaid credits"), ("deduct", "take prepaid credits; below zero is a debt")):
        amount = command(credits, name, text)
        _user(amount)
        amount.add_argument("--amount", required=True, type=_amount, metavar="N")

    plan = things.add_parser("plan", help="plans").add_subparsers(dest="action", required=True)
    set_plan = command(plan, "set", "give an account a plan; what it used of this month stays used")
    _user(set_plan)
    set_plan.add_argument("--plan", required=True, metavar="P")

    events = things.add_parser("events", help="Stripe's events").add_subparsers(dest="action", required=True)
    command(events, "replay", "apply the events that were parked: not understood, or of an unknown customer")

    text = "compare every customer with Stripe, and repair what differs (STRIPE_API_KEY)"
    things.add_parser("reconcile", help=text, description=text, parents=[common]).set_defaults(action="")
    return top


def _add_common(target: argparse.ArgumentParser) -> None:
    # SUPPRESS: a default of the command would overwrite what stood before it
    options = target.add_argument_group("for every command")

    def add(*names: str, **settings: object) -> None:
        options.add_argument(*names, default=argparse.SUPPRESS, **settings)  # type: ignore[arg-type]

    add("--local", action="store_true", help="the store of `make run` (STATE_DIR, .local if unset)")
    add("--stack", metavar="NAME", help="the deployed stack, default rmbg; region and rights as for the AWS CLI")
    add("--json", action="store_true", help="print one JSON object")
    add(
        "--op-id", type=_operation_id, metavar="ID", help="the change happens once under this id, however often it runs"
    )
    add("--reason", type=_reason, metavar="TEXT", help="why, for the ledger")


def _user(target: argparse.ArgumentParser) -> None:
    target.add_argument("--user", required=True, metavar="U", help="the account's id")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"not an email address: {text!r}")
    return text


def _amount(text: str) -> int:
    if not (
        text.isascii() and text.isdecimal() and int(text[:12]) >= 1 and len(text) <= 10 and int(text) <= _MAX_AMOUNT
    ):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {_MAX_AMOUNT} is expected, got: {text!r}")
    return int(text)


def _operation_id(text: str) -> str:
    if not _OPERATION_ID.fullmatch(text):
        raise argparse.ArgumentTypeError("1 to 200 printable ASCII characters without blanks are expected")
    return text


def _reason(text: str) -> str:
    if len(text) > _MAX_REASON_CHARACTERS:
        raise argparse.ArgumentTypeError(f"at most {_MAX_REASON_CHARACTERS} characters are expected")
    return text
