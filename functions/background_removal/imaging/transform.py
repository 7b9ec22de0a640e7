"""From picture and matte to the result: resized, rotated, on its background."""

import math

from PIL import Image, ImageChops

from functions.background_removal.imaging.decode import Picture
from functions.background_removal.imaging.refine import refine
from functions.background_removal.imaging.segment import Segmentation
from rmbg.domain.colors import RGBA
from rmbg.domain.geometry import Geometry, Size
from rmbg.domain.options import Options

_WHITE = RGBA(255, 255, 255)
_QUARTER_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_OPAQUE_AGAIN = [*range(254), 255, 255]
# Intermediate box reduction before the filter: three times the target loses nothing that can be seen.
_REDUCING_GAP = 3.0


def render(picture: Picture, segmentation: Segmentation, geometry: Geometry, options: Options) -> Image.Image:
    """Resize, then rotate, then lay over the background (CONTRACT: order of work).

    The picture is used up: its pixels become the result's, rather than being copied. The result has mode L (a mask),
    RGB (on an opaque background) or RGBA, not premultiplied, with colours of 0 where alpha is 0.
    """
    cut_out = _cut_out(picture, segmentation, geometry.resized)
    if options.mask:
        return _rotated(cut_out.getchannel("A"), geometry)
    subject = _rotated(cut_out, geometry)
    background = _background(options)
    return subject if background is None else _over(subject, background)


def _cut_out(picture: Picture, segmentation: Segmentation, size: Size) -> Image.Image:
    """The subject alone, RGBA of the resized size.

    Edges are refined at the smaller of the two sizes: there is nothing to be seen between the pixels of a picture, and
    nothing to be shown between those of the result.
    """
    if size.width * size.height < picture.rgb.width * picture.rgb.height:
        return _refined(_resized_picture(picture, size), segmentation)
    return _resized(_refined(picture, segmentation), size)


def _refined(picture: Picture, segmentation: Segmentation) -> Image.Image:
    rgb = picture.rgb
    alpha = refine(rgb, segmentation)
    if picture.alpha is not None:
        alpha = ImageChops.multiply(alpha, picture.alpha)
    rgb.putalpha(alpha)
    if picture.alpha is not None:
        zero_hidden_colors(rgb)
    return rgb


def _resized_picture(picture: Picture, size: Size) -> Picture:
    if picture.alpha is None:
        return Picture(_resized(picture.rgb, size))
    # Resized with its own alpha: colours under transparent pixels must not bleed into the subject's edge.
    whole = _resized(Image.merge("RGBA", (*picture.rgb.split(), picture.alpha)), size)
    return Picture(whole.convert("RGB"), whole.getchannel("A"))


def zero_hidden_colors(image: Image.Image) -> None:
    """Zero the colours of an RGBA image under alpha 0, in place: they would betray the background.

    The mask has mode 1: pasting through one of mode L blends each pixel, thirty times slower.
    """
    hidden = image.getchannel("A").point([255, *[0] * 255], "1")
    image.paste((0, 0, 0, 0), mask=hidden)


def _resized(image: Image.Image, size: Size) -> Image.Image:
    if image.size == size:
        return image
    enlarging = size.width >= image.width and size.height >= image.height
    resample = Image.Resampling.BICUBIC if enlarging else Image.Resampling.LANCZOS
    return image.resize(size, resample, reducing_gap=_REDUCING_GAP)


def _rotated(image: Image.Image, geometry: Geometry) -> Image.Image:
    """Turn an L or RGBA image counter-clockwise about its centre; what it leaves uncovered is 0."""
    if geometry.quarter_turns is not None:
        return _quarter_turned(image, geometry)
    # A frame of nothing lets the filter smooth the picture's own border, not only what is inside of it.
    mode = "RGBa" if image.mode == "RGBA" else image.mode
    framed = Image.new(mode, (image.width + 2, image.height + 2))
    framed.paste(image.convert(mode), (1, 1))
    turned = framed.transform(
        geometry.canvas,
        Image.Transform.AFFINE,
        _rotation_matrix(Size(*framed.size), geometry.canvas, geometry.angle_degrees),
        Image.Resampling.BICUBIC,
    )
    turned = turned.convert(image.mode)
    # Pillow's filter truncates: of 255 all around, 254 may be left.
    alpha = (turned.getchannel("A") if turned.mode == "RGBA" else turned).point(_OPAQUE_AGAIN)
    if turned.mode == "RGBA":
        turned.putalpha(alpha)
        return turned
    return alpha


def _rotation_matrix(source: Size, canvas: Size, angle_degrees: float) -> tuple[float, ...]:
    """Pillow's affine data: where each point of the canvas comes from, centre to centre, y pointing down."""
    radians = math.radians(angle_degrees)
    cos, sin = math.cos(radians), math.sin(radians)
    x, y = canvas.width / 2, canvas.height / 2
    return (
        cos,
        -sin,
        source.width / 2 - cos * x + sin * y,
        sin,
        cos,
        source.height / 2 - sin * x - cos * y,
    )


def _quarter_turned(image: Image.Image, geometry: Geometry) -> Image.Image:
    turn = _QUARTER_TURNS.get(geometry.quarter_turns or 0)
    turned = image if turn is None else image.transpose(turn)
    if turned.size == geometry.canvas:
        return turned
    canvas = Image.new(turned.mode, geometry.canvas)
    canvas.paste(turned, ((canvas.width - turned.width) // 2, (canvas.height - turned.height) // 2))
    return canvas


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
    """Composite an RGBA subject over a colour: RGB if the colour is opaque, else RGBA."""
    if background.alpha == 255:
        canvas = Image.new("RGB", subject.size, background[:3])
        canvas.paste(subject, mask=subject)
        return canvas
    return Image.alpha_composite(Image.new("RGBA", subject.size, background), subject)
