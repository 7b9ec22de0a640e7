"""The user that `make run` has ready: the catalogue's demo plan, a key, and prepaid credits."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rmbg.config import load_catalogue
from rmbg.domain.keys import is_well_formed, key_hash
from rmbg.services.operate import NotFound, Operate, Operation
from rmbg.storage import schema
from rmbg.storage.database import Database
from rmbg.storage.expressions import get
from rmbg.storage.store import Store
from tools.local_store.files import write_private
from tools.local_store.tables import dynamodb_client

EMAIL: Final = "demo@example.com"
PREPAID_CREDITS: Final = 2000
_REMEMBERED: Final = "demo-key.json"
FILES: Final = (_REMEMBERED, "stripe-events.json")  # the second is what `make stripe-event` remembers


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo user and its key."""

    user_id: str
    email: str
    api_key: str


def prepare_demo(*, endpoint_url: str, core_table: str, ephemeral_table: str, state_dir: Path) -> Demo:
    """The demo user of a store, made when it is not there.

    Only a key's hash is in the store: its text is remembered in `state_dir`, readable by its owner alone, and a new
    key takes its place when the file is gone. The catalogue is that of the variable CATALOGUE, or the one that ships.
    Raises StoreUnavailable, InvalidSetting and OSError.
    """
    store = Store(Database(dynamodb_client(endpoint_url)), core_table, ephemeral_table)
    catalogue = load_catalogue(os.environ.get("CATALOGUE", ""))
    operate = Operate(store, catalogue)
    plan = catalogue.demo.name  # each has a user of its own: a store may meet several catalogues
    uid = operate.create_user(_operation("create", plan), email=EMAIL, verified=True, plan_name=plan)
    operate.add_credits(_operation("grant", "once"), uid, PREPAID_CREDITS)
    remembered = state_dir / _REMEMBERED
    api_key = _live_key(operate, store, uid, remembered)
    if api_key is None:
        issued = operate.rotate_keys(_operation("rotate", uuid.uuid4().hex), uid)
        api_key = issued.text or ""  # the operation's id is new, so there is one
        write_private(remembered, json.dumps({"api_key": api_key}))
    return Demo(uid, EMAIL, api_key)


def _live_key(operate: Operate, store: Store, uid: str, remembered: Path) -> str | None:
    """The key of an earlier start, if it is still good."""
    try:
        api_key = str(json.loads(remembered.read_text(encoding="utf-8"))["api_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not is_well_formed(api_key):
        return None
    row = store.database.get(get(store.core, schema.api_key(key_hash(api_key))))
    try:
        live = row is not None and operate.account(uid).key(str(row["key_id"])) is not None
    except NotFound:
        return None
    return api_key if live else None


def _operation(kind: str, name: str) -> Operation:
    return Operation(id=f"demo-{kind}-{name}", kind=kind, actor="make run", reason="the demo user")
