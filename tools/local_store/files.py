"""Files that hold a key or an address: whole or not at all, and for their owner only."""

import os
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file with this text and mode 0600; readers see the old one or the new one. Raises OSError."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)  # of a process that was killed; its mode could be another
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
