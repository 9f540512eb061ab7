"""Putting pictures in order on the Images page; clicks on pictures themselves are in tests/browser."""

import pytest
from streamlit.testing.v1 import AppTest

from core import curation, dataset
from core.checks import Finding
from core.ui import curating, gallery, state
from core.ui.state import Key
from tests.pages.conftest import LABELS
from tests.pages.reader import open_page, texts

ANT, BEE = LABELS
SHOWN_CLASS = f"{Key.SHOWN_CLASS}_en"


def counts(workspace, project) -> dict[str, int]:
    return dataset.images(workspace, project.id)["label"].value_counts().to_dict()


def ids(workspace, project, label: str = ANT) -> list[int]:
    table = dataset.images(workspace, project.id)
    return table.loc[table["label"] == label, "id"].to_list()


def select(app: AppTest, chosen: list[int]) -> AppTest:
    """Does what the grid does when pictures are clicked."""
    number = app.session_state[state.SESSION].selections
    app.session_state[Key.PICTURES] = {"selection": {"number": number, "ids": chosen}}
    return app.run()


def undo_buttons(app: AppTest) -> list:
    return [button for button in app.button if button.key.startswith(Key.UNDO.format(""))]


def test_selected_pictures_are_moved_and_moved_back(workspace, filled):
    app = select(open_page("images", project=filled.id, lang="en"), ids(workspace, filled)[:2])
    assert "**2** selected" in texts(app)
    app.selectbox(key=Key.MOVE_TO.format(0)).set_value(BEE).run()
    app.button(key=Key.MOVE).click().run()
    assert counts(workspace, filled) == {ANT: 4, BEE: 8}
    assert "Click pictures to select them." in texts(app)
    (undo,) = undo_buttons(app)
    assert undo.label.startswith("Undo: 2 pictures moved to “bee \\*bold\\*")
    undo.click().run()
    assert counts(workspace, filled) == {ANT: 6, BEE: 6}
    assert undo_buttons(app) == []
    assert not app.exception


def test_nothing_can_be_done_while_nothing_is_selected(filled):
    app = open_page("images", project=filled.id)
    for key in (Key.MOVE, Key.SET_ASIDE, Key.CLEAR_SELECTION):
        assert app.button(key=key).disabled
    assert app.selectbox(key=Key.MOVE_TO.format(0)).disabled


def test_a_selection_that_was_cleared_is_over(workspace, filled):
    app = select(open_page("images", project=filled.id, lang="en"), ids(workspace, filled)[:2])
    app.button(key=Key.CLEAR_SELECTION).click().run()
    assert "Click pictures to select them." in texts(app)
    assert app.button(key=Key.SET_ASIDE).disabled


def test_a_selection_ends_with_another_class(workspace, filled):
    app = select(open_page("images", project=filled.id, lang="en"), ids(workspace, filled)[:2])
    app.selectbox(key=SHOWN_CLASS).set_value(BEE).run()
    assert "Click pictures to select them." in texts(app)


@pytest.mark.parametrize("told", [None, "nonsense", {"number": 0}, {"number": 0, "ids": ["1", None]}, {"ids": [1]}])
def test_a_browser_that_tells_nonsense_selects_nothing(filled, told):
    app = open_page("images", project=filled.id)
    app.session_state[Key.PICTURES] = {"selection": told}
    app.run()
    assert app.button(key=Key.SET_ASIDE).disabled
    assert not app.exception


def test_pictures_set_aside_are_shown_apart_and_brought_back(workspace, filled):
    chosen = ids(workspace, filled)[:2]
    app = select(open_page("images", project=filled.id, lang="en"), chosen)
    app.button(key=Key.SET_ASIDE).click().run()
    assert counts(workspace, filled) == {ANT: 4, BEE: 6}
    app.segmented_control(key=Key.SHOWN_PART).set_value(curating.ASIDE).run()
    select(app, chosen)
    app.button(key=Key.BRING_BACK).click().run()
    assert counts(workspace, filled) == {ANT: 6, BEE: 6}
    assert Key.SET_ASIDE in [button.key for button in app.button]
    assert not app.exception


def test_a_project_of_which_everything_is_set_aside_shows_it(workspace, filled):
    for label in LABELS:
        curation.remove_class(workspace, filled.id, label)
    app = open_page("images", project=filled.id)
    assert Key.BRING_BACK in [button.key for button in app.button]
    (undo,) = undo_buttons(app)
    undo.click().run()
    assert counts(workspace, filled) == {BEE: 6}


