"""Pictures of 10000 x 10000 pixels in every format, made from a photograph; each file within the 50 MB of an upload.

What a format stores without loss has to be plainer than what a camera takes, or it would not fit.
"""

import io
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms

from benchmarks.errors import BenchmarkError
from benchmarks.pictures import with_noise
from layers.model.progress import Progress
from rmbg.services.uploads import MAX_FILE_BYTES

SIDE_PX: Final = 10_000
# A BMP of 24 bits is not compressed: the largest square within 50 MB.
_BMP_SIDE_PX: Final = 4180
_SEED: Final = 20240229
_TILE_PX: Final = 1000
_LEFT_LEVELS: Final = 8  # of 256, in what is stored without loss
_RUN_PX: Final = 8
_ORIENTATION: Final = 0x0112
_WIDER_RED: Final = (0.51512, 0.24120, -0.00105)  # of Display P3, adapted to D50 (ICC registry)

Maker = Callable[[Image.Image], bytes]


def ensure_pictures(names: set[str], original: Path, folder: Path, progress: Progress) -> dict[str, Path]:
    """The files by name; those that are not in `folder` are made. Raises BenchmarkError for one above 50 MB."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name for name in sorted(names)}
    missing = {name: path for name, path in paths.items() if not path.is_file()}
    if missing:
        with Image.open(original) as opened:
            photograph = opened.convert("RGB")
        for name, path in missing.items():
            progress(f"making {name}")
            data = MAKERS[name](photograph)
            if len(data) > MAX_FILE_BYTES:
                raise BenchmarkError(f"{name} would be {len(data)} bytes, more than an upload may have")
            path.write_bytes(data)
    return paths


def _enlarged(photograph: Image.Image, side_px: int | None = None) -> Image.Image:
    side_px = side_px or SIDE_PX
    return photograph.resize((side_px, side_px), Image.Resampling.BICUBIC)


def _detailed(photograph: Image.Image) -> Image.Image:
    """With a sensor's noise, tile by tile to spare memory."""
    image = _enlarged(photograph)
    random = np.random.default_rng(_SEED)
    for top in range(0, SIDE_PX, _TILE_PX):
        box = (0, top, SIDE_PX, top + _TILE_PX)
        image.paste(Image.fromarray(with_noise(np.asarray(image.crop(box)), random)), box)
    return image


def _plain(photograph: Image.Image) -> Image.Image:
    step = 256 // _LEFT_LEVELS
    return _enlarged(photograph).point([level // step * step for level in range(256)] * 3)


def _transparent(photograph: Image.Image) -> Image.Image:
    """With an alpha of its own: a soft ellipse."""
    image = _plain(photograph)
    image.putalpha(
        Image.radial_gradient("L").point([255 - level // 16 * 16 for level in range(256)]).resize(image.size)
    )
    return image


def _palette(photograph: Image.Image) -> Image.Image:
    return _plain(photograph.quantize(32).convert("RGB")).quantize(64, dither=Image.Dither.NONE)


def _deep_grey(photograph: Image.Image) -> Image.Image:
    levels = np.asarray(_plain(photograph).convert("L"))
    return Image.fromarray(levels.astype(np.uint16) * 257)


def _runs(photograph: Image.Image) -> bytes:
    """A run-length encoded BMP of 8 bits (BITMAPINFOHEADER, BI_RLE8), each run 8 pixels long."""
    small = photograph.resize((SIDE_PX // _RUN_PX, SIDE_PX // _RUN_PX)).quantize(256)
    pairs = np.full((small.height, small.width, 2), _RUN_PX, np.uint8)
    pairs[:, :, 1] = np.asarray(small)[::-1]
    lines = [row.tobytes() + b"\0\0" for row in pairs.repeat(_RUN_PX, axis=0)]
    data = b"".join(lines) + b"\0\1"
    colors = np.zeros((256, 4), np.uint8)
    given = np.array(small.getpalette("RGB"), np.uint8).reshape(-1, 3)
    colors[: len(given), :3] = given[:, ::-1]
    start = 14 + 40 + colors.size
    info = struct.pack("<IiiHHIIiiII", 40, SIDE_PX, SIDE_PX, 1, 8, 1, len(data), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + info + colors.tobytes() + data


def _display_p3() -> bytes:
    """An sRGB profile with another red: every colour has to be converted (ICC.1, s15Fixed16 numbers)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (offset,) = struct.unpack_from(">I", profile, profile.index(b"rXYZ", 128) + 4)
    struct.pack_into(">iii", profile, offset + 8, *(round(value * 65536) for value in _WIDER_RED))
    return bytes(profile)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    return exif


def _saved(image: Image.Image, image_format: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **settings)
    return buffer.getvalue()


MAKERS: Final[Mapping[str, Maker]] = {
    "detailed.jpg": lambda photograph: _saved(_detailed(photograph), "JPEG", quality=85),
    "progressive.jpg": lambda photograph: _saved(_detailed(photograph), "JPEG", quality=80, progressive=True),
    "progressive-444.jpg": lambda photograph: _saved(
        _detailed(photograph), "JPEG", quality=75, progressive=True, subsampling=0
    ),
    "cmyk.jpg": lambda photograph: _saved(_detailed(photograph).convert("CMYK"), "JPEG", quality=70),
    "progressive-cmyk.jpg": lambda photograph: _saved(
        _enlarged(photograph).convert("CMYK"), "JPEG", quality=80, progressive=True
    ),
    "display-p3.jpg": lambda photograph: _saved(_detailed(photograph), "JPEG", quality=85, icc_profile=_display_p3()),
    "orientation-6.jpg": lambda photograph: _saved(_detailed(photograph), "JPEG", quality=85, exif=_turned()),
    "portrait.jpg": lambda photograph: _saved(_enlarged(photograph, 2000), "JPEG", quality=92),
    "rgb.png": lambda photograph: _saved(_plain(photograph), "PNG", compress_level=6),
    "rgba.png": lambda photograph: _saved(_transparent(photograph), "PNG", compress_level=6),
    "rgba-orientation-6.png": lambda photograph: _saved(
        _transparent(photograph), "PNG", compress_level=6, exif=_turned()
    ),
    "palette.png": lambda photograph: _saved(_palette(photograph), "PNG", compress_level=6),
    "transparent-palette.png": lambda photograph: _saved(
        _palette(photograph), "PNG", compress_level=6, transparency=bytes(range(64, 256, 3))
    ),
    "grey-16.png": lambda photograph: _saved(_deep_grey(photograph), "PNG", compress_level=6),
    "flat.png": lambda _: _saved(Image.new("RGB", (SIDE_PX, SIDE_PX), (30, 90, 160)), "PNG", compress_level=9),
    "lossy.webp": lambda photograph: _saved(_enlarged(photograph), "WEBP", quality=80, method=0),
    "alpha.webp": lambda photograph: _saved(_transparent(photograph), "WEBP", quality=80, method=0),
    "lossless.webp": lambda photograph: _saved(_plain(photograph), "WEBP", lossless=True, quality=0, method=0),
    "colors.bmp": lambda photograph: _saved(_enlarged(photograph, _BMP_SIDE_PX), "BMP"),
    "two-colors.bmp": lambda photograph: _saved(_enlarged(photograph).convert("1"), "BMP"),
    "runs.bmp": _runs,
}
