"""What an uploaded file must be before its bytes are looked at (CONTRACT: error table, rows 5 to 9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rmbg.domain.filenames import ALLOWED_EXTENSIONS, extension
from rmbg.domain.options import quote
from rmbg.errors import PublicError

MAX_FILE_BYTES: Final = 52_428_800
_BYTES_PER_MB: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Upload:
    """An image file as it came, and the form's text fields beside it."""

    filename: str
    data: bytes
    fields: Mapping[str, str]


def no_image_file() -> PublicError:
    """Row 5."""
    return PublicError(400, "No image file provided. Please include an 'image' field in your form data.")


def check_filename(filename: str) -> None:
    """Rows 6 and 7: a file was picked, and its extension, if it has one, is allowed."""
    if not filename:
        raise PublicError(400, "No file selected. Please choose an image file to upload.")
    suffix = extension(filename)
    if suffix and suffix not in ALLOWED_EXTENSIONS:
        allowed = ", ".join(ALLOWED_EXTENSIONS)
        raise PublicError(400, f"File type '.{quote(suffix)}' is not supported. Allowed formats: {allowed}")


def check_size(size_bytes: int) -> None:
    """Rows 8 and 9: 1 byte to 50 MB."""
    if size_bytes == 0:
        raise PublicError(400, "Uploaded file is empty (0 bytes).")
    if size_bytes > MAX_FILE_BYTES:
        size_mb = size_bytes / _BYTES_PER_MB
        raise PublicError(400, f"File size ({size_mb:.1f} MB) exceeds the maximum allowed size of 50 MB.")
