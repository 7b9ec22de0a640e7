"""The compositing equation at single pixels: what is known comes back, what is not known stays the network's."""

import numpy as np
import numpy.typing as npt
import pytest

from functions.background_removal.imaging.refine import solve

Floats = npt.NDArray[np.float32]

ALPHAS = np.linspace(0, 1, 11, dtype=np.float32)
PAIRS = [
    ((200, 60, 40), (40, 170, 60)),
    ((20, 20, 20), (235, 235, 235)),
    ((240, 200, 180), (0, 255, 0)),
    ((255, 255, 255), (0, 0, 255)),
]


def local_colors(
    foreground: tuple[int, ...], background: tuple[int, ...], doubt: float = 1e-4, trust: float = 1.0
) -> Floats:
    """One sample as the grid holds it."""
    back = np.array(background, np.float32)
    line = np.array(foreground, np.float32) - back
    slope = 1 / max(float(line @ line), 1.0)
    return np.array([*back, *line, slope, doubt, trust], np.float32)


def mixed(foreground: tuple[int, ...], background: tuple[int, ...], alpha: Floats) -> Floats:
    share = alpha[:, None]
    pixels = share * np.array(foreground, np.float32) + (1 - share) * np.array(background, np.float32)
    return pixels.astype(np.float32)


@pytest.mark.parametrize(("foreground", "background"), PAIRS)
@pytest.mark.parametrize("network", [0.1, 0.5, 0.9])
def test_where_both_colours_are_known_alpha_and_colour_come_back(
    foreground: tuple[int, ...], background: tuple[int, ...], network: float
) -> None:
    local = np.tile(local_colors(foreground, background), (len(ALPHAS), 1))
    said = np.full_like(ALPHAS, network)
    alpha, colors = solve(mixed(foreground, background, ALPHAS), said, local)
    assert np.abs(alpha - ALPHAS).max() < 0.005
    assert np.abs(colors[1:] - foreground).max() < 2


def test_in_doubt_alpha_is_the_network_s() -> None:
    local = np.tile(local_colors((200, 60, 40), (40, 170, 60), doubt=1e4), (len(ALPHAS), 1))
    alpha, _ = solve(mixed((200, 60, 40), (40, 170, 60), ALPHAS[::-1]), ALPHAS, local)
    assert np.abs(alpha - ALPHAS).max() < 1e-3


def test_the_less_doubt_the_nearer_to_the_colours_word() -> None:
    doubts = np.geomspace(1e-4, 1e2, 13)
    local = np.stack([local_colors((200, 60, 40), (40, 170, 60), doubt=doubt) for doubt in doubts])
    pixels = np.tile(mixed((200, 60, 40), (40, 170, 60), np.array([0.9], np.float32)), (len(doubts), 1))
    alpha, _ = solve(pixels, np.full(len(doubts), 0.3, np.float32), local)
    assert (np.diff(alpha) < 0).all()
    assert (alpha[0], alpha[-1]) == pytest.approx((0.9, 0.3), abs=0.01)


def test_the_surer_the_network_the_less_the_colours_move_it() -> None:
    said = np.array([0.5, 0.8, 0.95, 0.999], np.float32)
    local = np.tile(local_colors((200, 60, 40), (40, 170, 60), doubt=0.1), (len(said), 1))
    alpha, _ = solve(mixed((200, 60, 40), (40, 170, 60), np.zeros(4, np.float32)), said, local)
    assert (np.diff((said - alpha) / said) < 0).all()


def test_without_trust_colours_stay_as_they_are_seen() -> None:
    seen = mixed((200, 60, 40), (40, 170, 60), ALPHAS)
    local = np.tile(local_colors((200, 60, 40), (40, 170, 60), doubt=1e6, trust=0.0), (len(ALPHAS), 1))
    alpha, colors = solve(seen, ALPHAS, local)
    assert np.abs(alpha - ALPHAS).max() < 1e-5
    assert np.array_equal(colors, seen)


def test_an_opaque_pixel_s_colour_is_what_is_seen() -> None:
    seen = np.array([[200, 60, 40]], np.float32)
    alpha, colors = solve(seen, np.array([0.9], np.float32), local_colors((200, 60, 40), (0, 255, 0))[None])
    assert alpha == pytest.approx([1], abs=0.005)
    assert np.abs(colors - seen).max() < 1.5


def test_whatever_is_seen_alpha_and_colours_stay_in_range() -> None:
    random = np.random.default_rng(3)
    pairs = random.integers(0, 256, (4000, 2, 3)).tolist()
    local = np.stack(
        [local_colors(pair[0], pair[1], doubt=float(random.exponential()), trust=random.random()) for pair in pairs]
    )
    pixels = random.choice(np.array([0, 1, 127, 254, 255], np.float32), (4000, 3))
    alpha, colors = solve(pixels, random.random(4000, np.float32), local)
    assert alpha.min() >= 0
    assert alpha.max() <= 1 + 1e-6
    assert colors.min() >= 0
    assert colors.max() <= 255
    assert alpha.dtype == colors.dtype == np.dtype(np.float32)


def test_no_pixel_is_no_work() -> None:
    alpha, colors = solve(np.empty((0, 3), np.float32), np.empty(0, np.float32), np.empty((0, 9), np.float32))
    assert (alpha.shape, colors.shape) == ((0,), (0, 3))
