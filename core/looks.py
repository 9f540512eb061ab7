"""Looks: how bright, how rich in contrast and how sharp a picture is, as numbers that hold at every size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

LONGEST_SIDE = 128
DEEPEST = 127.5  # the largest standard deviation of values from 0 to 255: half of them at either end
POWERS = np.arange(256.0)[:, None] ** [1, 2]  # each level and its square
# What rounding and JPEG leave of the variance of a Laplacian where a blur has taken everything, in the finest details
# and in those twice as large: without it their ratio would be that of a sharp photo.
GRAIN, QUIET = 5.0, 1.0


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


def looks_of(images: Sequence[Image.Image]) -> list[Look]:
    """Measures how pictures look; those of the same size are measured together, which is quicker.

    Large pictures are made small first, so that all are looked at from the same distance. Sharpness compares the
    finest details with those twice as large: in a photo both are about as strong at whatever size it is shown, a blur
    takes the finest ones away.

    Args:
        images: Upright, RGB, of any size.

    Source: variance of the Laplacian, Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy";
        divided by that of half the size because natural images are alike at all scales, Field 1987,
        doi:10.1364/JOSAA.4.002379.
    """
    small = [_made_small(image) for image in images]
    places: dict[tuple[int, int], list[int]] = {}
    for place, image in enumerate(small):
        places.setdefault(image.size, []).append(place)
    looks: dict[int, Look] = {}
    for same in places.values():
        looks |= zip(same, _looks_of_same_size([small[place] for place in same]), strict=True)
    return [looks[place] for place in range(len(small))]


def _looks_of_same_size(images: list[Image.Image]) -> list[Look]:
    gray = np.stack([np.asarray(image.convert("L")) for image in images]).astype(np.float32)
    brightness = gray.mean(axis=(1, 2)) / 255
    contrast = _spread(images) / DEEPEST
    sharpness = ((_roughness(gray) - GRAIN) / (_roughness(_halved(gray)) + QUIET)).clip(0, 1)
    return [Look(*values) for values in np.stack([brightness, contrast, sharpness], axis=1).tolist()]


def _made_small(image: Image.Image) -> Image.Image:
    scale = LONGEST_SIDE / max(image.size)
    if scale >= 1:
        return image
    return image.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))), Image.Resampling.BOX)


def _spread(images: list[Image.Image]) -> np.ndarray:
    """The largest standard deviation among the three colours of each picture, all of the same size, (pictures,)."""
    counts = np.array([image.histogram() for image in images], dtype=np.float64).reshape(-1, 3, len(POWERS))
    means, squares = np.moveaxis(counts @ POWERS / (images[0].width * images[0].height), -1, 0)
    return np.sqrt(np.maximum(0.0, (squares - means**2).max(axis=1)))


def _roughness(gray: np.ndarray) -> np.ndarray:
    """The variance of the Laplacian of pictures (pictures, height, width); 0 where there is nothing to compare."""
    if min(gray.shape[1:]) < 3:
        return np.zeros(len(gray), np.float32)
    sides = gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:]
    laplacian = (4 * gray[:, 1:-1, 1:-1] - sides).reshape(len(gray), -1)
    squares = np.einsum("ij,ij->i", laplacian, laplacian) / laplacian.shape[1]
    return np.maximum(0, squares - laplacian.mean(axis=1) ** 2)


def _halved(gray: np.ndarray) -> np.ndarray:
    """Means of squares of two by two; a last odd row or column is left out."""
    even = gray[:, : gray.shape[1] // 2 * 2, : gray.shape[2] // 2 * 2]
    rows = even[:, ::2] + even[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) / 4
