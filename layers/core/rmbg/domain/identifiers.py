"""What ids of users and keys may look like: they become parts of keys, which have a size."""

import re
from typing import Final

_USER_ID: Final = re.compile(r"(?!\.+\Z)[A-Za-z0-9_.:@|+=~-]{1,128}")
_KEY_ID: Final = re.compile(r"key_[0-9A-Za-z]{16}")


def is_user_id(text: str) -> bool:
    """Our own ids, and the subjects of all common issuers; as a folder's name it has no slash, nor dots alone."""
    return _USER_ID.fullmatch(text) is not None


def is_key_id(text: str) -> bool:
    """The id of an API key, as `ManageKeys` makes it."""
    return _KEY_ID.fullmatch(text) is not None
