import json
from dataclasses import replace

import numpy as np
import pytest

from core import features, fingerprints
from core.features import Key, Part, Store

KEY = Key("residual10", "weights", "40", 112)
SHAPES = ((2, 3), (4,))
HALF, FULL = np.dtype(np.float16), np.dtype(np.float32)
NAMES = [fingerprints.of(bytes([number])) for number in range(6)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "features"


def tensors(number: int) -> list[np.ndarray]:
    return [np.full(shape, number + index / 2, np.float32) for index, shape in enumerate(SHAPES)]


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Lets go of every file that a test leaves open, as the end of a process would: without securing anything."""
    made = []
    init = Part.__init__
    monkeypatch.setattr(Part, "__init__", lambda part, folder: (init(part, folder), made.append(part))[0])
    yield
    for part in made:
        for file in part._files:
            file.close()


def filled(folder, names=NAMES, key=KEY, dtype=HALF) -> Store:
    store = Store(folder, key, SHAPES)
    store.make_places(names, dtype)
    for number, place in enumerate(store.places(names)):
        store.write(place, tensors(number))
    return store


def test_what_was_written_is_read_in_any_order(folder):
    store = filled(folder)
    first, second = store.read(store.places([NAMES[4], NAMES[0], NAMES[4]]))
    np.testing.assert_array_equal(first[:, 0, 0], [4, 0, 4])
    np.testing.assert_array_equal(second[:, 0], [4.5, 0.5, 4.5])
    assert first.dtype == np.float32 and first.shape == (3, 2, 3)


def test_a_later_process_finds_it(folder):
    filled(folder).close()
    again = Store(folder, KEY, SHAPES)
    assert again.unknown(NAMES) == []
    assert again.has(again.places(NAMES)).all()
    assert again.read(again.places(NAMES[2:3]))[0][0, 0, 0] == 2


def test_new_pictures_get_a_part_of_their_own_and_the_old_ones_stay(folder):
    filled(folder, NAMES[:4]).close()
    store = Store(folder, KEY, SHAPES)
    assert store.unknown(NAMES) == NAMES[4:]
    store.make_places(NAMES, FULL)
    there = store.has(store.places(NAMES))
    assert list(there) == [True] * 4 + [False] * 2
    store.write(store.places(NAMES[5:])[0], tensors(9))
    values = store.read(store.places([NAMES[5], NAMES[1]]))[0]
    np.testing.assert_array_equal(values[:, 0, 0], [9, 1])


def test_a_picture_that_comes_twice_has_one_place(folder):
    store = Store(folder, KEY, SHAPES)
    store.make_places([NAMES[0], NAMES[0]], HALF)
    assert len(np.unique(store.places([NAMES[0], NAMES[0]]), axis=0)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "vgg16"},
        {"weights": "other weights"},
        {"frontier": "30"},
        {"image_size": 96},
        {"variation": "light-0"},
    ],
)
def test_another_way_of_asking_never_meets_these_answers(folder, change):
    filled(folder).close()
    assert Store(folder, replace(KEY, **change), SHAPES).unknown(NAMES) == NAMES


def test_another_version_never_meets_these_answers(folder, monkeypatch):
    filled(folder).close()
    monkeypatch.setattr(features, "VERSION", features.VERSION + 1)
    assert Store(folder, KEY, SHAPES).unknown(NAMES) == NAMES


def test_other_shapes_are_not_read(folder):
    filled(folder).close()
    assert Store(folder, KEY, ((2, 3),)).unknown(NAMES) == NAMES


def test_an_interrupted_fill_is_completed_and_not_trusted(folder):
    store = Store(folder, KEY, SHAPES)
    store.make_places(NAMES, HALF)
    for number in range(3):
        store.write(store.places(NAMES)[number], tensors(number))
    store._parts[0].secure()
    store.write(store.places(NAMES)[3], tensors(3))  # the process dies before this is safe on the disk
    after = Store(folder, KEY, SHAPES)
    assert after.unknown(NAMES) == []
    assert list(after.has(after.places(NAMES))) == [True] * 3 + [False] * 3


def test_two_processes_fill_one_part_and_each_sees_what_the_other_did(folder):
    first, second = Store(folder, KEY, SHAPES), Store(folder, KEY, SHAPES)
    first.make_places(NAMES, HALF)
    second.make_places(NAMES, HALF)
    assert len(list(folder.glob("*/*/part.json"))) == 1
    first.write(first.places(NAMES)[0], tensors(0))
    first._parts[0].secure()
    assert second.has(second.places(NAMES))[0]
    second.write(second.places(NAMES)[1], tensors(1))
    second.close()
    assert list(first.has(first.places(NAMES))[:2]) == [True, True]


def test_a_damaged_part_is_passed_over(folder):
    filled(folder).close()
    (part,) = folder.glob("*/*/part.json")
    part.write_text("{", encoding="utf-8")
    assert Store(folder, KEY, SHAPES).unknown(NAMES) == NAMES


def test_half_a_part_that_a_crash_left_is_passed_over(folder):
    filled(folder).close()
    (part,) = folder.glob("*/*/part.json")
    part.parent.rename(part.parent.with_name(".half"))
    assert Store(folder, KEY, SHAPES).unknown(NAMES) == NAMES


def test_half_precision_is_taken_where_it_holds_the_values():
    values = np.random.default_rng(1).normal(0, 3, (8, 100)).astype(np.float32)
    assert features.number_format([values]) == HALF


@pytest.mark.parametrize("values", [[1e5, 1], [7000, 1], [1e-11, 2e-11]], ids=["too large", "near it", "too small"])
def test_full_precision_is_taken_where_half_does_not_hold_the_values(values):
    assert features.number_format([np.array(values, np.float32)]) == FULL


def test_values_too_large_for_half_precision_are_not_kept(folder):
    store = filled(folder, NAMES[:2])
    place = store.places(NAMES[:1])[0]
    store.make_places(NAMES, HALF)
    large = [np.full(shape, 1e6, np.float32) for shape in SHAPES]
    assert store.write(store.places(NAMES[3:])[0], large) is None
    assert not store.has(store.places(NAMES[3:4])).any()
    assert store.write(place, tensors(0))


def test_values_are_the_same_computed_or_found(folder):
    store = Store(folder, KEY, SHAPES)
    store.make_places(NAMES, HALF)
    place = store.places(NAMES)[0]
    computed = [np.full(shape, 1 / 3, np.float32) for shape in SHAPES]
    given = store.write(place, computed)
    for rounded, found in zip(given, store.read(place[None]), strict=True):
        np.testing.assert_array_equal(rounded, found[0])


def test_a_full_disk_is_the_callers_to_handle(folder, monkeypatch):
    store = Store(folder, KEY, SHAPES)
    store.make_places(NAMES, HALF)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Part, "write", full)
    with pytest.raises(OSError, match="No space"):
        store.write(store.places(NAMES)[0], tensors(0))


def test_key_is_kept_for_people(folder):
    filled(folder).close()
    assert json.loads((folder / KEY.folder / "key.json").read_text(encoding="utf-8"))["backbone"] == "residual10"


def test_what_is_kept_can_be_counted_without_opening_the_store(folder):
    assert features.count_kept(folder, KEY, NAMES) == 0
    filled(folder, NAMES[:2]).close()
    store = Store(folder, KEY, SHAPES)
    store.make_places(NAMES, HALF)
    store.write(store.places(NAMES[3:])[0], tensors(3))
    store._parts[1].secure()
    assert features.count_kept(folder, KEY, NAMES) == 3
    assert features.count_kept(folder, KEY, NAMES[2:]) == 1
    assert features.count_kept(folder, replace(KEY, frontier="30"), NAMES) == 0


def test_each_view_has_its_key():
    assert features.keys_of_views(KEY, "none", 4) == {features.PLAIN: KEY}
    keys = features.keys_of_views(KEY, "light", 2)
    assert list(keys) == [features.PLAIN, 0, 1]
    assert len({key.folder for key in keys.values()}) == 3
