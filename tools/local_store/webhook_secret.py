"""The secret that signs Stripe's events to `make run`: made once, and kept for as long as the demo account's key."""

import secrets
from pathlib import Path
from typing import Final

from tools.local_store.files import write_private

FILE: Final = "stripe-webhook-secret"
_PREFIX: Final = "whsec_"  # as Stripe's begin
_RANDOM_BYTES: Final = 24


def kept(state_dir: Path) -> str:
    """The secret in the folder, readable by its owner alone; a new one when there is none. Raises OSError."""
    path = state_dir / FILE
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        secret = ""
    if secret.startswith(_PREFIX) and len(secret) > len(_PREFIX):
        return secret
    secret = _PREFIX + secrets.token_hex(_RANDOM_BYTES)
    write_private(path, secret + "\n")
    return secret
