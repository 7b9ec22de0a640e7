"""docs/benchmarks/*.webp: the same crop of our cut-out, of rembg's and of the truth, over three colours."""

import io
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from benchmarks import rembg_side
from benchmarks.page.subjects import Point, available
from benchmarks.paths import MODELS
from benchmarks.quality.arrays import Bytes, composite
from benchmarks.quality.rembg import Rembg
from benchmarks.quality.sample import Sample, load
from benchmarks.quality.scores import BACKGROUNDS
from benchmarks.quality.sides import Ours
from functions.background_removal.imaging.pipeline import Pipeline
from layers.model.progress import Progress
from layers.model.ready import ensure_model

CROP_PX: Final = 300
_LABEL_PX: Final = 16
_GAP_PX: Final = 4
_THREADS: Final = 2
_BEHIND: Final = ("white", "black", "magenta")
_PAPER, _INK, _DARK = (255, 255, 255), (60, 60, 60), (0, 0, 0)
MOST_BYTES: Final = 150_000
_QUALITIES: Final = (88, 82, 76, 70, 60, 50)

CutOut = Callable[[bytes], Bytes]


def write_pictures(folder: Path, model: str, progress: Progress) -> None:
    """One file a subject that this machine has. Without rembg its column is left out. Raises ModelError."""
    with ExitStack() as stack:
        sides = _sides(model, stack, progress)
        for shown, sample in available(progress):
            progress(f"picture: {shown.name}")
            data = sample.picture.read_bytes()
            results = {name: cut_out(data) for name, cut_out in sides.items()}
            if sample.alpha is not None:
                results["truth" if sample.colors else "reference alpha"] = _truth(sample)
            folder.mkdir(parents=True, exist_ok=True)
            sheet = sheet_of(load(sample.picture, "RGB"), results, shown.centre)
            (folder / shown.file_name).write_bytes(small_enough(sheet))


def sheet_of(picture: Bytes, results: Mapping[str, Bytes], centre: Point) -> Image.Image:
    """Cut-outs uint8 (h, w, 4) over three colours, a column each; before them the picture (h, w, 3) and our alpha."""
    top, left = (_start(side, share) for side, share in zip(picture.shape, reversed(centre), strict=False))
    crop = slice(top, top + CROP_PX), slice(left, left + CROP_PX)
    ours = next(iter(results))
    columns = {
        "": {
            "the picture": picture[crop],
            "the whole of it": _whole(picture, left, top),
            f"alpha, {ours}": results[ours][crop][..., [3, 3, 3]],
        }
    }
    for name, result in results.items():
        part = result[crop]
        columns[name] = {
            f"{name}, on {label}": composite(part[..., :3], part[..., 3], np.array(BACKGROUNDS[label], np.uint8))
            for label in _BEHIND
        }
    step = CROP_PX + _GAP_PX
    sheet = Image.new("RGB", (step * len(columns) - _GAP_PX, (step + _LABEL_PX) * len(_BEHIND) - _GAP_PX), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, tiles in enumerate(columns.values()):
        for row, (label, pixels) in enumerate(tiles.items()):
            x, y = column * step, row * (step + _LABEL_PX)
            draw.text((x + 2, y + 2), label, _INK)
            sheet.paste(Image.fromarray(pixels), (x, y + _LABEL_PX))
    return sheet


def small_enough(sheet: Image.Image) -> bytes:
    """As WebP with the best quality that stays below `MOST_BYTES`."""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        sheet.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() < MOST_BYTES:
            break
    return buffer.getvalue()


def _sides(model: str, stack: ExitStack, progress: Progress) -> dict[str, CutOut]:
    """Ours, and rembg where it is installed: it is not downloaded for a page."""
    ours = Ours(Pipeline(ensure_model(model, MODELS, progress), _THREADS))
    sides: dict[str, CutOut] = {"ours": lambda data: ours.cut_out(data, None)}
    if rembg_side.is_installed():
        theirs = Rembg("rembg", model, _THREADS, stack, progress)
        sides["rembg"] = lambda data: theirs.cut_out(data, None)
    else:
        progress("rembg is not installed (make bench does it), so the pictures are without it")
    return sides


def _truth(sample: Sample) -> Bytes:
    """With the picture's own colours where the true ones are unknown."""
    colors, alpha = sample.true_colors(), sample.true_alpha()
    assert alpha is not None
    return np.dstack((load(sample.picture, "RGB") if colors is None else colors, alpha))


def _whole(picture: Bytes, left: int, top: int) -> Bytes:
    """The picture fitted into a crop's size, with the crop marked."""
    image = Image.fromarray(picture)
    scale = CROP_PX / max(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    left, top, right, bottom = (round(at * scale) for at in (left, top, left + CROP_PX, top + CROP_PX))
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, top, right, bottom), outline=_DARK, width=3)
    draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=_PAPER)  # seen on any picture
    tile = Image.new("RGB", (CROP_PX, CROP_PX), _PAPER)
    tile.paste(image, ((CROP_PX - image.width) // 2, (CROP_PX - image.height) // 2))
    return np.asarray(tile)


def _start(side: int, share: float) -> int:
    return max(0, min(side - CROP_PX, round(side * share - CROP_PX / 2)))
