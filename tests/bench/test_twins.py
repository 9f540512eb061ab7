import numpy as np
from PIL import Image

from bench import twins


def test_a_group_of_a_picture_and_its_copies_is_right():
    assert twins.mixed(np.array([0, 0, -1, -1]), ["a", "a", "b", "c"]) == ([], [])


def test_a_group_of_different_pictures_is_false():
    assert twins.mixed(np.array([0, 1, 0, 1]), ["a", "b", "c", "b"]) == ([["a", "c"]], [])


def test_near_duplicates_among_the_photos_themselves_are_told_from_false_ones():
    own = sorted(twins.OWN_TWINS[0])
    assert twins.mixed(np.array([0, 0, 1, 1]), [*own, own[0], "a"]) == ([sorted([own[0], "a"])], [own])


def test_a_crop_loses_a_part_of_at_least_one_side_and_none_more_than_a_twentieth():
    picture = Image.new("RGB", (200, 100))
    sizes = {twins.cropped(picture, np.random.default_rng(seed)).size for seed in range(50)}
    assert sizes <= {(width, height) for width in (200, 190, 180) for height in (100, 95, 90)} - {(200, 100)}
    assert len(sizes) > 3
