"""Cells are squares of pixels, about as many to a side whatever the network's: means, maxima, and back."""

import numpy as np
import pytest

from functions.background_removal.imaging.cells import cell_maxima, cell_means, cell_px, spread


@pytest.mark.parametrize(("side", "pixels"), [(32, 1), (320, 1), (511, 1), (512, 2), (768, 3), (1024, 4)])
def test_cells_are_about_the_same_part_of_every_view(side: int, pixels: int) -> None:
    assert cell_px(side) == pixels


@pytest.mark.parametrize("side", [32, 320, 512, 1024])
def test_means_and_maxima_of_each_cell(side: int) -> None:
    plane = np.random.default_rng(1).integers(0, 256, (side, side), np.uint8)
    pixels = cell_px(side)
    cells = plane.reshape(side // pixels, pixels, side // pixels, pixels)
    means, maxima = cell_means(plane), cell_maxima(plane)
    assert np.allclose(means, cells.mean(axis=(1, 3)))
    assert np.array_equal(maxima, cells.max(axis=(1, 3)))
    assert means.dtype == np.dtype(np.float32)
    assert maxima.dtype == np.dtype(np.uint8)


@pytest.mark.parametrize("side", [320, 1024])
def test_a_cell_of_white_does_not_overflow(side: int) -> None:
    assert (cell_means(np.full((side, side), 255, np.uint8)) == 255).all()


@pytest.mark.parametrize("side", [320, 1024])
def test_spread_fills_the_pixels_of_a_cell(side: int) -> None:
    count = side // cell_px(side)
    cells = np.random.default_rng(2).random((count, count)) < 0.5
    pixels = spread(cells, side)
    assert pixels.shape == (side, side)
    assert np.array_equal(cell_maxima(pixels.astype(np.uint8)), cells)
    assert np.array_equal(cell_means(pixels.astype(np.uint8)), cells)
