"""Pictures that tests make: known colours in known places, and any encoding of them."""

import io
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 160, 30), (30, 30, 200), (230, 200, 20)


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Red top left, green top right, blue bottom left, yellow bottom right: any turn or flip shows."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(YELLOW, (width // 2, height // 2, width, height))
    return image


def disc(width: int = 320, height: int = 240, color: tuple[int, int, int] = RED) -> Image.Image:
    """A disc on a light, slightly uneven ground: something that every segmentation network finds."""
    y, x = np.mgrid[:height, :width]
    ground = np.random.default_rng(7).normal(235, 3, (height, width, 3)).clip(0, 255)
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) * 0.32) ** 2
    shade = 1.0 - 0.25 * (x / width)[..., None]
    pixels = np.where(inside[..., None], np.array(color) * shade, ground)
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(image: Image.Image, image_format: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **settings)
    return buffer.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
