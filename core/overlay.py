"""How unlike two pictures are once one is laid upon the other, as resizing and cropping would have moved it.

Pictures here are small and many: brightness as float32 (pictures, side, side), colours as (pictures, 2, side, side).

Source: Lucas and Kanade 1981, "An iterative image registration technique"; Simard, LeCun and Denker 1993, "Efficient
pattern recognition using a new transformation distance".
"""

import numpy as np

STEPS = 3  # of the search for how to lay them
LARGEST_MOVES = np.array([0.12, 0.12, 0.2, 0.2], dtype=np.float32)  # right, down, wider, higher; of the side
FINE = 16  # cosines that count, along each side
GREY = 10.0  # levels of 256; colours weaker than this count as nearly none
# What makes pictures as unlike as copies may become by one cause alone.
LARGEST_REST = 0.05  # of the shapes: 0 when they are the same, 1 when unrelated
LARGEST_TINT = 0.15  # difference of the colours, of the colours themselves
LARGEST_FADING = 0.08  # difference of the factors, as logarithms, of brightness and contrast
LARGEST_OVERHANG = 0.02  # by which neither lies within the other, of the side
TINY = np.float32(1e-6)


def cosines(side: int, count: int) -> np.ndarray:
    """Returns the lowest rows of the orthonormal cosine transform, float32 (count, side)."""
    frequency, place = np.mgrid[:count, :side]
    waves = np.cos(np.pi * (2 * place + 1) * frequency / (2 * side)) * np.sqrt(2 / side)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def frequencies(count: int) -> np.ndarray:
    """Returns how fine the waves of a cosine transform are, float32 (count, count)."""
    return np.hypot(*np.mgrid[:count, :count]).astype(np.float32)


def standard(pictures: np.ndarray) -> np.ndarray:
    """Takes brightness and contrast out of pictures (..., height, width): mean 0, length 1."""
    pictures = pictures - pictures.mean(axis=(-2, -1), keepdims=True)
    return pictures / (np.linalg.norm(pictures, axis=(-2, -1), keepdims=True) + TINY)


def _inside(pictures: np.ndarray) -> np.ndarray:
    """Takes a twelfth off each side, which one of two pictures may lack; at least a pixel."""
    border = max(1, pictures.shape[-1] // 12)
    return pictures[..., border:-border, border:-border]


def motions(pictures: np.ndarray) -> np.ndarray:
    """Returns pictures (count, side, side) and how they change with each of four moves, (count, 5, side, side)."""
    side = pictures.shape[-1]
    down, right = np.gradient(pictures, 1 / side, axis=(1, 2))
    places = _places(side)
    return np.stack([pictures, right, down, right * places, down * places[:, None]], axis=1)


def unlikeness(brightness: tuple[np.ndarray, np.ndarray], colours: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Returns how unlike the pictures of each pair are, float32 (pairs,).

    Args:
        brightness: Of the first and of the second pictures, 0 to 255.
        colours: The same, about 0, of any side.

    Returns:
        0 for the same picture. What may become of a copy adds 1 for each cause at its limit: shapes that do not fit,
        colours that do not fit, brightness and contrast that changed by different factors, and pictures of which
        neither is a part of the other.
    """
    moves = _moves(*brightness)
    one, other = _laid(*brightness, moves)
    light, other_light = one.mean(axis=(1, 2)) + 1, other.mean(axis=(1, 2)) + 1
    fading = np.log(light / other_light) - np.log((one.std(axis=(1, 2)) + TINY) / (other.std(axis=(1, 2)) + TINY))
    return (
        _rest(one, other) / LARGEST_REST
        + (_tint(*_laid(*colours, moves[:, None]), light, other_light) / LARGEST_TINT) ** 2
        + (fading / LARGEST_FADING) ** 2
        + (_overhang(moves) / LARGEST_OVERHANG) ** 2
    )


def _rest(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, other = (standard(_inside(_evened(pictures))) for pictures in (first, second))
    return 1 - (one * other).sum(axis=(1, 2))


def _evened(pictures: np.ndarray) -> np.ndarray:
    """Makes fine shapes count as much as coarse ones; in photos a wave is the weaker the shorter it is.

    Source: Field 1987, "Relations between the statistics of natural images and the response properties of cortical
    cells"
    """
    lowest = cosines(pictures.shape[-1], FINE)
    return lowest.T @ (lowest @ pictures @ lowest.T * frequencies(FINE)) @ lowest


def _tint(first: np.ndarray, second: np.ndarray, light: np.ndarray, other_light: np.ndarray) -> np.ndarray:
    """How different the colours are, beside their strength, as if all pictures were of middling brightness."""
    one, other = _inside(first) * _factor(light), _inside(second) * _factor(other_light)
    strength = np.sqrt(((one**2 + other**2) / 2).mean(axis=(1, 2, 3)))
    return np.sqrt(((one - other) ** 2).mean(axis=(1, 2, 3))) / (strength + GREY)


def _factor(light: np.ndarray) -> np.ndarray:
    return (128 / light)[:, None, None, None]


def _overhang(moves: np.ndarray) -> np.ndarray:
    """By how much neither picture lies within the other, of the side; 0 when one is a crop of the other."""
    shifts, stretches = moves[:, :2], moves[:, 2:]
    cut = np.concatenate([shifts - stretches / 2, -shifts - stretches / 2], axis=1)
    return np.minimum(-cut.min(axis=1), cut.max(axis=1)).clip(0)


def _moves(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Finds how the first pictures are to be moved, to lie on the second ones.

    By Gauss and Newton's method: each step adds the moves that explain most of the difference that is left.

    Returns:
        float32 (pairs, 4): to the right, down, wider and higher, of the side.
    """
    moves = np.zeros((len(first), 4), dtype=np.float32)
    for _ in range(STEPS):
        one, other = (standard(pictures) for pictures in _laid(first, second, moves))
        directions = _inside(motions((one + other) / 2)).reshape(len(first), 5, -1)
        change = _inside(other - one).reshape(len(first), -1, 1)
        normal = directions @ directions.transpose(0, 2, 1) + TINY * np.eye(5, dtype=np.float32)
        moves += np.linalg.solve(normal, directions @ change)[:, 1:, 0]
        moves = moves.clip(-LARGEST_MOVES, LARGEST_MOVES)
    return moves


def _laid(first: np.ndarray, second: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves both halfway, so that both are blurred alike."""
    return _moved(first, moves / 2), _moved(second, -moves / 2)


def _moved(pictures: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Moves pictures (..., side, side) by moves (..., 4) as `_moves` returns them."""
    across, along = (_reading(pictures.shape[-1], moves[..., axis], moves[..., axis + 2]) for axis in (0, 1))
    return along @ pictures @ across.swapaxes(-2, -1)


def _reading(side: int, shifts: np.ndarray, stretches: np.ndarray) -> np.ndarray:
    """Returns matrices (..., side, side) that read a line of pixels at moved places, linearly between them."""
    own = _places(side)
    places = own * (1 + stretches[..., None]) + shifts[..., None]
    distance = np.abs(places.clip(own[0], own[-1])[..., None] - own) * side
    return np.maximum(0, 1 - distance)


def _places(side: int) -> np.ndarray:
    """The middles of pixels along a side, seen from its own middle: -0.5 to 0.5."""
    return (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
