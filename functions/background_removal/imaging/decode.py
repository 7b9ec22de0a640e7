"""From a file's bytes to upright 8-bit sRGB pixels and, where the file has one, its own alpha."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from functions.background_removal.imaging.color import to_srgb
from functions.background_removal.imaging.inspect import open_image
from functions.background_removal.imaging.strips import strips
from rmbg.domain.geometry import Size
from rmbg.domain.pictures import ImageHeader, InvalidImage, SourceFormat

_PNG_GREY: Final = 0

# EXIF 2.32, tag 0x0112: what has to be done to show the picture upright.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(slots=True)
class Picture:
    """A decoded picture: `rgb` in mode RGB (sRGB), `alpha` in mode L and of the same size, None if it is opaque."""

    rgb: Image.Image
    alpha: Image.Image | None = None

    @property
    def size(self) -> Size:
        return Size(*self.rgb.size)

    def used_up(self) -> "Picture":
        """The same picture; this one is empty from now on, so that nobody holds its pixels by holding on to it."""
        taken = Picture(self.rgb, self.alpha)
        self.rgb, self.alpha = Image.new("RGB", (0, 0)), None
        return taken


def decode(data: bytes, header: ImageHeader, least: Size | None = None) -> Picture:
    """Decode the first picture of a file completely, upright.

    A JPEG may come out smaller, by a half, a quarter or an eighth, when no side gets shorter than `least` tells.
    Raises InvalidImage if the data are cut short or broken.
    """
    picture = _stored_picture(data, header, least)
    upright = _UPRIGHT.get(header.orientation)
    if upright is not None:
        picture.rgb = picture.rgb.transpose(upright)
        picture.alpha = picture.alpha and picture.alpha.transpose(upright)
    # Pixels alone go on: what Pillow notes beside them (a profile that no longer fits) it would write out again.
    for part in (picture.rgb, picture.alpha):
        if part is not None:
            part.info = {}
    return picture


def _stored_picture(data: bytes, header: ImageHeader, least: Size | None) -> Picture:
    """The picture as it lies in the file. What its decoder holds is free again afterwards."""
    image: Image.Image = open_image(data, header.format)
    if least is not None:
        # libjpeg computes fewer points of each block then, but reads all of the data nevertheless.
        image.draft(image.mode, least.transposed if header.is_turned else least)
    if header.format is SourceFormat.PNG:
        _scale_transparent_color(image, data)
    try:
        image.load()
        profile = image.info.get("icc_profile")
        image, alpha = _split_alpha(_eight_bit(image))
        rgb = to_srgb(image, profile if isinstance(profile, bytes) else None)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever bad bytes lead them to
        raise InvalidImage("data do not decode completely") from error
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    return Picture(rgb, alpha)


def _scale_transparent_color(image: Image.Image, data: bytes) -> None:
    """Bring a PNG's tRNS to the 8 bits of the decoded pixels, with which Pillow compares its raw samples.

    Grey of 2 and 4 bits is spread over 0 to 255, 16-bit RGB loses its low bytes (PNG, third edition, 11.3.2.1; bit
    depth and colour type are bytes 24 and 25 of the file, in IHDR).
    """
    transparent = image.info.get("transparency")
    bit_depth, color_type = data[24], data[25]
    if isinstance(transparent, int) and color_type == _PNG_GREY and bit_depth in {2, 4}:
        image.info["transparency"] = transparent % (1 << bit_depth) * 255 // ((1 << bit_depth) - 1)
    elif isinstance(transparent, tuple) and bit_depth == 16:
        image.info["transparency"] = tuple(sample >> 8 for sample in transparent)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits, its transparent level to alpha; Pillow decodes every other mode to 8 bits."""
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image)
    grey = Image.fromarray((levels >> 8).astype(np.uint8), "L")
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    alpha = Image.fromarray((levels != transparent) * np.uint8(255), "L")
    return Image.merge("LA", (grey, alpha))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Take a picture apart into L, RGB or CMYK, which keep the colours of its profile, and its alpha."""
    if image.mode in {"LA", "RGBA"}:
        return image.convert("L" if image.mode == "LA" else "RGB"), image.getchannel("A")
    if image.has_transparency_data:
        alpha = _alpha_of_transparent_colors(image)
        del image.info["transparency"]
        return image if image.mode == "RGB" else image.convert("RGB"), alpha
    if image.mode in {"L", "RGB", "CMYK"}:
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _alpha_of_transparent_colors(image: Image.Image) -> Image.Image:
    """The alpha of a picture that has none, but a colour or palette entries that are transparent."""
    alpha = Image.new("L", image.size)
    for box in strips(image.size):
        alpha.paste(image.crop(box).convert("RGBA").getchannel("A"), box)
    return alpha
