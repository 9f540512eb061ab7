"""What is worth a look on the Images page, and the buttons that mend it."""

import json

import pytest

from core import curation, dataset, intake
from core.taking import IntakeResult
from core.ui.findings import _found
from core.ui.state import Key
from tests.pages.conftest import LABELS
from tests.pages.reader import open_page, texts

ANT, BEE = LABELS


@pytest.fixture
def mark(workspace, filled):
    """Writes into the row of a picture, counted from 0, what an intake would have seen on it."""
    ids = dataset.images(workspace, filled.id)["id"].to_list()

    def written(index: int, column: str, value: object) -> int:
        with workspace.database() as database:
            database.execute(f"UPDATE images SET {column} = ? WHERE id = ?", (value, ids[index]))
        return ids[index]

    return written


def buttons(app) -> list:
    return [button for button in app.button if button.key.startswith(Key.MEND.format(""))]


def findings(app):
    (expander,) = [expander for expander in app.expander if "worth a look" in expander.label]
    return expander


def pictures(app) -> list[list[dict]]:
    """The pictures of each finding, as the browser is told of them."""
    rows = [one.proto for one in findings(app).get("bidi_component")]
    return [json.loads(row.json)["pictures"] for row in rows if row.component_name.endswith("thumbnails")]


def used(workspace, project) -> set[int]:
    return set(dataset.images(workspace, project.id)["id"])


def test_a_finding_is_shown_with_its_pictures_and_its_button_mends_it(workspace, filled, mark):
    dark = mark(2, "brightness", 0.02)
    app = open_page("images", project=filled.id, lang="en")
    assert findings(app).label == "2 things worth a look"  # the other: both classes have six pictures
    assert "1 picture is very dark" in texts(app)
    assert [len(shown) for shown in pictures(app)] == [1, 12]
    assert (pictures(app)[0][0]["id"], pictures(app)[0][0]["findings"]) == (dark, ["Very dark"])
    (button,) = buttons(app)
    app = button.click().run()
    assert dark not in used(workspace, filled)
    assert buttons(app) == []
    assert "very dark" not in texts(app)
    curation.undo(workspace, filled.id)
    assert dark in used(workspace, filled)
    assert not app.exception


def fine(app) -> list:
    return [button for button in app.button if button.key.startswith(Key.FINE.format(""))]


def test_a_finding_that_is_fine_is_hidden_for_its_pictures_alone_and_shown_again(workspace, filled, mark):
    mark(2, "brightness", 0.02)
    app = open_page("images", project=filled.id, lang="en")
    fine(app)[0].click().run()
    app = open_page("images", project=filled.id, lang="en")
    assert "very dark" not in texts(app)
    assert findings(app).label == "1 thing worth a look"
    assert "1 finding hidden" in texts(app)
    assert len(dataset.images(workspace, filled.id)) == 12
    mark(3, "brightness", 0.02)
    app = open_page("images", project=filled.id, lang="en")
    assert "1 picture is very dark" in texts(app)
    app.button(key=Key.SHOW_FINDINGS).click().run()
    assert "2 pictures are very dark" in texts(app)
    assert "hidden" not in texts(app)


def test_hiding_the_last_finding_leaves_a_way_back_which_undo_is_too(workspace, filled):
    app = open_page("images", project=filled.id, lang="en")
    (button,) = fine(app)  # of the two classes with six pictures each
    app = button.click().run()
    assert not [expander for expander in app.expander if "worth a look" in expander.label]
    assert "1 finding hidden" in texts(app)
    undo = app.button(key=Key.UNDO.format(curation.last_change(workspace, filled.id).id))
    assert undo.label == "Undo: “Classes with few pictures” hidden"
    app = undo.click().run()
    assert findings(app).label == "1 thing worth a look"
    assert "hidden" not in texts(app)


def test_the_list_stays_open_for_the_next_finding(filled, mark):
    mark(2, "brightness", 0.02)
    app = open_page("images", project=filled.id, lang="en")
    assert not findings(app).proto.expanded
    app = fine(app)[0].click().run()
    assert findings(app).proto.expanded
    assert not findings(open_page("images", project=filled.id, lang="en")).proto.expanded


