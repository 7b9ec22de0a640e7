"""BinaryMediaTypes: which bodies pass as base64. API Gateway knows `*/*` and whole types, no `image/*`."""

from collections.abc import Collection


def is_binary(binary_media_types: Collection[str], header: str | None) -> bool:
    """Whether a Content-Type, or an Accept of which only the first type counts, is among the binary media types."""
    if "*/*" in binary_media_types:
        return True
    first = (header or "").split(",", 1)[0].split(";", 1)[0].strip().lower()
    return first in binary_media_types
