"""What is measured: a picture by name (`pictures`), and the form's fields beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

JPEG: Final = "detailed.jpg"


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `fields` are the form's text fields."""

    picture: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """`PICTURE name=value ...`: what the table and `--only` go by."""
        return " ".join([self.picture, *(f"{name}={value}" for name, value in self.fields.items())])


_INPUTS: Final = (
    JPEG,
    "progressive.jpg",
    "progressive-444.jpg",
    "cmyk.jpg",
    "progressive-cmyk.jpg",
    "display-p3.jpg",
    "orientation-6.jpg",
    "rgb.png",
    "rgba.png",
    "rgba-orientation-6.png",
    "palette.png",
    "transparent-palette.png",
    "grey-16.png",
    "flat.png",
    "lossy.webp",
    "alpha.webp",
    "lossless.webp",
    "colors.bmp",
    "two-colors.bmp",
    "runs.bmp",
)
_TURNED: Final = {"w": "9999", "h": "9999", "exact_resize": "true"}
_TRANSFORMS: Final[Sequence[Mapping[str, str]]] = (
    {"format": "png"},
    {"format": "jpeg"},
    {"format": "bmp"},
    {"mask": "true"},
    {"mask": "true", "angle": "30", "expand": "false", "format": "png"},
    {"w": "800"},
    {**_TURNED, "angle": "180", "bg_color": "#ff000080"},
    {**_TURNED, "angle": "30", "expand": "false"},
    {"angle": "30", "expand": "false"},
    {"angle": "30", "expand": "false", "bg_color": "#ff000080", "format": "png"},
    {"angle": "30", "expand": "false", "format": "bmp"},
    {"angle": "90", "bg_color": "#ff0000"},
    {"w": "9999"},
)
_TRANSPARENT_TRANSFORMS: Final[Sequence[Mapping[str, str]]] = (
    {**_TURNED, "angle": "180", "bg_color": "#ff000080"},
    {**_TURNED, "angle": "30", "expand": "false"},
    {"w": "800"},
    {"format": "bmp"},
)

CASES: Final = (
    *(Case(picture) for picture in _INPUTS),
    *(Case(JPEG, fields) for fields in _TRANSFORMS),
    *(Case("rgba.png", fields) for fields in _TRANSPARENT_TRANSFORMS),
    *(
        Case("portrait.jpg", {"w": "10000", "h": "10000", "exact_resize": "true", **turn})
        for turn in ({}, {"angle": "30", "expand": "false"})
    ),
)


def chosen(only: Sequence[str]) -> tuple[Case, ...]:
    """The cases whose title holds one of these texts; all if there are none."""
    return tuple(case for case in CASES if not only or any(text in case.title for text in only))
