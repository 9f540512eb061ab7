"""Wrong answers whose label is what is wrong: put right from where they are looked at."""

import pytest

from core import curation, dataset, intake, metrics
from core.ui.state import Key
from tests.pages.conftest import LABELS
from tests.pages.reader import open_page, texts


@pytest.fixture
def mistake(workspace, filled, finished):
    """The one mistake of the finished run, and the id of its picture in the project."""
    (row,) = metrics.worst_mistakes(metrics.read_predictions(finished.folder), 12).itertuples()
    table = dataset.images(workspace, filled.id).set_index("path")
    return row, int(table["id"][row.path])


@pytest.fixture
def learned(filled, finished):
    return lambda: open_page("learned", project=filled.id, run=finished.id, lang="en")


def label_of(workspace, filled, picture: int) -> str | None:
    return dataset.images(workspace, filled.id).set_index("id")["label"].get(picture)


def keys(app) -> list[str]:
    return [button.key for button in app.button]


def test_picture_is_moved_to_the_class_that_the_network_named_and_back_again(workspace, filled, learned, mistake):
    row, picture = mistake
    app = learned()
    app.button(key=Key.MOVE_MISTAKE.format(picture)).click().run()
    assert not app.exception
    assert label_of(workspace, filled, picture) == row.predicted
    assert "now in" in texts(app) and "Train again, so that" in texts(app)
    assert "75.0%" in texts(app)  # what the run was checked with stays as it was
    assert Key.MOVE_MISTAKE.format(picture) not in keys(app)
    change = curation.last_change(workspace, filled.id)
    app.button(key=Key.UNDO.format(change.id)).click().run()
    assert label_of(workspace, filled, picture) == row.label
    assert Key.MOVE_MISTAKE.format(picture) in keys(app)


def test_picture_is_set_aside_and_brought_back(workspace, filled, learned, mistake):
    row, picture = mistake
    app = learned()
    app.button(key=Key.SET_MISTAKE_ASIDE.format(picture)).click().run()
    assert label_of(workspace, filled, picture) is None
    assert "no longer in use" in texts(app)
    assert Key.SET_MISTAKE_ASIDE.format(picture) not in keys(app)
    change = curation.last_change(workspace, filled.id)
    app.button(key=Key.UNDO.format(change.id)).click().run()
    assert label_of(workspace, filled, picture) == row.label


def test_nothing_is_offered_for_a_picture_that_has_another_label_since(workspace, filled, learned, mistake):
    _row, picture = mistake
    curation.move_images(workspace, filled.id, [picture], "wasp")
    app = learned()
    assert "now in “wasp”" in texts(app)
    assert not {Key.MOVE_MISTAKE.format(picture), Key.SET_MISTAKE_ASIDE.format(picture)} & set(keys(app))


def test_no_picture_is_moved_to_a_class_that_is_not_there_any_more(workspace, filled, learned, mistake):
    row, picture = mistake
    curation.remove_class(workspace, filled.id, row.predicted)
    app = learned()
    assert Key.MOVE_MISTAKE.format(picture) not in keys(app)
    assert Key.SET_MISTAKE_ASIDE.format(picture) in keys(app)


@pytest.mark.parametrize("which", ["label", "predicted"])
def test_a_class_that_was_renamed_is_still_the_same_class(workspace, filled, learned, mistake, which):
    row, picture = mistake
    curation.rename_class(workspace, filled.id, getattr(row, which), "wasp")
    app = learned()
    assert "now in" not in texts(app)
    app.button(key=Key.MOVE_MISTAKE.format(picture)).click().run()
    assert label_of(workspace, filled, picture) == ("wasp" if which == "predicted" else row.predicted)


def test_nothing_is_undone_here_where_nothing_was_done_about_a_mistake(workspace, filled, learned, mistake):
    _row, picture = mistake
    others = dataset.images(workspace, filled.id)
    other = int(others[(others["id"] != picture) & (others["label"] == LABELS[0])]["id"].iloc[0])
    curation.move_images(workspace, filled.id, [other], LABELS[1])
    change = curation.last_change(workspace, filled.id)
    assert Key.UNDO.format(change.id) not in keys(learned())


def test_while_pictures_arrive_nothing_is_changed(workspace, filled, learned, mistake, monkeypatch):
    monkeypatch.setattr(intake, "intake_status", lambda workspace, project_id: intake.IntakeStatus())
    (popover,) = learned().get("popover")
    assert popover.proto.popover.disabled
