"""Near duplicates: pictures that stay alike when they are resized, re-encoded, brightened or cropped a little.

A fingerprint is the picture itself, so small that only shapes and colours are left. They are compared in three steps,
each for the few pairs that passed the one before: by coarse shapes and colours, a matrix product for a whole block of
pairs; by what remains of the coarse shapes when small moves explain the rest; and with one laid upon the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core import overlay
from core.disk_rows import DiskRows
from core.forest import Forest
from core.half import as_float32

SIDE = 24  # of the brightness, in pixels
COLOUR_SIDE = 8  # of each of the two colour channels
LENGTH_BYTES = SIDE**2 + 2 * COLOUR_SIDE**2
TO_JPEG_COLOURS = np.array(  # from RGB to brightness and two colours about 0
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=np.float32
).T
LEAST_CONTRAST = 4.0  # standard deviation in levels of 256; below it a picture is as good as blank
COARSE = 6  # cosines that count, along each side
NUM_SHAPES = COARSE**2 - 1
COLOUR_WEIGHT, LIGHT_WEIGHT = 0.017, 1.5  # of a level of 256 and of a factor e, beside shapes of length 1
LARGEST_DISTANCE = 0.65  # squared, of coarse shapes, colours and light together
LARGEST_COARSE_REST = 0.15  # of coarse shapes of length 1
UNLIKENESS = (1.3, 3.0)  # limits that pass: where many different pictures are nearly alike, and where none are
BEYOND = (4.0, 8.0)  # unlikenesses of different pictures that are nearly alike
FALSE_SHARE = 0.01
TRIES = 8  # pictures that one is laid upon: those with the smallest coarse rest
CROWD = 64
FAR = 1e9  # half the squared length of what is near no other
NO_PICTURES = np.zeros(0, dtype=np.int64)
ROWS, COLUMNS, LOOKS, PAIRS = 64, 4096, 16384, 512  # taken at a time, so that memory stays flat

Pictures = np.ndarray | DiskRows
OnProgress = Callable[[int, int], None]


def fingerprints(images: Sequence[Image.Image]) -> list[bytes]:
    """Returns what near duplicates of pictures are found by.

    Args:
        images: Upright, RGB, of any size; a thumbnail gives nearly the same as the picture that it was made from.

    Returns:
        For each `LENGTH_BYTES` bytes: the brightness (SIDE, SIDE), then the two colour channels (2, COLOUR_SIDE,
        COLOUR_SIDE), 128 for none.

    Source: ITU-T T.871 (JFIF), the colours of JPEG.
    """
    if not images:
        return []
    small = [image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0) for image in images]
    colours = np.stack([np.asarray(image) for image in small]).astype(np.float32) @ TO_JPEG_COLOURS
    wide = SIDE // COLOUR_SIDE
    tints = colours[..., 1:].reshape(-1, COLOUR_SIDE, wide, COLOUR_SIDE, wide, 2).mean(axis=(2, 4)) + 128
    parts = [colours[..., 0].reshape(-1, SIDE**2), tints.transpose(0, 3, 1, 2).reshape(-1, 2 * COLOUR_SIDE**2)]
    rounded = np.concatenate(parts, axis=1).round().clip(0, 255).astype(np.uint8)
    return [row.tobytes() for row in rounded]


def find_groups(pictures: Pictures, on_progress: OnProgress | None = None) -> np.ndarray:
    """Finds which pictures are near duplicates, of each other or of others in between.

    Nearly blank pictures are in no group, since nothing in them tells one from another. No group has more than
    `forest.LARGEST_GROUP` pictures: a longer chain, whose ends have little in common, is cut where it is weakest.

    Args:
        pictures: Their fingerprints, uint8 (pictures, LENGTH_BYTES), in memory or on disk.
        on_progress: Called now and then with the pairs that were compared and all pairs; may raise to end it.

    Returns:
        int64 (pictures,): the number of the picture's group, from 0 in the order of their first pictures; -1 for a
        picture that has no near duplicate.
    """
    telling = _in_blocks(_contrast, pictures) >= LEAST_CONTRAST
    compared = []
    every = _pairs(len(pictures))
    for left, seen, first, second in _candidates(pictures, telling):
        compared.append(_compared(seen, pictures, first, second))
        if on_progress is not None:
            on_progress(every - _pairs(left), every)
    first, second, unlikeness = (np.concatenate(parts) for parts in zip((NO_PICTURES,) * 3, *compared, strict=True))
    alike = np.flatnonzero(unlikeness < _limit(unlikeness, telling.sum()))
    alike = alike[np.argsort(unlikeness[alike], kind="stable")]
    forest = Forest(len(pictures))
    forest.join(first[alike], second[alike])
    return forest.numbers()


def _limit(unlikeness: np.ndarray, count: int) -> float:
    """Returns how unlike near duplicates may be: the less, the more pictures are nearly alike and still different ones.

    The number of different pictures that are so alike or more grows about with the square of unlikeness, as it did with
    a thousand drawn shapes. Those clearly beyond near duplicates are counted, and the limit is where `FALSE_SHARE` of
    the pictures would be taken for near duplicates.
    """
    low, high = BEYOND
    different = ((unlikeness >= low) & (unlikeness < high)).sum() / (high**2 - low**2)
    return float(np.sqrt(FALSE_SHARE * count / max(different, overlay.TINY)).clip(*UNLIKENESS))


@dataclass(frozen=True)
class View:
    """A way of looking at a picture.

    Attributes:
        turns: By a quarter to the left.
        is_mirrored: As in a mirror, after it was turned.
    """

    turns: int = 0
    is_mirrored: bool = False

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """Returns the fingerprints that the pictures would have, uint8 (pictures, LENGTH_BYTES)."""
        if not self.turns and not self.is_mirrored:
            return pictures
        parts = []
        for part, side in ((pictures[:, : SIDE**2], SIDE), (pictures[:, SIDE**2 :], COLOUR_SIDE)):
            turned = np.rot90(part.reshape(len(part), -1, side, side), self.turns, axes=(2, 3))
            parts.append((turned[..., ::-1] if self.is_mirrored else turned).reshape(len(part), -1))
        return np.concatenate(parts, axis=1)


VIEWS = (View(), View(is_mirrored=True), View(turns=1), View(turns=2), View(turns=3))


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _candidates(pictures: Pictures, telling: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Yields pairs that coarse shapes and colours hardly tell apart, block by block.

    Args:
        pictures: Fingerprints.
        telling: Which of them are compared at all, bool (pictures,).

    Yields:
        How many pictures are left to be compared with each other; the fingerprints of the first of each pair as it is
        to be looked at, uint8 (pairs, LENGTH_BYTES); the indices of the first and of the second, which is larger.
    """
    looks = _in_blocks(_looks, pictures)
    halves = _in_blocks(_half_squares, looks)
    halves[~telling] = FAR
    for start in range(0, len(looks), ROWS):
        block = pictures[start : start + ROWS]
        seen = np.concatenate([view.of(block) for view in VIEWS])
        own = np.tile(np.arange(start, start + len(block)), len(VIEWS))
        moved = _moved_shapes(seen)
        found = []
        for row, other in _near(_looks(seen), own, looks, halves):
            rest = _coarse_rest(moved, row, looks, other)
            best = _best(row, rest)
            found.append((row[best], other[best], rest[best]))
        row, other, rest = (np.concatenate(parts) for parts in zip(*found, strict=True))
        best = _best(row, rest)
        yield max(0, len(looks) - start - ROWS), seen[row[best]], own[row[best]], other[best]


