import shutil
import time

import pytest

from core import projects, sizes
from core.limits import Limits
from core.saved import moves
from core.saved.parcel import BadParcelError, LargeParcelError
from core.ui import moving, sharing
from core.ui.markup import plain
from core.ui.state import Key
from core.ui.upload import FolderUpload, refuse
from core.work_folder import OUTCOME
from tests.pages.reader import open_page, parameter, texts


def test_without_projects_the_page_says_what_headstart_does(workspace):
    app = open_page("projects", lang="en")
    assert "Teach a computer to see what you see" in [element.value for element in app.subheader]


def test_a_new_project_is_made_and_opened(workspace):
    app = open_page("projects")
    app.button(key=Key.NEW_PROJECT).click().run()
    app.text_input(key=Key.NEW_PROJECT_NAME).set_value("Garden  leaves")
    app.button(key=Key.CREATE_PROJECT).click().run()
    (project,) = projects.list_projects(workspace)
    assert project.name == "Garden leaves"
    assert parameter(app, "project") == project.id
    assert not app.exception


def test_a_project_without_a_name_is_refused_with_a_sentence(workspace):
    app = open_page("projects", lang="en")
    app.button(key=Key.NEW_PROJECT).click().run()
    app.button(key=Key.CREATE_PROJECT).click().run()
    assert "A project needs a name" in app.error[0].value
    assert projects.list_projects(workspace) == []


def test_a_project_is_renamed(workspace, project):
    app = open_page("projects")
    app.button(key=Key.RENAME_PROJECT.format(project.id)).click().run()
    app.text_input(key=Key.RENAME_NAME).set_value("Insects")
    app.button(key=Key.CONFIRM).click().run()
    assert projects.open_project(workspace, project.id).name == "Insects"


def test_renamed_project_says_it_where_its_name_got_a_number(workspace, project, monkeypatch):
    told = []
    monkeypatch.setattr("streamlit.toast", lambda said, **look: told.append(said))  # the run after it begins at once
    projects.create_project(workspace, "Insects")
    app = open_page("projects", lang="en")
    for name in ("Insects", "Beetles"):
        app.button(key=Key.RENAME_PROJECT.format(project.id)).click().run()
        app.text_input(key=Key.RENAME_NAME).set_value(name)
        app.button(key=Key.CONFIRM).click().run()
    assert told == [r"There was a “Insects” already, so this one is called “Insects \(2\)”."]
    assert "### Beetles" in texts(app)


def test_deleting_asks_first(workspace, project):
    app = open_page("projects")
    app.button(key=Key.DELETE_PROJECT.format(project.id)).click().run()
    assert projects.list_projects(workspace) == [project]
    app.button(key=Key.CONFIRM).click().run()
    assert projects.list_projects(workspace) == []


def test_a_cancelled_deletion_deletes_nothing(workspace, project):
    app = open_page("projects")
    app.button(key=Key.DELETE_PROJECT.format(project.id)).click().run()
    app.button(key=Key.CANCEL).click().run()
    assert projects.list_projects(workspace) == [project]


def test_a_card_says_what_is_in_the_project_and_how_well_it_did(filled, finished):
    said = texts(open_page("projects", lang="en"))
    assert "12 pictures · 2 classes · 1 run" in said
    assert "75.0%" in said


def test_a_name_is_text_and_never_markup(project):
    said = texts(open_page("images", project=project.id, lang="en"))
    assert r"Ants \& \<b\>bees\<\/b\>" in said


def test_deleted_project_is_listed_with_its_days_and_comes_back(workspace, filled):
    projects.delete_project(workspace, filled.id)
    app = open_page("projects", lang="en")
    assert [expander.label for expander in app.expander] == ["1 deleted project"]
    heard = app.button(key=Key.REMOVE_PROJECT.format(filled.id)).label
    assert heard == f"Delete the project “{plain(filled.name)}” for good"
    assert "goes for good in 7 days" in texts(app)
    app.button(key=Key.RECOVER_PROJECT.format(filled.id)).click().run()
    assert [project.id for project in projects.list_projects(workspace)] == [filled.id]
    assert not app.expander
    assert not app.exception


def test_in_its_last_day_a_deleted_project_counts_hours(workspace, project):
    projects.delete_project(workspace, project.id)
    with workspace.database() as database:
        database.execute("UPDATE projects SET deleted = ?", (time.time() - projects.KEPT_SECONDS + 3 * 3600,))
    assert "goes for good in 3 hours" in texts(open_page("projects", lang="en"))


def test_deleting_for_good_asks_first(workspace, filled):
    projects.delete_project(workspace, filled.id)
    app = open_page("projects", lang="en")
    app.button(key=Key.REMOVE_PROJECT.format(filled.id)).click().run()
    assert "This cannot be undone." in texts(app)
    assert workspace.project_folder(filled.id).exists()
    app.button(key=Key.CONFIRM).click().run()
    assert projects.list_deleted(workspace) == []
    assert not workspace.project_folder(filled.id).exists()


