"""Each page in each state of a project, in both languages: nothing raises, and every page has its title."""

import pytest

from core import runs
from core.ui.navigation import STEPS, STEPS_OF_A_RUN
from tests.pages.reader import go_through, open_page, texts


def test_without_a_project_every_page_says_so_and_leads_to_the_projects(workspace):
    for name, app in go_through(lang="en"):
        assert name == "projects" or "No project is open" in texts(app)


def test_an_unknown_project_counts_as_none(workspace, language):
    assert len(list(go_through(project="nowhere", run="neither", lang=language))) == len(STEPS)


def test_an_empty_project_asks_for_pictures(workspace, project):
    for name, app in go_through(project=project.id, lang="en"):
        assert name not in ("model", "train") or "no pictures in this project" in texts(app)


def test_an_empty_project_in_every_language(workspace, project, language):
    list(go_through(project=project.id, lang=language))


def test_a_project_with_pictures_asks_for_a_run(workspace, filled):
    for name, app in go_through(project=filled.id, lang="en"):
        assert name not in ("learned", "try_it", "take_home") or "Nothing has been trained" in texts(app)


def test_a_project_with_pictures_in_every_language(workspace, filled, language):
    list(go_through(project=filled.id, lang=language))


def test_a_finished_run(workspace, filled, finished, language):
    for _name, app in go_through(project=filled.id, run=finished.id, lang=language):
        assert not app.error
        assert all(button.label.strip() for button in app.button)  # or nothing would be heard of it


def test_a_waiting_run(workspace, filled, worker, language):
    list(go_through(project=filled.id, run=worker.run.id, lang=language))


def test_a_run_that_goes_on(workspace, filled, worker, language, own_process):
    worker.begin(*own_process)
    list(go_through(project=filled.id, run=worker.run.id, lang=language))


@pytest.mark.parametrize("end", ["stop", "fail"])
def test_a_run_that_did_not_finish(workspace, filled, worker, end, language):
    worker.begin(1, 0.0)
    getattr(worker, end)()
    list(go_through(project=filled.id, run=worker.run.id, lang=language))


def test_a_lost_run(workspace, filled, worker, language):
    worker.begin(1, 0.0)
    assert runs.open_run(workspace, worker.run.id).state == runs.State.LOST
    list(go_through(project=filled.id, run=worker.run.id, lang=language))


def test_the_address_of_the_run_alone_leads_to_its_project(workspace, filled, finished):
    assert not open_page("learned", run=finished.id).error


def test_an_unknown_run_of_a_known_project_is_named(workspace, filled, finished):
    for name, app in go_through(project=filled.id, run="nothing", lang="en"):
        told = [info.value for info in app.info]
        assert bool(told) == (name in STEPS_OF_A_RUN)
        assert all("There is no run “nothing” here" in sentence for sentence in told)
