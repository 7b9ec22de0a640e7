"""The composites: which there are, and how they are made. The same files on every machine with the same Pillow."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from benchmarks.quality.arrays import Bytes, composite
from benchmarks.quality.backgrounds import background
from benchmarks.quality.canvas import Canvas, Subject
from benchmarks.quality.files import whole
from benchmarks.quality.lemur import lemur
from benchmarks.quality.sample import Sample
from benchmarks.quality.subjects import SUBJECTS
from benchmarks.quality.textures import textured
from layers.model.progress import Progress

GROUP: Final = "drawn"
LEMUR_GROUP: Final = "lemur+"
LARGE, SMALL = (3000, 2250), (1200, 900)
LEMUR_LARGE, LEMUR_SMALL = (2720, 1760), (680, 440)
# Photographs and greens, reds, blacks and whites that subjects share or do not share.
DRAWN: Final = {
    "hair": ("white", "green", "gradient", "foliage"),
    "fur": ("black", "red", "grass", "motorcycle_left-blurred"),
    "bicycle": ("white", "gradient", "brick", "rocket-blurred"),
    "glass": ("gradient", "coffee-blurred"),
    "plant": ("white", "red", "gravel"),
    "bottle": ("white", "black", "foliage"),
}
LEMUR: Final = ("green", "white", "foliage", "rocket-blurred")
_JPEG: Final[Mapping[str, Any]] = {
    "format": "JPEG",
    "quality": 92,
}  # with colours at half resolution, as cameras write them
_PNG: Final[Mapping[str, Any]] = {"format": "PNG", "compress_level": 1}
_TEXTURE_LEVELS: Final = 9.0
# Raise it when what is drawn changes: the pictures are then made anew.
_VERSION: Final = "2"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One composite; `jpeg`: as a camera's file, where the sum holds but for what JPEG loses."""

    subject: str
    backdrop: str
    size: tuple[int, int]
    jpeg: bool

    @property
    def name(self) -> str:
        return f"{self.subject}-{self.backdrop}-{self.size[0]}"

    @property
    def seed(self) -> int:
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big")


def recipes() -> list[Recipe]:
    """All of them: each subject large and small in turn, every third one as JPEG."""
    pairs = [(subject, backdrop) for subject, backdrops in DRAWN.items() for backdrop in backdrops]
    drawn = [
        Recipe(subject, backdrop, (LARGE, SMALL)[index % 2], jpeg=index % 3 == 2)
        for index, (subject, backdrop) in enumerate(pairs)
    ]
    animal = [
        Recipe("lemur", backdrop, (LEMUR_LARGE, LEMUR_SMALL)[index % 2], jpeg=index == 2)
        for index, backdrop in enumerate(LEMUR)
    ]
    return drawn + animal


def composite_samples(folder: Path, photographs: Mapping[str, Path], progress: Progress) -> Iterator[Sample]:
    """Every composite, made in the folder when it is not there; without the lemur where its picture is absent."""
    for recipe in recipes():
        sample = _sample(recipe, folder)
        if not sample.picture.is_file():
            progress(f"making {recipe.name}")
            subject = _subject(recipe)
            if subject is None:
                continue
            _write(sample, recipe, subject, background(recipe.backdrop, photographs, *recipe.size, recipe.seed + 1))
        yield sample


def _sample(recipe: Recipe, folder: Path) -> Sample:
    stem = folder / _VERSION / recipe.name
    group = LEMUR_GROUP if recipe.subject == "lemur" else GROUP
    alpha, colors = stem.with_name(f"{stem.name}-alpha.png"), stem.with_name(f"{stem.name}-colors.png")
    return Sample(group, recipe.name, stem.with_name(f"{stem.name}.{'jpg' if recipe.jpeg else 'png'}"), alpha, colors)


def _subject(recipe: Recipe) -> Subject | None:
    """The subject with its texture; the lemur has its own."""
    width, height = recipe.size
    if recipe.subject == "lemur":
        return lemur(width, height)
    canvas = Canvas(width, height, recipe.seed)
    SUBJECTS[recipe.subject](canvas)
    drawn = canvas.subject()
    return Subject(textured(drawn.colors, np.random.default_rng(recipe.seed), _TEXTURE_LEVELS), drawn.alpha)


def _write(sample: Sample, recipe: Recipe, subject: Subject, behind: Bytes) -> None:
    """The picture comes last: where it is, the truth is too."""
    assert sample.alpha is not None
    assert sample.colors is not None
    pixels = composite(subject.colors, subject.alpha, behind)
    files = (
        (sample.alpha, subject.alpha, _PNG),
        (sample.colors, subject.colors, _PNG),
        (sample.picture, pixels, _JPEG if recipe.jpeg else _PNG),
    )
    for path, values, settings in files:
        with whole(path) as unfinished:
            Image.fromarray(values).save(unfinished, **settings)
