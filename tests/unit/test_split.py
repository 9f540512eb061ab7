import numpy as np
import pandas as pd
import pytest

from core import dataset
from core.dataset import class_counts
from core.layout import VALIDATION
from core.split import comes_with, leaks, split_both_ways, split_images
from tests.tables import counts, table


def test_share_is_drawn_from_each_class():
    assert counts(split_images(table(ants="." * 10, bees="." * 25), 0.2, 1)) == {"ants": (8, 2, 0), "bees": (20, 5, 0)}


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_each_class_is_on_both_sides(share):
    made = counts(split_images(table(ants="..", bees="....."), share, 1))
    assert made["ants"] == (1, 1, 0)
    assert min(made["bees"][:2]) == 1


def test_same_seed_same_split_and_another_seed_another():
    images = table(ants="." * 40, bees="." * 40)
    first = split_images(images, 0.2, 1)["split"]
    assert first.equals(split_images(images, 0.2, 1)["split"])
    assert not first.equals(split_images(images, 0.2, 2)["split"])


def test_split_of_a_class_does_not_depend_on_the_others():
    alone = split_images(table(bees="." * 40), 0.2, 1)["split"].to_list()
    assert split_images(table(ants="." * 7, bees="." * 40), 0.2, 1)["split"].to_list()[7:] == alone


def test_own_splits_are_kept():
    images = table(ants="tttvvx", bees="tvx")
    assert split_images(images, 0.5, 1)["split"].to_list() == images["split"].to_list()


def test_class_with_own_validation_gets_no_more():
    assert counts(split_images(table(ants="v........."), 0.5, 1)) == {"ants": (9, 1, 0)}


def test_validation_is_drawn_from_train_when_only_train_and_test_are_given():
    assert counts(split_images(table(ants="t" * 10 + "xx"), 0.2, 1)) == {"ants": (8, 2, 2)}


def test_images_in_no_split_are_drawn_before_those_of_the_training():
    made = split_images(table(ants="tttttttt.."), 0.2, 1)
    assert made["split"].to_list() == ["train"] * 8 + ["validation"] * 2
    assert counts(split_images(table(ants="ttttttttt."), 0.5, 1)) == {"ants": (9, 1, 0)}


@pytest.mark.parametrize("splits", [".", "t", "v", "x", "xx", ".x", "tx", "vv"])
def test_class_that_is_too_small_is_split_without_falling_over(splits):
    made = split_images(table(ants=splits, bees="...."), 0.2, 1)
    assert made["split"].isin(dataset.SPLITS).all()
    assert (made["split"].iloc[: len(splits)] == "test").sum() == splits.count("x")


def test_split_needs_label_and_split_only_and_leaves_its_input_alone():
    images = table(ants="....", bees="....")
    assert list(split_images(images, 0.2, 1).columns) == ["label", "split"]
    assert images["split"].isna().all()


def test_empty_table_is_split_into_nothing():
    assert split_images(table(), 0.2, 1).empty


def grouped(rng: np.random.Generator) -> pd.DataFrame:
    """Three classes of 6 to 40 images, about half of them in groups of up to four, some across classes."""
    labels = np.repeat(["ants", "bees", "wasps"], rng.integers(6, 40, 3))
    similar = pd.array(rng.integers(0, len(labels) // 3, len(labels)), dtype="Int64")
    similar[rng.random(len(labels)) < 0.5] = pd.NA
    return pd.DataFrame({"label": labels, "split": None, "similar": similar})


def sides(made: pd.DataFrame) -> int:
    """On how many sides the most divided group lies."""
    return int(made.groupby("similar")["split"].nunique().max())


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("test_share", [0.0, 0.2])
def test_no_group_is_on_two_sides_and_every_class_is_on_both(seed, test_share):
    images = grouped(np.random.default_rng(seed))
    made = split_images(images, 0.25, seed, test_share=test_share)
    assert sides(made) == 1
    assert leaks(made) == 0
    assert made.equals(split_images(images, 0.25, seed, test_share=test_share))
    assert (class_counts(made)[["train", "validation"]] > 0).all(axis=None)


@pytest.mark.parametrize("seed", range(10))
def test_shares_are_met_as_well_as_groups_allow(seed):
    made = split_images(grouped(np.random.default_rng(seed)), 0.25, seed, test_share=0.2)
    # Groups of about two in classes of at least six: a class can be off by a group that came from another class.
    assert (made["split"] == "test").mean() == pytest.approx(0.2, abs=0.1)
    assert (made["split"] == "validation").mean() == pytest.approx(0.2, abs=0.1)


def test_random_split_of_the_same_images_would_leak():
    made = split_both_ways(grouped(np.random.default_rng(1)), 0.25, 1)
    assert leaks(made) == 0
    assert leaks(made.assign(split=made["random_split"])) > 0


def test_class_that_is_one_group_is_divided_since_it_could_not_be_checked_otherwise():
    images = table(ants="....", bees="....").assign(similar=pd.array([7] * 4 + [pd.NA] * 4, dtype="Int64"))
    assert counts(split_images(images, 0.25, 1, test_share=0.25)) == {"ants": (3, 1, 0), "bees": (2, 1, 1)}


def test_images_without_a_split_join_their_near_duplicate():
    images = table(ants="tv....").assign(similar=pd.array([1, 2, 1, 2, pd.NA, pd.NA], dtype="Int64"))
    assert split_images(images, 0.25, 1)["split"].to_list() == ["train", "validation"] * 2 + ["train"] * 2


def test_class_does_not_follow_its_near_duplicates_out_of_the_training():
    images = table(ants="x..", bees="....").assign(similar=pd.array([1] * 3 + [pd.NA] * 4, dtype="Int64"))
    assert counts(split_images(images, 0.25, 1))["ants"] == (1, 1, 1)


def test_own_folders_keep_a_group_that_they_divide_and_the_leak_is_counted():
    images = table(ants="ttvx").assign(similar=pd.array([1, pd.NA, 1, 1], dtype="Int64"))
    made = split_images(images, 0.25, 1)
    assert made["split"].to_list() == images["split"].to_list()
    assert leaks(made) == 2


def test_class_with_own_test_images_gets_no_more():
    assert counts(split_images(table(ants="x........."), 0.2, 1, test_share=0.4)) == {"ants": (7, 2, 1)}


def test_class_of_two_has_nothing_to_spare_for_a_test():
    assert counts(split_images(table(ants=".."), 0.2, 1, test_share=0.4)) == {"ants": (1, 1, 0)}


def test_folders_decide_a_part_where_every_class_has_images_in_it():
    assert comes_with(table(ants="ttv", bees="tv"), VALIDATION)
    assert not comes_with(table(ants="ttv", bees="tt"), VALIDATION)
    assert not comes_with(table(ants="..", bees=".."), VALIDATION)
    assert not comes_with(table(ants="ttv")[:0], VALIDATION)
