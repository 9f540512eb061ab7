from pathlib import Path

import pandas as pd
import pytest

from core import dataset, intake, projects, runs
from core.config import Phase, RunConfig
from core.dataset import (
    TooFewClassesError,
    TooFewImagesError,
    check_trainable,
    class_counts,
    remove_all,
    split_images,
    thumbnail_path,
)


def table(**splits: str) -> pd.DataFrame:
    """`table(ants="ttv..")`: an image for each letter; a point is in no split, x is in the test."""
    meaning = {"t": "train", "v": "validation", "x": "test", ".": None}
    rows = [(label, meaning[letter]) for label, letters in splits.items() for letter in letters]
    return pd.DataFrame(rows, columns=["label", "split"])


def counts(split: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    return {row.label: (row.train, row.validation, row.test) for row in class_counts(split).itertuples()}


@pytest.fixture
def project(workspace, picture_folder):
    made = projects.create_project(workspace, "Pictures")
    folder = picture_folder(classes=2, each=3)
    (folder / "notes.txt").write_text("not a picture")
    intake.take_folder(workspace, made.id, folder)
    return made


def test_images_lie_where_the_table_says(workspace, project):
    images = dataset.images(workspace, project.id)
    assert list(images.columns) == dataset.COLUMNS
    assert images["label"].value_counts().to_dict() == {"class-1": 3, "class-2": 3}
    assert images["name"].iloc[0] == "class-1/1.png"
    assert all((workspace.home / path).stat().st_size for path in images["path"])
    assert images["split"].to_list() == [None] * 6
    assert set(zip(images["width"], images["height"], strict=True)) == {(48, 48)}


def test_thumbnail_is_found_for_a_row_of_either_form(workspace, project):
    images = dataset.images(workspace, project.id)
    assert thumbnail_path(workspace, images.iloc[0]).exists()
    assert thumbnail_path(workspace, next(images.itertuples())) == thumbnail_path(workspace, images.iloc[0])


def test_what_was_set_aside_is_named_with_the_reason(workspace, project):
    aside = dataset.set_aside(workspace, project.id)
    assert aside["name"].to_list() == ["notes.txt"]
    assert "not a picture" in aside["problem"].iloc[0].format(**aside["values"].iloc[0])


def test_new_project_is_empty(workspace):
    project = projects.create_project(workspace, "Nothing")
    assert dataset.images(workspace, project.id).empty
    assert dataset.set_aside(workspace, project.id).empty
    assert class_counts(dataset.images(workspace, project.id)).empty


def test_projects_do_not_see_each_others_images(workspace, project):
    other = projects.create_project(workspace, "Other")
    assert dataset.images(workspace, other.id).empty
    remove_all(workspace, other.id)
    assert len(dataset.images(workspace, project.id)) == 6


def test_removing_all_leaves_nothing(workspace, project):
    remove_all(workspace, project.id)
    assert dataset.images(workspace, project.id).empty
    assert dataset.set_aside(workspace, project.id).empty
    assert [path for path in workspace.project_folder(project.id).rglob("*") if path.is_file()] == []


def test_images_that_a_run_was_made_with_outlive_their_removal(workspace, project):
    images = dataset.images(workspace, project.id)
    config = RunConfig(
        backbone="residual10", image_size=112, labels=("class-1", "class-2"), phases=(Phase(3, 1e-3, 41),)
    )
    runs.create_run(workspace, project.id, "First", config, images.iloc[:2])
    remove_all(workspace, project.id)
    assert dataset.images(workspace, project.id).empty
    assert [(workspace.home / path).exists() for path in images["path"]] == [True] * 2 + [False] * 4


def test_deleted_images_can_come_back(workspace, project, tmp_path):
    remove_all(workspace, project.id)
    result = intake.take_folder(workspace, project.id, Path(tmp_path / "pictures"))
    assert (result.num_taken, result.num_already_there) == (6, 0)


def test_images_are_counted(workspace, project):
    assert dataset.num_images(workspace, project.id) == 6
    assert dataset.num_images(workspace, "nowhere") == 0


def test_counts_are_by_class_and_split():
    made = class_counts(table(bees="tv", ants="..tx"))
    assert made.to_dict("records") == [
        {"label": "ants", "images": 4, "train": 1, "validation": 0, "test": 1},
        {"label": "bees", "images": 2, "train": 1, "validation": 1, "test": 0},
    ]


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


def test_two_classes_of_two_can_be_learned():
    check_trainable(table(ants="..", bees="tv"))


@pytest.mark.parametrize(("images", "found"), [(table(), 0), (table(ants="...."), 1)])
def test_one_class_cannot_be_told_apart(images, found):
    with pytest.raises(TooFewClassesError, match=f"this project has {found}"):
        check_trainable(images)


@pytest.mark.parametrize("splits", [".", "t", "v", "vv", "xx", ".xxx", "vvx"])
def test_classes_with_too_few_images_are_named(splits):
    with pytest.raises(TooFewImagesError, match=r"remove them: ants\.$") as caught:
        check_trainable(table(ants=splits, bees="...."))
    assert "bees" not in str(caught.value)
