"""File names as clients send them: the extension that is judged, the name that is given back."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

ALLOWED_EXTENSIONS: Final = ("webp", "bmp", "png", "jpg", "jpeg")
MAX_NAME_CHARACTERS: Final = 100
_FALLBACK_NAME: Final = "image"
_QUOTES_AND_PATH_CHARACTERS: Final = re.compile(r"""["'\\/:]""")


def base_name(filename: str) -> str:
    """What follows the last slash or backslash."""
    return re.split(r"[/\\]", filename)[-1]


def extension(filename: str) -> str:
    """What follows the last dot of the base name, lower-cased; empty for `photo`, `photo.` and `.jpg`."""
    stem, dot, suffix = base_name(filename).rpartition(".")
    return suffix.lower() if dot and stem else ""


def media_type(filename: str) -> str:
    """What a name says of the bytes; nothing for one without an extension of ours."""
    suffix = extension(filename)
    if suffix not in ALLOWED_EXTENSIONS:
        return "application/octet-stream"
    return f"image/{'jpeg' if suffix == 'jpg' else suffix}"


def result_name(filename: str, new_extension: str) -> str:
    """`NAME-rmbg.EXT`: NAME is the base name without extension, controls, quotes and path characters.

    At most 100 characters of the name are kept; `image` stands in where nothing is left.
    """
    base = base_name(filename)
    stem = base[: -len(extension(base)) - 1] if extension(base) else base.rstrip(".")
    kept = "".join(character for character in stem if not _is_control(character))
    kept = _QUOTES_AND_PATH_CHARACTERS.sub("", kept).strip(" .")[:MAX_NAME_CHARACTERS].rstrip(" .")
    return f"{kept or _FALLBACK_NAME}-rmbg.{new_extension}"


def content_disposition(filename: str) -> str:
    """`inline` with an ASCII name, and the name itself as `filename*` where it is not ASCII (RFC 6266, RFC 8187)."""
    if filename.isascii():
        return f'inline; filename="{filename}"'
    ascii_name = "".join(character if character.isascii() else "_" for character in filename)
    return f"inline; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _is_control(character: str) -> bool:
    # Cc: controls; Cf: invisible direction marks that make one name look like another; Cs: lone surrogates;
    # Zl and Zp: line ends that are no ASCII controls. U+FFFD stands for bytes that were no text at all.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character == "\ufffd"
