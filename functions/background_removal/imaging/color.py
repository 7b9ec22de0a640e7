"""Colours to sRGB by the profile that a picture carries (ICC.1), as a colour-managed viewer would show them."""

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

_PROFILE_SPACE: Final = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
# A profile that moves no colour by more than this is sRGB under another name.
_INVISIBLE_LEVELS: Final = 2
_PROBE_LEVELS: Final = 17


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image of mode L, RGB or CMYK to RGB in sRGB; one that is RGB already is changed in place.

    A profile that is missing, broken or made for another colour space is passed over.
    """
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        # convert() copies even what needs no conversion: 48 MB of a picture of 12 megapixels
        return image if image.mode == "RGB" else image.convert("RGB")
    return transform.apply_in_place(image) if image.mode == "RGB" else transform.apply(image)


def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform | None":
    """The way from a profile's colours to sRGB; None where there is none or it would change nothing."""
    from PIL import ImageCms  # only pictures with a profile pay for its import

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACE[mode]:
            return None
        intent = ImageCms.Intent(source.profile.rendering_intent)
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", intent)
        if mode == "RGB" and _changes_nothing(transform):
            return None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform


def _changes_nothing(transform: "ImageCms.ImageCmsTransform") -> bool:
    """Whether a transform leaves a lattice of colours where they are: most pictures, spared a pass over the pixels."""
    axis = np.linspace(0, 255, _PROBE_LEVELS).astype(np.uint8)
    lattice = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(_PROBE_LEVELS, -1, 3)
    moved = np.asarray(transform.apply(Image.fromarray(lattice)))
    return int(np.abs(moved.astype(np.int16) - lattice).max()) <= _INVISIBLE_LEVELS
