"""From picture and matte to the result: resized, rotated, on its background."""

from typing import Final

from PIL import Image, ImageChops

from functions.background_removal.imaging.decode import Picture
from functions.background_removal.imaging.refine import refine
from functions.background_removal.imaging.resize import resized, resized_picture
from functions.background_removal.imaging.rotate import rotated
from functions.background_removal.imaging.segment import Segmentation
from functions.background_removal.imaging.strips import strips
from rmbg.domain.colors import RGBA
from rmbg.domain.geometry import Geometry, Size
from rmbg.domain.options import Options

_WHITE: Final = RGBA(255, 255, 255)
_OPAQUE: Final = 255
# Intermediate box reduction before the filter: three times the target loses nothing that can be seen.
_REDUCING_GAP: Final = 3.0


def render(picture: Picture, segmentation: Segmentation, geometry: Geometry, options: Options) -> Image.Image:
    """Resize, then rotate, then lay over the background (CONTRACT: order of work).

    The picture is used up, so that no more than two of its size are in memory at a time. The result has mode L (a
    mask), RGB (on an opaque background) or RGBA, not premultiplied, with colours of 0 where alpha is 0.
    """
    picture_size = picture.size
    image = _cut_out(picture.used_up(), segmentation, geometry.resized)
    if options.mask:
        image = image.getchannel("A")
    image = rotated(image, geometry)
    if image.mode == "RGBA" and _is_filtered(picture_size, geometry):
        zero_hidden_colors(image)
    background = None if options.mask else _background(options)
    return image if background is None else _over(image, background)


def _cut_out(picture: Picture, segmentation: Segmentation, size: Size) -> Image.Image:
    """The subject alone, RGBA of the resized size.

    Edges are refined at the smaller of the two sizes: there is nothing to be seen between the pixels of a picture, and
    nothing to be shown between those of the result.
    """
    resample = _filter(picture.size, size)
    if size.width * size.height < picture.size.width * picture.size.height:
        return _refined(resized_picture(picture, size, resample, _REDUCING_GAP), segmentation)
    return resized(_refined(picture, segmentation), size, resample, _REDUCING_GAP)


def _is_filtered(source: Size, geometry: Geometry) -> bool:
    """Whether alpha and colours were rounded apart from each other: one may be 0 where the others are not."""
    return source != geometry.resized or geometry.quarter_turns is None


def _filter(source: Size, size: Size) -> Image.Resampling:
    enlarging = size.width >= source.width and size.height >= source.height
    return Image.Resampling.BICUBIC if enlarging else Image.Resampling.LANCZOS


def _refined(picture: Picture, segmentation: Segmentation) -> Image.Image:
    """RGBA: the picture's own pixels, changed in place."""
    rgb = picture.rgb
    alpha = refine(rgb, segmentation)
    if picture.alpha is not None:
        alpha = ImageChops.multiply(alpha, picture.alpha)
    rgb.putalpha(alpha)
    if picture.alpha is not None:
        zero_hidden_colors(rgb)
    return rgb


def zero_hidden_colors(image: Image.Image) -> None:
    """Zero the colours of an RGBA image under alpha 0, in place: they would betray the background.

    The mask has mode 1: pasting through one of mode L blends each pixel, thirty times slower.
    """
    for box in strips(image.size):
        hidden = image.crop(box).getchannel("A").point([255, *[0] * 255], "1")
        image.paste((0, 0, 0, 0), box, hidden)


def _background(options: Options) -> RGBA | None:
    """What lies behind the subject; None for nothing."""
    color = options.bg_color
    if color is not None and color.alpha == 0:
        color = None
    if not options.format.has_alpha:
        return _WHITE if color is None else _over_white(color)
    return color


def _over_white(color: RGBA) -> RGBA:
    alpha = color.alpha
    red, green, blue = ((channel * alpha + 255 * (255 - alpha) + 127) // 255 for channel in color[:3])
    return RGBA(red, green, blue)


def _over(subject: Image.Image, background: RGBA) -> Image.Image:
    """Composite an RGBA subject over a colour: RGB if the colour is opaque, else the subject's own pixels, changed."""
    if background.alpha == _OPAQUE:
        canvas = Image.new("RGB", subject.size, background[:3])
        canvas.paste(subject, mask=subject)
        return canvas
    for box in strips(subject.size):
        strip = subject.crop(box)
        subject.paste(Image.alpha_composite(Image.new("RGBA", strip.size, background), strip), box)
    return subject
