"""Pages where people sign in: the way in, the way out, and what of others is not there."""

import pytest

from core import projects, runs
from core.ui import identity, sharing
from core.ui.identity import Person
from core.ui.markup import plain
from core.ui.navigation import STEPS
from core.ui.state import Key
from tests.pages.reader import go_through, open_page, texts

ANA, BO = Person('["i", "1"]', "Ana <b>*A*</b> :smile:"), Person('["i", "2"]', "Bo")


@pytest.fixture
def person(monkeypatch):
    """Says who looks at the pages; nobody at first."""
    monkeypatch.setattr(identity, "is_required", lambda: True)
    monkeypatch.setattr(sharing, "get_secrets_auth_section", lambda: {"client_id": "x"})

    def comes(who: Person | None) -> None:
        monkeypatch.setattr(identity, "person", lambda: who)

    comes(None)
    return comes


@pytest.mark.parametrize("language", ["en", "es"])
def test_somebody_signed_out_sees_a_sentence_and_a_button(workspace, filled, finished, person, language):
    app = open_page("projects", project=filled.id, run=finished.id, lang=language)
    assert [button.key for button in app.button] == [Key.SIGN_IN.format("")]
    assert len(app.markdown) == 1 and len(app.title) == 1
    assert "Ants" not in texts(app)
    assert not app.sidebar.children


def test_a_step_is_closed_to_somebody_signed_out(workspace, filled, person):
    person(BO)
    app = open_page("images", lang="en")
    person(None)
    app.run()
    assert [title.value for title in app.title] == ["Sign in"]


def test_each_service_has_its_button(workspace, person, monkeypatch):
    services = {"google": {"client_id": "x"}, "my*okta": {"client_id": "y"}}
    monkeypatch.setattr(sharing, "get_secrets_auth_section", lambda: services)
    labels = [button.label for button in open_page("projects", lang="en").button]
    assert labels == ["Sign in with google", r"Sign in with my\*okta"]


def test_name_is_text_beside_the_way_out(workspace, person):
    person(ANA)
    app = open_page("projects", lang="en")
    assert app.button(key=Key.SIGN_OUT).label == "Sign out"
    said = texts(app)
    assert r"Signed in as Ana \<b\>\*A\*" in said and ":smile:" not in said
    assert "seen by you alone" in said and "your own machine" not in said


def test_without_sign_in_there_is_no_way_out(workspace):
    app = open_page("projects", lang="en")
    assert Key.SIGN_OUT not in [button.key for button in app.button]
    assert "Headstart runs on your own machine" in texts(app)


def test_a_new_project_is_its_makers(workspace, person):
    person(ANA)
    app = open_page("projects")
    app.button(key=Key.NEW_PROJECT).click().run()
    app.text_input(key=Key.NEW_PROJECT_NAME).set_value("Bees")
    app.button(key=Key.CREATE_PROJECT).click().run()
    assert [project.name for project in projects.list_projects(workspace.seen_by(ANA.owner))] == ["Bees"]
    assert projects.list_projects(workspace.seen_by(BO.owner)) == []
    person(BO)
    assert "Bees" not in texts(open_page("projects", lang="en"))


def test_address_of_anothers_project_and_run_says_what_an_unknown_one_does(workspace, filled, finished, person):
    """The project was made before anybody signed in, so that it is nobody's."""
    person(BO)
    pages = zip(
        go_through(project=filled.id, run=finished.id, lang="en"),
        go_through(project="nowhere", run="neither", lang="en"),
        strict=True,
    )
    assert [texts(theirs) == texts(unknown) for (_, theirs), (_, unknown) in pages] == [True] * len(STEPS)


def test_run_of_another_is_unknown_in_ones_own_project(workspace, finished, person):
    person(BO)
    own = projects.create_project(workspace.seen_by(BO.owner), "Cups")
    said = texts(open_page("train", project=own.id, run=finished.id, lang="en"))
    unknown = texts(open_page("train", project=own.id, run="neither", lang="en"))
    assert said.replace(finished.id, "neither") == unknown
    assert "There is no run" in said


def test_a_place_in_the_queue_counts_the_runs_of_others_and_names_none(workspace, worker, person):
    projects_of_bo = workspace.seen_by(BO.owner)
    own = projects.create_project(projects_of_bo, "Cups")
    waiting = runs.create_run(projects_of_bo, own.id, "Second", worker.config, worker.table)
    with workspace.database() as database:  # pictures enough for the page to open
        database.execute("UPDATE images SET project_id = ?", (own.id,))
    person(BO)
    said = texts(open_page("train", project=own.id, run=waiting.id, lang="en"))
    assert "Waiting: 1 run goes before this one." in said
    assert worker.run.id not in said and plain(worker.run.name) not in said
