from collections import Counter

import pytest

from core.layout import MAX_LABEL_LENGTH, Layout, clean_label, clean_name, climbs_out, is_leftover, lay_out, tidy_path
from core.pictures import SUFFIXES


def meanings(*paths: str, own_name: str | None = None) -> list[tuple[str, str | None] | None]:
    places = map(layout_of(paths, own_name).place, paths)
    return [place and (place.label, place.split) for place in places]


def layout_of(paths: tuple[str, ...], own_name: str | None = None) -> Layout:
    folders = Counter(path.rpartition("/")[0] for path in paths if path.lower().endswith(SUFFIXES))
    return lay_out(folders or Counter(path.rpartition("/")[0] for path in paths), own_name)


@pytest.mark.parametrize("around", ["", "trash/", "x/trash/", "a/b/c/"])
def test_folders_around_the_classes_are_passed_over(around):
    assert meanings(f"{around}glass/1.jpg", f"{around}paper/1.jpg") == [("glass", None), ("paper", None)]


@pytest.mark.parametrize("path", ["glass/1.jpg", "trash/glass/1.jpg", "x/trash/glass/1.jpg"])
def test_single_class_is_the_innermost_folder(path):
    assert meanings(path) == [("glass", None)]


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("val", "validation"),
        ("VALID", "validation"),
        ("validation", "validation"),
        ("test", "test"),
        ("Testing", "test"),
    ],
)
@pytest.mark.parametrize("around", ["", "x/"])
def test_split_folders_become_the_split(folder, split, around):
    expected = [("ants", split), ("bees", split)]
    assert meanings(f"{around}{folder}/ants/1.jpg", f"{around}{folder}/bees/1.jpg") == expected


def test_only_one_class_in_only_one_split():
    assert meanings("train/ants/1.jpg") == [("ants", "train")]


def test_train_and_validation_side_by_side():
    assert meanings("d/train/ants/1.jpg", "d/val/ants/1.jpg") == [("ants", "train"), ("ants", "validation")]


def test_deeper_folders_belong_to_their_class():
    paths = ["x/train/ants/red/1.jpg", "x/train/bees/a/b/1.jpg", "x/train/bees/2.jpg"]
    assert meanings(*paths) == [("ants", "train"), ("bees", "train"), ("bees", "train")]


def test_folder_that_holds_pictures_is_a_class():
    paths = ["glass/1.jpg", "glass/2.jpg", "glass/more/3.jpg"]
    assert meanings(*paths) == [("glass", None)] * 3


def test_many_pictures_beside_a_few_folders_are_one_class():
    paths = [*(f"glass/{number}.jpg" for number in range(5)), "glass/a/1.jpg", "glass/b/1.jpg"]
    assert meanings(*paths) == [("glass", None)] * 7


def test_loose_picture_beside_class_folders_has_no_class():
    assert meanings("t/cover.jpg", "t/a/1.jpg", "t/b/1.jpg") == [None, ("a", None), ("b", None)]
    assert meanings("cover.jpg", "a/1.jpg") == [None, ("a", None)]


def test_loose_picture_beside_or_in_a_split_folder_has_no_class():
    assert meanings("x/train/a/1.jpg", "x/1.jpg", "x/train/2.jpg") == [("a", "train"), None, None]


def test_a_class_may_be_called_test_beside_another_class():
    assert meanings("x/test/1.jpg", "x/control/2.jpg") == [("test", None), ("control", None)]
    assert meanings("test/1.jpg", "train/2.jpg") == [None, None]


def test_other_files_do_not_decide_where_the_classes_are():
    paths = ["README.txt", "trash/list.csv", "trash/glass/1.jpg", "trash/paper/1.jpg"]
    assert meanings(*paths) == [None, None, ("glass", None), ("paper", None)]


def test_files_without_pictures_among_them_have_places_too():
    assert meanings("a/notes.txt", "b/notes.txt") == [("a", None), ("b", None)]


def test_loose_pictures_belong_to_the_folder_that_was_chosen():
    assert meanings("1.jpg", "2.jpg", own_name="glass") == [("glass", None)] * 2
    assert meanings("1.jpg", "2.jpg") == [None, None]


def test_the_folder_that_was_chosen_is_no_class_when_classes_are_in_it():
    assert meanings("ants/1.jpg", "bees/1.jpg", own_name="pets") == [("ants", None), ("bees", None)]
    assert meanings("train/ants/1.jpg", own_name="test") == [("ants", "train")]


def test_no_files_have_no_places():
    assert lay_out({}, "pets") == Layout()


def test_two_forms_of_a_name_are_one_class():
    assert meanings("cafe\u0301/1.jpg", "caf\u00e9/2.jpg") == [("caf\u00e9", None)] * 2


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("  a \t b ", "a b"),
        ("a\x00b\x1b", "ab"),
        ("ni\u00f1o", "niño"),
        ("日本", "日本"),
        ("\ud800", ""),
        ("cats\u200b", "cats"),
        ("\u202estac", "stac"),
        ("\u200d\u200c", ""),
        ("می\u200cشود", "می\u200cشود"),
        ("x" * 300, "x" * 100),
    ],
)
def test_class_names_are_cleaned(name, label):
    assert clean_label(name) == label
    assert len(label) <= MAX_LABEL_LENGTH


@pytest.mark.parametrize(
    ("path", "tidy"),
    [
        ("./a//1.jpg", "a/1.jpg"),
        ("a\\b\\1.jpg", "a/b/1.jpg"),
        ("/etc/1.jpg", "/etc/1.jpg"),
        ("\\\\s\\1.jpg", "/s/1.jpg"),
    ],
)
def test_steps_that_lead_nowhere_are_left_out(path, tidy):
    assert tidy_path(path) == tidy


def test_folder_whose_name_is_nothing_is_no_class():
    assert meanings("\x01/1.jpg", "b/1.jpg") == [None, ("b", None)]


def test_names_can_be_stored():
    clean_name("a\udcff/1\n.jpg").encode("utf-8")


@pytest.mark.parametrize(
    "path",
    [".DS_Store", "a/Thumbs.db", "a/desktop.ini", "__MACOSX/a/._1.jpg", "a/._1.jpg", ".git/a/1.jpg", "a/.hidden.jpg"],
)
def test_leftovers_are_known(path):
    assert is_leftover(path)


@pytest.mark.parametrize("path", ["a/1.jpg", "a.b/c.d.jpg", "thumbs/1.jpg"])
def test_what_somebody_chose_is_no_leftover(path):
    assert not is_leftover(path)


@pytest.mark.parametrize("path", ["/etc/1.jpg", "../1.jpg", "a/../../1.jpg", "a/..", "C:/1.jpg", "c:1.jpg"])
def test_paths_that_climb_out_are_known(path):
    assert climbs_out(path)


@pytest.mark.parametrize("path", ["a/1.jpg", "a..b/1..jpg", "at 12:30/1.jpg"])
def test_paths_that_stay_inside_are_not_suspected(path):
    assert not climbs_out(path)
