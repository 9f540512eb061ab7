from pathlib import Path

import pandas as pd
import pytest

from core import curation, dataset, intake, projects, runs
from core.config import Phase, RunConfig
from core.dataset import (
    TooFewClassesError,
    TooFewImagesError,
    check_trainable,
    class_counts,
    remove_all,
    thumbnail_path,
)
from tests.tables import table


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


def test_paths_and_labels_are_those_of_the_whole_table(workspace, project):
    before = dataset.images(workspace, project.id)
    curation.set_images_aside(workspace, project.id, [before["id"].iloc[0]])
    whole = dataset.images(workspace, project.id)
    assert len(whole) == 5
    pd.testing.assert_frame_equal(dataset.labels_by_path(workspace, project.id), whole[["path", "label"]])


def test_thumbnail_is_found_for_a_row_of_either_form(workspace, project):
    images = dataset.images(workspace, project.id)
    assert thumbnail_path(workspace, images.iloc[0]).exists()
    assert thumbnail_path(workspace, next(images.itertuples())) == thumbnail_path(workspace, images.iloc[0])


def test_what_was_set_aside_is_named_with_the_reason(workspace, project):
    aside = dataset.set_aside(workspace, project.id)
    assert aside["name"].to_list() == ["notes.txt"]
    assert "not a picture" in aside["problem"].iloc[0].format(**aside["values"].iloc[0])


def test_a_picture_that_lay_in_two_folders_is_disputed_until_it_is_moved_there(workspace, project, tmp_path):
    first = dataset.images(workspace, project.id).iloc[0]
    copy = tmp_path / "copy" / "class-3" / "1.png"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((tmp_path / "pictures" / first["name"]).read_bytes())
    (copy.parent / "2.png").write_bytes(b"not a picture")
    intake.take_folder(workspace, project.id, copy.parents[1])
    assert dataset.disputed(workspace, project.id) == {first["id"]: "class-3"}
    assert dataset.set_aside(workspace, project.id)["name"].to_list() == ["notes.txt", "class-3/1.png", "class-3/2.png"]
    curation.move_images(workspace, project.id, [int(first["id"])], "class-3")
    assert dataset.disputed(workspace, project.id) == {}
    assert dataset.set_aside(workspace, project.id)["name"].to_list() == ["notes.txt", "class-3/2.png"]
    curation.undo(workspace, project.id)
    curation.set_images_aside(workspace, project.id, [int(first["id"])])
    assert dataset.disputed(workspace, project.id) == {}
    assert len(dataset.set_aside(workspace, project.id)) == 3


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


def test_a_project_that_can_be_learned_is_known_by_its_counts(workspace, project):
    assert dataset.is_trainable(workspace, project.id)
    table_of = dataset.images(workspace, project.id)
    curation.set_images_aside(workspace, project.id, table_of["id"][:2])
    assert not dataset.is_trainable(workspace, project.id)  # one image of a class is left
    curation.undo(workspace, project.id)
    curation.remove_class(workspace, project.id, "class-1")
    assert not dataset.is_trainable(workspace, project.id)


@pytest.mark.parametrize("folders", [("test", "test", "train"), ("val", "val", "val")])
def test_images_of_a_users_own_folders_count_as_they_do_in_the_check(workspace, picture_folder, folders):
    made = projects.create_project(workspace, "Divided")
    folder = picture_folder(classes=2, each=3)
    for label in ("class-1", "class-2"):
        for number, part in enumerate(folders, 1):
            target = folder / part / label / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / label / f"{number}.png").rename(target)
        (folder / label).rmdir()
    intake.take_folder(workspace, made.id, folder)
    with pytest.raises(TooFewImagesError):
        check_trainable(dataset.images(workspace, made.id))
    assert not dataset.is_trainable(workspace, made.id)


def test_labels_by_path_wait_for_nobody_who_writes(workspace):
    project = projects.create_project(workspace, "Insects")
    with workspace.database():  # a second one that writes would wait for half a minute, and fail
        assert dataset.labels_by_path(workspace, project.id).empty
