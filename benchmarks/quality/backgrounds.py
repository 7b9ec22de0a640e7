"""What lies behind the composites' subjects: photographs, sharp or out of focus, and studio colours."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from benchmarks.quality.arrays import Bytes, to_bytes
from benchmarks.quality.textures import fractal_noise, grainy

PHOTOGRAPHS: Final = ("brick", "coffee", "grass", "gravel", "motorcycle_left", "rocket")
_BLUR_SHARE: Final = 0.012

Painter = Callable[[int, int, np.random.Generator], Bytes]


def photograph(path: Path, width: int, height: int, *, blurred: bool) -> Bytes:
    """A photograph cut to the size, uint8 (height, width, 3); `blurred`: as behind a portrait."""
    with Image.open(path) as opened:
        scene = ImageOps.fit(opened.convert("RGB"), (width, height), Image.Resampling.BICUBIC)
    if blurred:
        scene = scene.filter(ImageFilter.GaussianBlur(_BLUR_SHARE * max(width, height)))
    pixels: Bytes = np.asarray(scene)
    return pixels


def background(name: str, photographs: Mapping[str, Path], width: int, height: int, seed: int) -> Bytes:
    """A background by name, uint8 (height, width, 3): a painter, or a photograph with or without `-blurred`."""
    random = np.random.default_rng(seed)
    painter = PAINTERS.get(name)
    if painter is not None:
        return painter(height, width, random)
    stem = name.removesuffix("-blurred")
    return grainy(photograph(photographs[stem], width, height, blurred=stem != name), random)


def _studio(color: tuple[int, int, int]) -> Painter:
    """A lit wall of one colour: a few levels darker towards the corners, with a camera's noise."""

    def paint(height: int, width: int, random: np.random.Generator) -> Bytes:
        down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
        shade = 1 - 0.04 * (down**2 + across**2)
        return grainy(to_bytes(shade[..., None] * np.array(color)), random)

    return paint


def _gradient(height: int, width: int, random: np.random.Generator) -> Bytes:
    down = np.linspace(0, 1, height)[:, None, None]
    sky, ground = np.array((70, 120, 200)), np.array((240, 214, 180))
    return grainy(to_bytes(np.broadcast_to(sky + down * (ground - sky), (height, width, 3))), random)


def _foliage(height: int, width: int, random: np.random.Generator) -> Bytes:
    """Patches of dark and light green, as of leaves nearly in focus."""
    noise = [fractal_noise(height, width, random, height / 12, octaves=4)[..., None] for _ in range(2)]
    dark, light = np.array((28, 52, 20), np.float32), np.array((44, 58, 14), np.float32)
    return grainy(to_bytes(np.array((74, 102, 52), np.float32) + noise[0] * dark + noise[1] * light * 0.6), random)


PAINTERS: Final[Mapping[str, Painter]] = {
    "white": _studio((252, 252, 252)),
    "black": _studio((8, 8, 8)),
    "green": _studio((20, 200, 40)),
    "red": _studio((214, 24, 30)),
    "gradient": _gradient,
    "foliage": _foliage,
}
