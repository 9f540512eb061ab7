"""Pictures that change after a training: the pages that show the run say so, and lead to a new one."""

import pytest

from core import curation, dataset, intake, jobs
from tests.pages.conftest import LABELS
from tests.pages.reader import open_page, texts

PAGES = ("learned", "train")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_said_while_the_pictures_are_the_same(filled, finished, name):
    said = texts(open_page(name, project=filled.id, run=finished.id, lang="en"))
    assert "Since this training began" not in said
    assert "pictures changed since" not in said


@pytest.mark.parametrize("name", PAGES)
def test_what_changed_is_counted_with_the_next_step(workspace, filled, finished, pictures, name):
    table = dataset.images(workspace, filled.id)
    ants = table.loc[table["label"] == LABELS[0], "id"].to_list()
    curation.move_images(workspace, filled.id, ants[:2], LABELS[1])
    curation.set_images_aside(workspace, filled.id, ants[2:3])
    fresh = pictures[0][2].with_name("fresh.png")
    fresh.write_bytes(pictures[0][2].read_bytes() + b" ")  # other bytes, so that it is no copy
    intake.take_files(workspace, filled.id, LABELS[0], [("fresh.png", fresh)])
    app = open_page(name, project=filled.id, run=finished.id, lang="en")
    assert (
        "Since this training began, 1 picture was added, 2 pictures were moved to other classes, and 1 picture was "
        "removed. Train again, so that"
    ) in texts(app)
    again = next(link.proto for link in app.get("page_link") if link.proto.label == "Train again")
    assert again.page == "train"
    assert "run=" not in again.query_string


def test_a_renamed_class_is_no_moved_picture(workspace, filled, finished):
    curation.rename_class(workspace, filled.id, LABELS[1], "wasp")
    said = texts(open_page("learned", project=filled.id, run=finished.id, lang="en"))
    assert "Since this training began, 1 class was renamed. Train again" in said


def test_undoing_the_change_ends_the_message(workspace, filled, finished):
    curation.rename_class(workspace, filled.id, LABELS[1], "wasp")
    curation.undo(workspace, filled.id)
    assert "Since this training" not in texts(open_page("train", project=filled.id, run=finished.id, lang="en"))


def test_only_the_runs_of_before_are_marked_in_the_list(workspace, filled, finished):
    curation.rename_class(workspace, filled.id, LABELS[1], "wasp")
    jobs.start_run(workspace, filled.id, "after", jobs.runs.read_config(finished))
    said = texts(open_page("train", project=filled.id, lang="en"))
    assert said.count("pictures changed since") == 1
    assert "Since this training" not in said  # the one that is shown knows the new name
