import numpy as np
import pytest

from core import overlay

SIDE = 24
GREY = np.zeros((1, 2, 8, 8), dtype=np.float32)


def waves(places_down: np.ndarray, places_right: np.ndarray) -> np.ndarray:
    """A smooth picture, read at places from -0.5 to 0.5: float32 (1, side, side)."""
    down, right = np.meshgrid(places_down, places_right, indexing="ij")
    picture = np.sin(7 * right + 2 * down) + np.cos(9 * down - 3 * right * down) + np.sin(11 * right * down + 1)
    return (128 + 30 * picture[None]).astype(np.float32)


def places(low: float = -0.5, high: float = 0.5) -> np.ndarray:
    return low + (high - low) * (np.arange(SIDE) + 0.5) / SIDE


def unlikeness(first: np.ndarray, second: np.ndarray, colours=(GREY, GREY)) -> float:
    return overlay.unlikeness((first, second), colours).item()


WHOLE = waves(places(), places())


def test_a_picture_is_like_itself():
    assert unlikeness(WHOLE, WHOLE) == pytest.approx(0, abs=1e-3)  # float32, and a limit of 0.05 below the line


@pytest.mark.parametrize("cut", [(0.05, 0, 0, 0), (0, 0.05, 0, 0), (0.05, 0.05, 0.05, 0.05), (0, 0, 0.08, 0)])
def test_a_crop_is_like_the_whole(cut):
    left, top, right, bottom = cut
    part = waves(places(-0.5 + top, 0.5 - bottom), places(-0.5 + left, 0.5 - right))
    assert unlikeness(WHOLE, part) < 0.5
    assert unlikeness(part, WHOLE) == pytest.approx(unlikeness(WHOLE, part), abs=0.05)  # as good as symmetric


def test_a_view_from_the_side_is_less_like_than_a_crop():
    beside = waves(places(-0.42, 0.58), places(-0.42, 0.58))
    assert unlikeness(WHOLE, beside) > 5


def test_another_picture_is_unlike():
    assert unlikeness(WHOLE, WHOLE[:, ::-1, ::-1].copy()) > 5


def test_brightness_may_change_and_contrast_alone_may_not():
    assert unlikeness(WHOLE, WHOLE * 0.9) < 0.1
    assert unlikeness(WHOLE, (WHOLE - 128) * 0.6 + 128) > 5


def test_other_colours_are_unlike():
    random = np.random.default_rng(1)
    red, blue = (random.normal(level, 5, GREY.shape).astype(np.float32) for level in (-30, 30))
    assert unlikeness(WHOLE, WHOLE, (red, red)) < 0.1
    assert unlikeness(WHOLE, WHOLE, (red, blue)) > 5


def test_cosines_are_orthonormal():
    assert np.allclose(overlay.cosines(SIDE, 10) @ overlay.cosines(SIDE, 10).T, np.eye(10), atol=1e-5)
