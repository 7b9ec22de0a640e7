"""File names as clients send them: the extension that is judged, the name that is given back."""

import re
import unicodedata
from typing import Final

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


def result_name(filename: str, new_extension: str) -> str:
    """`NAME-rmbg.EXT`: NAME is the base name without extension, controls, quotes and path characters.

    At most 100 characters of the name are kept; `image` stands in where nothing is left.
    """
    base = base_name(filename)
    stem = base[: -len(extension(base)) - 1] if extension(base) else base.rstrip(".")
    kept = "".join(character for character in stem if not _is_control(character))
    kept = _QUOTES_AND_PATH_CHARACTERS.sub("", kept).strip(" .")[:MAX_NAME_CHARACTERS].rstrip(" .")
    return f"{kept or _FALLBACK_NAME}-rmbg.{new_extension}"


def _is_control(character: str) -> bool:
    # Cc: controls; Cf: invisible direction marks that make one name look like another; Cs: lone surrogates;
    # Zl and Zp: line ends that are no ASCII controls. U+FFFD stands for bytes that were no text at all.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character == "\ufffd"