def test_address_of_a_deleted_project_and_of_its_run_counts_as_none(workspace, filled, finished):
    projects.delete_project(workspace, filled.id)
    for address in ({"project": filled.id}, {"run": finished.id}):
        assert "No project is open" in texts(open_page("learned", lang="en", **address))


def test_page_says_what_everything_takes_once_that_is_known(workspace, filled, finished):
    assert "Free on this disk" not in texts(open_page("projects", lang="en"))
    sizes.measure(workspace)
    said = texts(open_page("projects", lang="en"))
    assert "KB of pictures" in said and "KB of runs" in said
    assert "Everything here takes" in said and "Free on this disk" in said


def wait(workspace, name: str) -> None:
    deadline = time.monotonic() + 60
    while not moves.find(workspace, name).is_over and time.monotonic() < deadline:
        time.sleep(0.02)


def test_figures_that_are_old_are_drawn_anew_when_newer_ones_are_there(workspace, filled, monkeypatch):
    sizes.measure(workspace)
    monkeypatch.setattr(sizes, "RECENT_SECONDS", -1.0)
    app = open_page("projects", lang="en")
    (workspace.project_folder(filled.id) / "more.bin").write_bytes(bytes(5_000_000))
    before = texts(app)
    sizes.measure(workspace)
    app.run()  # as its part does by itself
    assert "MB of pictures" in texts(app)
    assert "MB of pictures" not in before


def test_project_is_saved_as_a_file_and_offered(workspace, filled):
    app = open_page("projects", lang="en")
    app.button(key=Key.SAVE_PROJECT.format(filled.id)).click().run()
    assert not app.exception
    wait(workspace, moves.OUT + filled.id)
    app = open_page("projects", lang="en")
    assert any("Download (" in element.label for element in app.get("link_button"))
    app.button(key=Key.DISMISS_MOVE.format(moves.OUT + filled.id)).click().run()
    assert moves.find_saving(workspace, filled.id) is None


def test_project_that_came_in_is_told_and_opened(workspace, filled, finished, tmp_path):
    moves.save_project(workspace, filled.id)
    wait(workspace, moves.OUT + filled.id)
    file = shutil.copy(moves.find_saving(workspace, filled.id).parcel, tmp_path / "download.zip")
    moves.bring_project(workspace, file, Limits())
    (move,) = moves.list_arriving(workspace)
    wait(workspace, move.name)
    app = open_page("projects", lang="en")
    # Its model was made up by the test, so that its run does not hold up.
    assert "is here: 12 pictures, 0 runs." in app.warning[0].value
    assert "left out: First" in app.warning[0].value
    app.button(key=Key.OPEN_BROUGHT.format(move.name)).click().run()
    assert parameter(app, "project") != filled.id
    assert moves.list_arriving(workspace) == []


def test_file_that_is_no_saved_project_is_refused_with_a_sentence(workspace, tmp_path):
    folder = tmp_path / "upload" / "files"
    folder.mkdir(parents=True)
    (folder / "cat.jpg").write_bytes(b"x")
    with pytest.raises(BadParcelError, match=r"cat\.jpg"):
        moving.bring(workspace, FolderUpload("u", folder, 1))
    assert not folder.parent.exists()


def test_file_that_was_refused_is_named(workspace, tmp_path):
    folder = tmp_path / "upload" / "files"
    folder.mkdir(parents=True)
    with pytest.raises(BadParcelError, match=r"aux\.zip"):
        moving.bring(workspace, FolderUpload("u", folder, 0, (refuse("aux.zip", "name"),)))


@pytest.mark.parametrize(
    ("is_shared", "next_step"), [(False, "HEADSTART_MAX_FILES"), (True, "looks after this server")]
)
def test_what_is_too_large_says_who_can_allow_more(workspace, monkeypatch, is_shared, next_step):
    folder = moves.MoveFolder(workspace.home / "moves" / "in-1")
    folder.write(moves.ORDER, {})
    folder.write(OUTCOME, {"error": LargeParcelError(files=7, gigabytes=8).said()})
    monkeypatch.setattr(sharing, "is_shared", lambda: is_shared)
    (error,) = open_page("projects", lang="en").error
    assert "7 files with 8 GB" in error.value
    assert next_step in error.value.replace("\\", "")
    assert ("HEADSTART" in error.value) is not is_shared


def test_project_that_was_deleted_in_another_tab_meanwhile_cannot_be_saved(workspace, filled):
    app = open_page("projects", lang="en")
    projects.delete_project(workspace, filled.id)
    app.button(key=Key.SAVE_PROJECT.format(filled.id)).click().run()
    assert not app.exception
    assert "There is no project" in app.toast[0].value


def test_bringing_a_saved_project_is_offered_also_where_there_is_none(workspace):
    app = open_page("projects", lang="en")
    app.button(key=Key.BRING_PROJECT).click().run()
    assert "Bring only files of people whom you trust" in texts(app)
    assert not app.exception