def test_a_class_is_removed_and_comes_back(workspace, filled):
    app = open_page("images", project=filled.id)
    app.selectbox(key=SHOWN_CLASS).set_value(ANT).run()
    app.button(key=Key.REMOVE_CLASS.format(ANT)).click().run()
    assert counts(workspace, filled) == {BEE: 6}
    assert app.selectbox(key=SHOWN_CLASS).value == ""
    undo_buttons(app)[0].click().run()
    assert counts(workspace, filled) == {ANT: 6, BEE: 6}
    assert not app.exception


def test_a_class_is_renamed_and_stays_in_sight(workspace, filled):
    app = open_page("images", project=filled.id)
    app.selectbox(key=SHOWN_CLASS).set_value(ANT).run()
    app.button(key=Key.RENAME_CLASS.format(ANT)).click().run()
    app.text_input(key=Key.RENAME_NAME).set_value("wasp").run()
    app.button(key=Key.CONFIRM).click().run()
    assert counts(workspace, filled) == {"wasp": 6, BEE: 6}
    assert app.selectbox(key=SHOWN_CLASS).value == "wasp"
    assert not app.exception


def test_a_merge_is_told_before_it_is_made(workspace, filled):
    app = open_page("images", project=filled.id, lang="en")
    app.selectbox(key=SHOWN_CLASS).set_value(ANT).run()
    app.button(key=Key.RENAME_CLASS.format(ANT)).click().run()
    app.text_input(key=Key.RENAME_NAME).set_value(BEE)
    # The name is typed and “Rename” clicked at once: the reader has not seen the warning yet.
    app.button(key=Key.CONFIRM).click().run()
    assert counts(workspace, filled) == {ANT: 6, BEE: 6}
    assert "The 6 pictures of “ant” will join it." in app.warning[0].value
    app.button(key=Key.MERGE_CLASS).click().run()
    assert counts(workspace, filled) == {BEE: 12}
    assert not app.exception


def test_each_change_has_an_undo_button_of_its_own(workspace, filled):
    curation.rename_class(workspace, filled.id, ANT, "wasp")
    curation.rename_class(workspace, filled.id, "wasp", "hornet")
    app = open_page("images", project=filled.id)
    (undo,) = undo_buttons(app)
    app = undo.click().run()
    assert counts(workspace, filled) == {"wasp": 6, BEE: 6}
    assert [button.key for button in undo_buttons(app)] != [undo.key]


def test_many_classes_are_a_table(workspace, filled, monkeypatch):
    monkeypatch.setattr(gallery, "MOST_BARS", 1)
    app = open_page("images", project=filled.id, lang="en")
    table = app.dataframe[-1].value
    assert dict(zip(table["Class"], table["Pictures"], strict=True)) == {ANT: 6, BEE: 6}


def view_of(workspace, project, *findings: Finding) -> curating.View:
    table = dataset.images(workspace, project.id)
    return curating.View(workspace, project.id, curating.USED, "", {ANT: 6, BEE: 6}, table, findings, False)


def test_what_was_found_about_a_picture_is_told_beside_it(workspace, filled):
    first, second, third = ids(workspace, filled)[:3]
    found = [
        Finding("other_folder", 1, (second,), values={"label": ANT, "other": BEE}),
        Finding("blurred", 2, (first, second)),
        Finding("few", 1, (first, second, third)),
    ]
    view = view_of(workspace, filled, *found)
    told = {one.id: one.findings for group in curating._groups(view, view.pictures) for one in group.pictures}
    assert told[first] == ["Looks blurred"]
    assert told[second] == [f"Also lay in the folder of “{BEE}”", "Looks blurred"]
    assert told[third] == []


def test_pictures_are_shown_page_by_page(workspace, filled, monkeypatch):
    monkeypatch.setattr(curating, "PAGE_PICTURES", 4)
    view = view_of(workspace, filled)
    groups = curating._groups(view, view.pictures.iloc[4:8])
    assert [(group.label, group.count, len(group.pictures)) for group in groups] == [
        (ANT, "6 pictures", 2),
        (BEE, "6 pictures", 2),
    ]
    assert not open_page("images", project=filled.id).exception


def test_the_class_that_is_shown_follows_the_language(filled):
    app = open_page("images", project=filled.id, lang="en")
    app.selectbox(key=SHOWN_CLASS).set_value(BEE).run()
    app.query_params["lang"] = "es"
    app.run()
    box = app.selectbox(key=f"{Key.SHOWN_CLASS}_es")
    assert box.value == BEE
    assert box.options[0] == "Todas las clases"
