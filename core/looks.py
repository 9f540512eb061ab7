"""Looks: how bright, how rich in contrast and how sharp a picture is, as numbers that hold at every size."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

LONGEST_SIDE = 128
DEEPEST = 127.5  # the largest standard deviation of values from 0 to 255: half of them at either end
MIDDLE = 128
QUIET = 1.0  # what rounding to whole values adds to the variance of a Laplacian; keeps the ratio of two calm


@dataclass(frozen=True)
class Look:
    """What a picture looks like at a glance.

    Attributes:
        brightness: 0 for black to 1 for white.
        contrast: 0 for a single colour to 1 for half black and half white.
        sharpness: 0 for blurred to 1 for details as strong as a picture can hold them; most photos lie around 0.6.
    """

    brightness: float
    contrast: float
    sharpness: float


def look_of(image: Image.Image) -> Look:
    """Measures how a picture looks.

    Large pictures are made small first, so that all are looked at from the same distance. Sharpness compares the
    finest details with those twice as large: in a photo both are about as strong at whatever size it is shown, a blur
    takes the finest ones away.

    Args:
        image: Upright, RGB, of any size.

    Source: variance of the Laplacian, Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy";
        divided by that of half the size because natural images are alike at all scales, Field 1987,
        doi:10.1364/JOSAA.4.002379.
    """
    small = _made_small(image)
    gray = np.asarray(small.convert("L"), dtype=np.float32)
    return Look(
        brightness=float(gray.mean()) / 255,
        contrast=_spread(small) / DEEPEST,
        sharpness=min(1.0, _roughness(gray) / (_roughness(_halved(gray)) + QUIET)),
    )


def _made_small(image: Image.Image) -> Image.Image:
    scale = LONGEST_SIDE / max(image.size)
    if scale >= 1:
        return image
    return image.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))), Image.Resampling.BOX)


def _spread(image: Image.Image) -> float:
    """The largest standard deviation among the three colours."""
    colors = np.asarray(image, dtype=np.float32).reshape(-1, 3) - MIDDLE  # around 0, where sums of squares stay exact
    means = np.ones(len(colors), np.float32) @ colors / len(colors)
    variances = (colors.T @ colors).diagonal() / len(colors) - means**2
    return float(np.sqrt(max(0.0, variances.max())))


def _roughness(gray: np.ndarray) -> float:
    """The variance of the Laplacian of (height, width); 0 where there is nothing to compare."""
    if min(gray.shape) < 3:
        return 0.0
    sides = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    laplacian = (4 * gray[1:-1, 1:-1] - sides).ravel()
    return float(laplacian @ laplacian) / laplacian.size - float(laplacian.mean()) ** 2


def _halved(gray: np.ndarray) -> np.ndarray:
    """Means of squares of two by two; a last odd row or column is left out."""
    even = gray[: len(gray) // 2 * 2, : gray.shape[1] // 2 * 2]
    rows = even[::2] + even[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) / 4
