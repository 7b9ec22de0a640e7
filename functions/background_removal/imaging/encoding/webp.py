"""Lossy WebP with alpha, put together from libwebp's colours and our own alpha (RFC 9649, section 2).

For a matte libwebp's encoder takes three times as long, with 10 bytes a pixel more memory. Without it, it does not know
which colours are hidden, hence the care for these.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from PIL import Image

from functions.background_removal.imaging.encoding.vp8l import encode_alpha
from functions.background_removal.imaging.encoding.webp_hidden import replace_hidden_colors

_OPAQUE: Final = 255
# The fast lossy methods fail on detailed pictures of 100 megapixels ("encoding error 6", a partition outgrows its
# 512 KiB); the next one takes its time and passes, and lossless has no such limit.
_METHODS: Final = (0, 2)
_LOSSLESS: Final[Mapping[str, Any]] = {"lossless": True, "quality": 0, "method": 0}
_HAS_ALPHA: Final = 0x10
_RIFF_HEADER_BYTES: Final = 12
_CHUNK_HEADER_BYTES: Final = 8


def encode_webp(image: Image.Image, *, quality: int = 85, threads: int = 1) -> bytes:
    """Encode an RGB or RGBA image: alpha is kept exactly, colours are lossy, those under alpha 0 are replaced.

    The image is used up: its colours and its alpha are overwritten. With 2 threads or more, colours and alpha are
    encoded at the same time; the bytes are the same. Where libwebp refuses a picture, the result is lossless.
    Raises ValueError for another mode or a side above 16383 pixels.
    """
    if image.mode not in {"RGB", "RGBA"}:
        raise ValueError(f"mode {image.mode} is neither RGB nor RGBA")
    alpha = np.asarray(image.getchannel("A")) if image.mode == "RGBA" else None
    if alpha is None or alpha.min() == _OPAQUE:
        return _lossy(image, quality) or _saved(image, _LOSSLESS)
    replace_hidden_colors(image, alpha)
    # in place; convert("RGB") would be a second copy of the pixels
    image.putalpha(_OPAQUE)
    if threads > 1:
        with ThreadPoolExecutor(1) as executor:
            alpha_task = executor.submit(encode_alpha, alpha)
            colors = _lossy(image, quality)
            alpha_payload = alpha_task.result()
    else:
        alpha_payload = encode_alpha(alpha)
        colors = _lossy(image, quality)
    if colors is None:
        image.putalpha(Image.fromarray(alpha))
        return _saved(image, _LOSSLESS)
    canvas = bytes([_HAS_ALPHA, 0, 0, 0]) + b"".join((side - 1).to_bytes(3, "little") for side in image.size)
    return _riff([(b"VP8X", canvas), (b"ALPH", alpha_payload), (b"VP8 ", _chunk(colors, b"VP8 "))])


def _lossy(image: Image.Image, quality: int) -> bytes | None:
    """A WebP of an opaque image; None if libwebp refuses."""
    for method in _METHODS:
        try:
            return _saved(image, {"quality": quality, "method": method})
        except (ValueError, OSError):  # Pillow's word for an encoder's refusal
            continue
    return None


def _saved(image: Image.Image, settings: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **settings)
    return buffer.getvalue()


def _chunk(data: bytes, wanted: bytes) -> memoryview:
    """The payload of a file's first chunk of a kind."""
    return next(payload for kind, payload in _chunks(data) if kind == wanted)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    start = _RIFF_HEADER_BYTES
    while start < len(data):
        size = int.from_bytes(data[start + 4 : start + _CHUNK_HEADER_BYTES], "little")
        body = start + _CHUNK_HEADER_BYTES
        yield data[start : start + 4], memoryview(data)[body : body + size]
        start = body + size + size % 2


def _riff(chunks: Sequence[tuple[bytes, bytes | memoryview]]) -> bytes:
    """A file of chunks, each filled up to an even size (RFC 9649, "RIFF File Format")."""
    parts: list[bytes | memoryview] = [b"WEBP"]
    for kind, payload in chunks:
        parts += [kind, len(payload).to_bytes(4, "little"), payload, bytes(len(payload) % 2)]
    size = sum(len(part) for part in parts)
    return b"".join([b"RIFF", size.to_bytes(4, "little"), *parts])
