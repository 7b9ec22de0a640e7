"""Network inputs are what the manifest describes."""

import numpy as np
import pytest

from layers.model.manifest import Normalisation
from layers.model.pixels import synthetic_picture, to_input

ISNET = Normalisation("255", (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
U2NET = Normalisation("max", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_divided_by_255():
    rgb = np.array([[[0, 102, 255], [51, 0, 0]]], np.uint8)
    result = to_input(rgb, ISNET)
    assert result.shape == (1, 3, 1, 2)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[0, :, 0, 0], [-0.5, -0.1, 0.5], atol=1e-6)
    np.testing.assert_allclose(result[0, :, 0, 1], [-0.3, -0.5, -0.5], atol=1e-6)


def test_divided_by_the_largest_byte():
    result = to_input(np.full((1, 1, 3), 100, np.uint8), U2NET)
    np.testing.assert_allclose(result[0, :, 0, 0], [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])


def test_a_black_picture_is_finite():
    result = to_input(np.zeros((2, 2, 3), np.uint8), U2NET)
    np.testing.assert_allclose(result[0, :, 0, 0], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], rtol=1e-6)


@pytest.mark.parametrize("size", [16, 320])
def test_the_synthetic_picture_has_a_bright_subject_on_dark(size: int):
    rgb = synthetic_picture(size)
    assert rgb.shape == (size, size, 3)
    assert rgb.dtype == np.uint8
    assert rgb[size // 2, size // 2, 0] == 220
    assert rgb[0].max() < 80
