"""Edges whose truth is known come out sharper than the network's matte, and nothing but the edge is touched."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from functions.background_removal.imaging import refine as module
from functions.background_removal.imaging.refine import TILE_PX, refine
from functions.background_removal.imaging.segment import Segmentation
from tests.unit.imaging.edges import MEADOW, RUST, Edge, disc_edge, edge_of, ellipse

Levels = npt.NDArray[np.int_]

SIZES = [(900, 700), (320, 320), (200, 150), (1200, 90), (60, 800)]


def refined(edge: Edge) -> tuple[Levels, Levels]:
    """Alpha (rows, columns) and colours (rows, columns, 3)."""
    rgb = edge.picture.copy()
    alpha = refine(rgb, edge.segmentation)
    assert (alpha.mode, alpha.size, rgb.mode) == ("L", edge.picture.size, "RGB")
    return np.asarray(alpha).astype(int), np.asarray(rgb).astype(int)


def error(alpha: npt.NDArray[np.generic], edge: Edge) -> float:
    """Mean distance from the truth in the band, in levels."""
    return float(np.abs(alpha.astype(float) - edge.alpha)[edge.band].mean())


@pytest.mark.parametrize("side", [320, 1024])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_hard_edge_comes_out_hard(width: int, height: int, side: int) -> None:
    edge = disc_edge(width, height, side=side)
    alpha, _ = refined(edge)
    assert error(alpha, edge) < error(edge.bilinear, edge) / 5


@pytest.mark.parametrize("background", [MEADOW, (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_edge_has_the_subject_s_colour(width: int, height: int, background: tuple[int, int, int]) -> None:
    edge = disc_edge(width, height, background=background)
    alpha, colors = refined(edge)
    visible = edge.band & (alpha > 64)
    assert visible.any()
    off = np.abs(colors[visible] - RUST).max(axis=1)
    before = np.abs(np.asarray(edge.picture)[visible].astype(int) - RUST).max(axis=1)
    assert off.mean() < before.mean() / 3
    assert np.percentile(off, 95) <= 24


def test_noise_as_a_photograph_has_it_leaves_the_edge_sharp() -> None:
    random = np.random.default_rng(5)
    noise = random.normal(0, 4, (2, 500, 600, 3))
    edge = edge_of(
        ellipse(600, 500), (np.array(RUST) + noise[0]).clip(0, 255), (np.array(MEADOW) + noise[1]).clip(0, 255)
    )
    alpha, _ = refined(edge)
    assert error(alpha, edge) < error(edge.bilinear, edge) / 3


def test_colours_that_change_along_the_edge_are_followed() -> None:
    ramp = np.linspace(0, 1, 600)[None, :, None]
    foreground = (1 - ramp) * RUST + ramp * np.array((230, 220, 60)) + np.zeros((500, 1, 3))
    background = (1 - ramp) * MEADOW + ramp * np.array((20, 40, 120)) + np.zeros((500, 1, 3))
    edge = edge_of(ellipse(600, 500), foreground, background)
    alpha, colors = refined(edge)
    assert error(alpha, edge) < error(edge.bilinear, edge) / 3
    visible = edge.band & (alpha > 64)
    assert np.abs(colors - foreground)[visible].mean() < 8


@pytest.mark.parametrize("color", [(128, 128, 128), (0, 0, 0), (255, 255, 255), RUST])
def test_a_subject_of_its_background_s_colour_keeps_the_network_s_matte(color: tuple[int, int, int]) -> None:
    edge = disc_edge(600, 500, color, color)
    alpha, colors = refined(edge)
    assert np.abs(alpha - edge.bilinear).max() <= 5
    assert np.abs(colors - color)[alpha > 0].max() <= 1


@pytest.mark.parametrize("contrast", [0, 1, 2, 3, 5, 10, 20, 40])
def test_under_noise_as_strong_as_the_contrast_hardly_anything_gets_worse(contrast: int) -> None:
    random = np.random.default_rng(contrast)
    noise = random.normal(0, 3, (2, 500, 600, 3))
    edge = edge_of(ellipse(600, 500), 128 + contrast + noise[0], 128 + noise[1])
    alpha, _ = refined(edge)
    assert error(alpha, edge) < error(edge.bilinear, edge) * (1.06 if contrast < 5 else 0.9)


def test_a_wide_area_of_which_the_network_is_unsure_stays_its_word() -> None:
    matte = np.zeros((320, 320), np.uint8)
    matte[:, 310:] = 255
    matte[:, :200] = 128
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8))
    rgb = picture.copy()
    alpha = np.asarray(refine(rgb, Segmentation(matte, picture.resize((320, 320)))))
    assert (alpha[:, :100] == 128).all()
    assert np.array_equal(np.asarray(rgb)[:, :100], np.asarray(picture)[:, :100])


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (1, 700), (700, 1), (3, 10_000), (10_000, 3)])
def test_the_narrowest_pictures(size: tuple[int, int]) -> None:
    for edge in (disc_edge(*size), disc_edge(*size, side=1024)):
        alpha, colors = refined(edge)
        assert (colors[alpha == 0] == 0).all()
        assert (alpha[edge.surely_opaque] == 255).all()
        assert (alpha[edge.surely_empty] == 0).all()


@pytest.mark.parametrize("width", [TILE_PX - 1, TILE_PX, TILE_PX + 1, 2 * TILE_PX + 1])
@pytest.mark.parametrize("height", [TILE_PX - 1, TILE_PX, TILE_PX + 1])
def test_sides_around_a_tile_s(width: int, height: int) -> None:
    edge = disc_edge(width, height)
    alpha, _ = refined(edge)
    assert error(alpha, edge) < error(edge.bilinear, edge) / 5
    assert (alpha[edge.surely_opaque] == 255).all()
    assert (alpha[edge.surely_empty] == 0).all()


@pytest.mark.parametrize("tile_px", [100, 177, 4096])
@pytest.mark.parametrize("side", [320, 1024])
def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch, tile_px: int, side: int) -> None:
    if side > 4 * tile_px:  # a view so much finer than a tile does not occur
        tile_px = side // 4
    random = np.random.default_rng(2)
    noise = random.normal(0, 6, (2, 640, 700, 3))
    edge = edge_of(
        ellipse(700, 640, 0.95),
        (np.array(RUST) + noise[0]).clip(0, 255),
        (np.array(MEADOW) + noise[1]).clip(0, 255),
        side,
    )
    usual = refined(edge)
    monkeypatch.setattr(module, "TILE_PX", tile_px)
    other = refined(edge)
    # Rounding decides between 254, which is solved, and 255, which is not: tens of pixels, anywhere.
    compared = (edge.bilinear > 1) & (edge.bilinear < 254)
    assert compared.sum() > 10_000
    assert np.abs(usual[0] - other[0])[compared].max() <= 1
    assert np.abs(usual[1] - other[1])[compared & (usual[0] > 0) & (other[0] > 0)].max() <= 1
    assert (np.abs(usual[0] - other[0]) > 1).sum() < 50


@pytest.mark.parametrize("size", [(700, 300), (40, 30), (1, 1)])
def test_an_empty_matte_leaves_nothing(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, RUST)
    alpha = refine(picture, Segmentation(np.zeros((320, 320), np.uint8), picture.resize((320, 320))))
    assert alpha.getextrema() == (0, 0)
    assert picture.getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("size", [(700, 300), (40, 30), (1, 1)])
def test_an_opaque_matte_leaves_the_picture_byte_for_byte(size: tuple[int, int]) -> None:
    picture = Image.fromarray(np.random.default_rng(4).integers(0, 256, (size[1], size[0], 3), np.uint8))
    before = picture.tobytes()
    alpha = refine(picture, Segmentation(np.full((320, 320), 255, np.uint8), picture.resize((320, 320))))
    assert alpha.getextrema() == (255, 255)
    assert picture.tobytes() == before


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_only_the_band_is_touched_and_hidden_colours_are_0(width: int, height: int) -> None:
    edge = edge_of(ellipse(width, height), np.random.default_rng(6).integers(0, 256, (height, width, 3)).astype(float))
    alpha, colors = refined(edge)
    opaque, empty = edge.surely_opaque, edge.surely_empty
    assert opaque.any()
    assert empty.any()
    assert (alpha[opaque] == 255).all()
    assert np.array_equal(colors[opaque], np.asarray(edge.picture)[opaque])
    assert (alpha[empty] == 0).all()
    assert (colors[alpha == 0] == 0).all()


def test_the_segmentation_stays_as_it_was_and_the_same_comes_out_again() -> None:
    edge = disc_edge(500, 400)
    matte, view = edge.segmentation.matte.copy(), edge.segmentation.view.tobytes()
    first, second = refined(edge), refined(edge)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert np.array_equal(edge.segmentation.matte, matte)
    assert edge.segmentation.view.tobytes() == view


def test_what_is_transparent_in_the_picture_is_nobody_s_colour() -> None:
    """The view shows mid-grey there: taken for the background, it would tint the edge."""
    edge = disc_edge(400, 400)
    view = np.array(edge.segmentation.view)
    opaque = np.full((320, 320), 255, np.uint8)
    hidden = np.hypot(*(np.mgrid[:320, :320] - 159.5)) > 110  # the disc ends at 96
    opaque[hidden] = 0
    view[hidden] = 128
    told = Segmentation(edge.segmentation.matte, Image.fromarray(view), opaque)
    alpha, colors = refined(Edge(edge.picture, edge.alpha, told))
    assert error(alpha, edge) < error(edge.bilinear, edge) / 5
    visible = edge.band & (alpha > 64)
    assert np.abs(colors[visible] - RUST).mean() < 4
