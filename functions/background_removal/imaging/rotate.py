"""Rotation about the centre, in tiles of the result: the source is read where it lies, and nothing is copied whole."""

import math
from collections.abc import Iterator
from typing import Final

from PIL import Image

from functions.background_removal.imaging.strips import strips
from rmbg.domain.geometry import Geometry, Size

_QUARTER_TURNS: Final = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_OPAQUE_AGAIN: Final = [*range(254), 255, 255]
# What a tile needs of the source then fits the processor's cache, however it is turned.
TILE_PX: Final = 512
# The bicubic filter's, and one for rounding.
_REACH_PX: Final = 3

Box = tuple[int, int, int, int]
Matrix = tuple[float, float, float, float, float, float]


def rotated(image: Image.Image, geometry: Geometry) -> Image.Image:
    """Turn an L or RGBA image counter-clockwise about its centre onto the canvas; what it leaves uncovered is 0."""
    if geometry.quarter_turns is not None:
        return _quarter_turned(image, geometry.quarter_turns, geometry.canvas)
    canvas = Image.new(image.mode, geometry.canvas)
    matrix = _rotation_matrix(Size(*image.size), geometry.canvas, geometry.angle_degrees)
    for tile in _tiles(geometry.canvas):
        source = _needed(tile, matrix, Size(*image.size))
        if source is not None:
            canvas.paste(_turned(image, source, tile, matrix), tile)
    return canvas


def _turned(image: Image.Image, source: Box, tile: Box, matrix: Matrix) -> Image.Image:
    """A tile of the canvas, made from a part of the image."""
    # Beyond the image crop gives 0: that lets the filter smooth its border, too.
    part = image.crop(source)
    if image.mode == "RGBA":
        part = part.convert("RGBa")
    across_x, down_x, x, across_y, down_y, y = matrix
    local = (
        across_x,
        down_x,
        x + across_x * tile[0] + down_x * tile[1] - source[0],
        across_y,
        down_y,
        y + across_y * tile[0] + down_y * tile[1] - source[1],
    )
    size = (tile[2] - tile[0], tile[3] - tile[1])
    turned = part.transform(size, Image.Transform.AFFINE, local, Image.Resampling.BICUBIC)
    # Pillow's filter truncates: of 255 all around, 254 may be left.
    if image.mode != "RGBA":
        return turned.point(_OPAQUE_AGAIN)
    turned = turned.convert("RGBA")
    turned.putalpha(turned.getchannel("A").point(_OPAQUE_AGAIN))
    return turned


def _needed(tile: Box, matrix: Matrix, image: Size) -> Box | None:
    """The part of an image that shows in a tile, with a frame of one pixel around the image; None if there is none."""
    across_x, down_x, x, across_y, down_y, y = matrix
    corners = [(column, row) for column in (tile[0], tile[2]) for row in (tile[1], tile[3])]
    xs = [across_x * column + down_x * row + x for column, row in corners]
    ys = [across_y * column + down_y * row + y for column, row in corners]
    left, top = max(math.floor(min(xs)) - _REACH_PX, -1), max(math.floor(min(ys)) - _REACH_PX, -1)
    right = min(math.ceil(max(xs)) + _REACH_PX, image.width + 1)
    bottom = min(math.ceil(max(ys)) + _REACH_PX, image.height + 1)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _rotation_matrix(source: Size, canvas: Size, angle_degrees: float) -> Matrix:
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


def _tiles(size: Size) -> Iterator[Box]:
    for top in range(0, size.height, TILE_PX):
        for left in range(0, size.width, TILE_PX):
            yield left, top, min(left + TILE_PX, size.width), min(top + TILE_PX, size.height)


def _quarter_turned(image: Image.Image, turns: int, canvas_size: Size) -> Image.Image:
    """Lossless; centred on the canvas, which may cut what was turned by an odd number of quarters."""
    turn = _QUARTER_TURNS.get(turns)
    if turn is None:
        return image
    size = Size(*image.size).transposed if turns % 2 else Size(*image.size)
    if size == canvas_size:
        return image.transpose(turn)
    canvas = Image.new(image.mode, canvas_size)
    left, top = (canvas.width - size.width) // 2, (canvas.height - size.height) // 2
    for box in strips(image.size):
        column = box[1] if turn is Image.Transpose.ROTATE_90 else image.height - box[3]
        canvas.paste(image.crop(box).transpose(turn), (left + column, top))
    return canvas