def test_pictures_of_a_finding_that_are_not_shown_are_counted(filled, monkeypatch):
    assert "more picture" not in texts(open_page("images", project=filled.id, lang="en"))
    monkeypatch.setattr("core.ui.findings.MOST_PICTURES", 5)
    app = open_page("images", project=filled.id, lang="en")
    assert [len(shown) for shown in pictures(app)] == [5]
    assert "and 7 more pictures" in texts(app)


def test_what_may_be_as_it_should_be_stays_folded_away(filled):
    app = open_page("images", project=filled.id, lang="en")
    assert not findings(app).proto.expanded


def test_a_leak_between_own_folders_opens_the_list_and_says_what_it_would_have_done(workspace, filled, mark):
    learned = mark(0, "split", "train")
    checked = mark(1, "split", "validation")
    mark(0, "similar", 1)
    mark(1, "similar", 1)
    app = open_page("images", project=filled.id, lang="en")
    assert findings(app).proto.expanded
    assert "its result would have looked better than it is" in texts(app)
    buttons(app)[0].click().run()
    assert learned not in used(workspace, filled)
    assert checked in used(workspace, filled)


def test_the_page_says_what_a_division_by_chance_would_have_done(filled, mark):
    assert "Divided by chance" not in texts(open_page("images", project=filled.id, lang="en"))
    for index in range(12):
        mark(index, "similar", index % 6 // 3 + index // 6 * 2)
    said = texts(open_page("images", project=filled.id, lang="en"))
    assert "validation pictures would have had a near twin" in said
    assert "Headstart keeps such pictures on one side" in said


def test_two_spellings_are_merged(workspace, filled):
    curation.rename_class(workspace, filled.id, ANT, "bee *bolt* :smile:")
    curation.set_images_aside(workspace, filled.id, dataset.images(workspace, filled.id)["id"].head(1))
    curation.rename_class(workspace, filled.id, BEE, "Bees*")
    curation.rename_class(workspace, filled.id, "bee *bolt* :smile:", "bee*")
    app = open_page("images", project=filled.id, lang="en")
    (button,) = buttons(app)
    assert button.label == r"Merge into “Bees\*”"
    app = button.click().run()
    assert set(dataset.images(workspace, filled.id)["label"]) == {"Bees*"}
    assert not app.exception


@pytest.fixture
def twofold(workspace, filled, pictures):
    """The project, into which two pictures of ants came again in the folder of the wasps."""
    again = [(name, file) for label, name, file in pictures if label == ANT][:2]
    assert intake.take_files(workspace, filled.id, "wasp *", again) == IntakeResult(num_set_aside=2)
    return filled


def test_a_picture_that_lay_in_two_folders_goes_where_its_owner_says(workspace, twofold):
    app = open_page("images", project=twofold.id, lang="en")
    assert findings(app).proto.expanded
    assert r"2 pictures of “ant” also lay in the folder of “wasp \*”" in texts(app)
    (button,) = buttons(app)
    assert button.label == r"Move to “wasp \*”"
    app = button.click().run()
    assert dataset.images(workspace, twofold.id)["label"].value_counts()["wasp *"] == 2
    assert dataset.set_aside(workspace, twofold.id)["name"].to_list() == ["broken [file].jpg"]
    assert "also lay in the folder" not in texts(app)
    curation.undo(workspace, twofold.id)
    assert len(dataset.set_aside(workspace, twofold.id)) == 3
    assert "also lay in the folder" in texts(app.run())


def test_a_picture_that_lay_in_two_folders_is_kept_where_it_is(workspace, twofold):
    app = open_page("images", project=twofold.id, lang="en")
    (keep,) = [button for button in fine(app) if button.label == "Keep in “ant”"]
    app = keep.click().run()
    assert "also lay in the folder" not in texts(app)
    assert "1 finding hidden" in texts(app)
    assert "wasp *" not in set(dataset.images(workspace, twofold.id)["label"])


def test_a_button_is_gone_with_what_was_found(workspace, filled, mark):
    mark(2, "brightness", 0.02)
    app = open_page("images", project=filled.id, lang="en")
    (before,) = buttons(app)
    mark(3, "brightness", 0.02)
    (after,) = buttons(app.run())
    assert after.key != before.key


def test_nothing_is_said_of_good_pictures(workspace, filled, monkeypatch):
    _found.clear()  # the same pictures may have been looked at before
    monkeypatch.setattr("core.checks.FEW", 6)
    app = open_page("images", project=filled.id, lang="en")
    assert not [expander for expander in app.expander if "worth a look" in expander.label]