def _near(
    block: np.ndarray, own: np.ndarray, looks: np.ndarray, halves: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields which later pictures are near those of a block: rows in the block, indices of the others.

    Where all are near each other, these are the `CROWD` nearest of each `COLUMNS` pictures.

    Args:
        block: Looks of the pictures `own`, in several views.
        own: Indices, the smallest first.
        looks: Of all pictures.
        halves: Half the square of the length of each.
    """
    # With two more columns the matrix product is at once what is left of the distance that is allowed.
    rows = np.column_stack([as_float32(block), np.ones(len(block)), LARGEST_DISTANCE / 2 - halves[own]])
    rows = rows.astype(np.float32)
    for column in range(own[0], len(looks), COLUMNS):
        columns = slice(column, column + COLUMNS)
        others = np.column_stack([as_float32(looks[columns]), -halves[columns], np.ones(len(looks[columns]))])
        nearness = rows @ others.astype(np.float32).T
        near = nearness > 0
        if np.count_nonzero(near) > CROWD * len(block):
            near &= nearness >= np.partition(nearness, -CROWD, axis=1)[:, -CROWD, None]
        row, other = np.divmod(np.flatnonzero(near), nearness.shape[1])
        later = other + column > own[row]
        yield row[later], other[later] + column


def _coarse_rest(moved: np.ndarray, row: np.ndarray, looks: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What remains of the coarse shapes of each other picture when those of its row are moved to explain them."""
    rest = np.empty(len(row), dtype=np.float32)
    for start in range(0, len(row), LOOKS):
        part = slice(start, start + LOOKS)
        shapes = as_float32(looks[other[part], :NUM_SHAPES])[..., None]
        rest[part] = 1 - ((moved[row[part]] @ shapes) ** 2).sum(axis=(1, 2))
    return rest


def _best(row: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Returns the indices of the `TRIES` smallest rests of each row that are small enough."""
    small = np.flatnonzero(rest < LARGEST_COARSE_REST)
    order = small[np.lexsort((rest[small], row[small]))]
    rank = np.arange(len(order)) - np.searchsorted(row[order], row[order])
    return order[rank < TRIES]


def _looks(pictures: np.ndarray) -> np.ndarray:
    """Returns float16 (pictures, looks): `NUM_SHAPES` coarse shapes of length 1, then colours, then light."""
    count, half = len(pictures), COLOUR_SIDE // 2
    brightness = _brightness(pictures)
    mean = brightness.mean(axis=(1, 2)) + 1
    light = np.log(np.stack([mean, _contrast(pictures) + 1], axis=1))
    colours = _colours(pictures).reshape(count, 2, 2, half, 2, half).mean(axis=(3, 5)).reshape(count, 8)
    shapes = _coarse_shapes(overlay.standard(brightness))
    looks = [shapes, COLOUR_WEIGHT * colours * 128 / mean[:, None], LIGHT_WEIGHT * light]
    return np.concatenate(looks, axis=1).astype(np.float16)  # half the memory, and fine enough for this step


def _half_squares(looks: np.ndarray) -> np.ndarray:
    return (as_float32(looks) ** 2).sum(axis=1) / 2


def _moved_shapes(pictures: np.ndarray) -> np.ndarray:
    """Returns an orthonormal basis, float32 (pictures, 5, NUM_SHAPES), of what small moves make of coarse shapes."""
    shapes = _coarse_shapes(overlay.motions(overlay.standard(_brightness(pictures))))
    return np.linalg.qr(shapes.transpose(0, 2, 1))[0].transpose(0, 2, 1)


def _coarse_shapes(pictures: np.ndarray) -> np.ndarray:
    """Returns the lowest cosines but for the constant one, of length 1, (..., NUM_SHAPES)."""
    lowest = overlay.cosines(SIDE, COARSE)
    waves = lowest @ pictures @ lowest.T * np.sqrt(overlay.frequencies(COARSE))
    shapes = waves.reshape(*pictures.shape[:-2], COARSE**2)[..., 1:]
    return shapes / (np.linalg.norm(shapes, axis=-1, keepdims=True) + overlay.TINY)


def _compared(
    seen: np.ndarray, pictures: Pictures, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns those of the pairs that are not wholly different, with their unlikeness."""
    parts = [slice(start, start + PAIRS) for start in range(0, len(first), PAIRS)]
    measured = [_unlikeness(seen[part], pictures[second[part]]) for part in parts]
    unlikeness = np.concatenate([np.zeros(0, dtype=np.float32), *measured])
    kept = unlikeness < BEYOND[1]
    return first[kept], second[kept], unlikeness[kept]


def _unlikeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    brightness, colours = (_brightness(first), _brightness(second)), (_colours(first), _colours(second))
    return overlay.unlikeness(brightness, colours)


def _in_blocks(function: Callable[[np.ndarray], np.ndarray], pictures: Pictures) -> np.ndarray:
    starts = range(0, max(1, len(pictures)), ROWS)
    return np.concatenate([function(pictures[start : start + ROWS]) for start in starts])


def _contrast(pictures: np.ndarray) -> np.ndarray:
    return _brightness(pictures).std(axis=(1, 2))


def _brightness(pictures: np.ndarray) -> np.ndarray:
    """Returns float32 (pictures, SIDE, SIDE), 0 to 255, of fingerprints uint8 (pictures, LENGTH_BYTES)."""
    return pictures[:, : SIDE**2].reshape(-1, SIDE, SIDE).astype(np.float32)


def _colours(pictures: np.ndarray) -> np.ndarray:
    """Returns float32 (pictures, 2, COLOUR_SIDE, COLOUR_SIDE), about 0, of the same."""
    return pictures[:, SIDE**2 :].reshape(-1, 2, COLOUR_SIDE, COLOUR_SIDE).astype(np.float32) - 128
