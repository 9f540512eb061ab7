import io

import numpy as np
import pytest
from PIL import Image

from core import forest, likeness
from core.disk_rows import DiskRows
from core.forest import LARGEST_GROUP
from core.likeness import LENGTH_BYTES, find_groups, fingerprints

SIDE = 160
QUARTERS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def photo(seed: int) -> Image.Image:
    """A picture with shapes of all sizes and some colour, of its own for each seed."""
    random = np.random.default_rng(seed)
    pixels = np.full((SIDE, SIDE, 3), 128.0)
    for cells, strength in ((2, 40), (5, 30), (10, 20), (20, 10), (40, 5)):
        patches = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        pixels += (np.asarray(patches.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 128.0 - 1) * strength
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def grey(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGB")


def wall(shade: float, shadow: float, noise: float = 0, seed: int = 0) -> Image.Image:
    """A wall that is darker towards one corner, with the noise of a camera."""
    corner = np.add.outer(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE)) / 2
    return grey(shade - shadow * corner + np.random.default_rng(seed).normal(0, noise, (SIDE, SIDE)))


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return Image.open(io.BytesIO(written.getvalue()))


def brighter(picture: Image.Image, factor: float) -> Image.Image:
    return picture.point(lambda value: min(255, round(value * factor)))


def crop(picture: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """Cuts so many hundredths of each side."""
    width, height = picture.size
    box = (left * width, top * height, (100 - right) * width, (100 - bottom) * height)
    return picture.crop(tuple(edge // 100 for edge in box))


def groups_of(*pictures: Image.Image) -> list[int]:
    return grouped(fingerprints(list(pictures)))


def grouped(prints: list[bytes]) -> list[int]:
    return find_groups(np.frombuffer(b"".join(prints), np.uint8).reshape(-1, LENGTH_BYTES)).tolist()


@pytest.mark.parametrize(
    "copy",
    [
        lambda picture: picture.resize((40, 40), Image.Resampling.BICUBIC),
        lambda picture: picture.resize((700, 700), Image.Resampling.BICUBIC),
        lambda picture: jpeg(picture, 15),
        lambda picture: brighter(picture, 1.1),
        lambda picture: brighter(picture, 0.9),
        lambda picture: crop(picture, 5, 0, 0, 0),
        lambda picture: crop(picture, 0, 5, 0, 0),
        lambda picture: crop(picture, 0, 0, 5, 5),
        lambda picture: crop(picture, 5, 5, 5, 5),
        lambda picture: jpeg(brighter(crop(picture, 0, 5, 5, 0), 0.9).resize((80, 80)), 30),
    ],
    ids=["small", "large", "re-encoded", "brighter", "darker", "left", "top", "corner", "centre", "all"],
)
def test_a_copy_is_found_among_other_pictures(copy):
    pictures = [photo(seed) for seed in range(12)]
    assert groups_of(*pictures, copy(pictures[7])) == [*[-1] * 7, 0, *[-1] * 4, 0]


def test_different_pictures_are_in_no_group():
    assert set(groups_of(*map(photo, range(60)))) == {-1}


def test_the_same_shapes_in_other_colours_are_another_picture():
    red, green, blue = photo(1).split()
    assert groups_of(photo(1), Image.merge("RGB", (blue, green, red))) == [-1, -1]


def test_half_a_picture_is_another_picture():
    assert groups_of(photo(1), crop(photo(1), 50, 0, 0, 0)) == [-1, -1]


def test_the_same_shapes_much_fainter_are_another_picture():
    faded = grey(np.asarray(photo(1).convert("L")) * 0.3 + 150)
    assert groups_of(photo(1).convert("L").convert("RGB"), faded) == [-1, -1]


def shaken(picture: Image.Image) -> list[Image.Image]:
    """Two shots of the same thing, each with a little that the other one lacks."""
    return [crop(picture, 3, 0, 0, 3), crop(picture, 0, 3, 3, 0)]


def test_shots_of_a_shaking_hand_are_alike():
    others = [photo(seed) for seed in range(2, 40)]
    assert groups_of(*shaken(photo(1)), *others) == [0, 0, *[-1] * 38]


def test_where_different_pictures_are_nearly_alike_only_the_closest_count():
    nearly_alike = [Image.blend(photo(50), photo(seed), 0.2) for seed in range(51, 89)]
    assert groups_of(*shaken(photo(1)), *nearly_alike) == [-1] * 40
    assert groups_of(photo(1), jpeg(photo(1), 30), *nearly_alike) == [0, 0, *[-1] * 38]


def test_groups_are_numbered_by_their_first_pictures():
    one, two, alone = photo(1), photo(2), photo(3)
    assert groups_of(two, one, alone, one, two, one) == [0, 1, -1, 1, 0, 1]


def test_no_pictures_have_no_groups():
    assert grouped([]) == []


def test_blank_pictures_are_not_alike():
    assert set(groups_of(*(wall(shade, 0) for shade in (0, 0, 250, 255, 255)))) == {-1}
    assert set(groups_of(*(wall(shade, 15) for shade in (220, 222, 224)))) == {-1}
    assert set(groups_of(wall(220, 50), wall(220, 50))) == {0}  # this shadow is enough to tell them by


def test_nearly_uniform_pictures_are_not_one_group():
    assert set(groups_of(*(wall(230, 30, 3, seed) for seed in range(40)))) == {-1}


def test_a_chain_of_ever_other_pictures_is_cut(monkeypatch):
    monkeypatch.setattr(forest, "LARGEST_GROUP", 30)
    one, other = (np.asarray(photo(seed), dtype=float) - 128 for seed in (1, 2))
    angles = np.linspace(0, np.pi, 100)
    chain = [Image.fromarray((128 + np.cos(a) * one + np.sin(a) * other).clip(0, 255).astype(np.uint8)) for a in angles]
    sizes = np.bincount(groups_of(*chain))
    assert sizes.max() <= 30
    assert sizes.sum() > 90


def test_a_burst_is_one_group():
    frames = [crop(photo(1), shake, 0, 3 - shake, 0) for shake in (0, 1, 2, 3)] * (LARGEST_GROUP // 8)
    assert set(groups_of(*frames, photo(2))[:-1]) == {0}


def noisy(picture: Image.Image, seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, 5, (SIDE, SIDE, 1))
    return Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))


def test_in_a_crowd_of_alike_pictures_only_the_nearest_are_compared(monkeypatch):
    monkeypatch.setattr(likeness, "CROWD", 10)
    crowd = fingerprints([noisy(photo(1), seed) for seed in range(100)])
    pictures = np.stack([np.frombuffer(one, np.uint8) for one in crowd])
    looks = likeness._looks(pictures)
    near = likeness._near(looks, np.arange(len(looks)), looks, likeness._half_squares(looks))
    assert sum(len(row) for row, _ in near) < 1000
    assert set(grouped(crowd)) == {0}


def test_progress_counts_the_pairs_and_ends_with_all_of_them(monkeypatch):
    monkeypatch.setattr(likeness, "ROWS", 4)
    told = []
    table = np.random.default_rng(1).integers(0, 256, (10, LENGTH_BYTES), np.uint8)
    find_groups(table, lambda *counted: told.append(counted))
    assert told == [(45 - 15, 45), (45 - 1, 45), (45, 45)]


def test_pictures_on_the_disk_are_grouped_alike(tmp_path):
    pictures = [photo(seed) for seed in range(5)]
    prints = fingerprints([*pictures, Image.new("RGB", (60, 60)), *(crop(one, 0, 0, 5, 5) for one in pictures)])
    rows = DiskRows(tmp_path / "prints.bin", prints, LENGTH_BYTES)
    assert find_groups(rows).tolist() == grouped(prints) == [*range(5), -1, *range(5)]


@pytest.mark.parametrize("way", [Image.Transpose.FLIP_LEFT_RIGHT, *QUARTERS], ids=lambda way: way.name)
def test_a_mirrored_or_turned_copy_is_found(way):
    pictures = [photo(seed).resize((160, 120)) for seed in range(4)]
    assert groups_of(*pictures, pictures[2].transpose(way)) == [-1, -1, 0, -1, 0]


def test_blocks_change_nothing(monkeypatch):
    pictures = [photo(seed) for seed in range(20)]
    prints = fingerprints([*pictures, *(crop(one, 0, 0, 5, 5) for one in pictures)])
    whole = grouped(prints)
    for name, size in {"ROWS": 7, "COLUMNS": 5, "LOOKS": 3, "PAIRS": 2}.items():
        monkeypatch.setattr(likeness, name, size)
    assert grouped(prints) == whole == [*range(20), *range(20)]


def test_fingerprints_are_of_one_length():
    sizes = [(1024, 768), (192, 30), (64, 64), (5, 300), (1, 1)]
    assert {len(one) for one in fingerprints([photo(1).resize(size) for size in sizes])} == {LENGTH_BYTES}


def test_a_thumbnail_stands_for_its_picture():
    large = photo(1).resize((1024, 768), Image.Resampling.BICUBIC)
    small = large.resize((192, 144), Image.Resampling.BICUBIC)
    one, other = (np.frombuffer(one, np.uint8).astype(int) for one in fingerprints([large, small]))
    assert np.abs(one - other).max() <= 3  # levels of 256: the two are averaged over other pixels
