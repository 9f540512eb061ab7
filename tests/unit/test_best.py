import pytest

from core import curation, dataset, events, intake, projects, runs
from core.best import best_run, usual_run
from core.config import Phase, RunConfig
from core.runs import Run, State

CONFIG = RunConfig(backbone="residual10", image_size=112, labels=("ant", "bee"), phases=(Phase(3, 1e-3, 41),))


@pytest.fixture
def project(workspace, picture_folder) -> str:
    project_id = projects.create_project(workspace, "Insects").id
    intake.take_folder(workspace, project_id, picture_folder())
    return project_id


@pytest.fixture
def end(workspace, project):
    """Makes a run that came to an end: `end(0.5)` for its accuracy; with what it said instead, and its state."""

    def make(accuracy: float, kind: type[events.Event] = events.Finished, state: State = State.FINISHED) -> Run:
        table = dataset.images(workspace, project).assign(split="train")
        run = runs.create_run(workspace, project, str(accuracy), CONFIG, table)
        events.append(run.folder / "events.jsonl", kind(best_epoch=1, val_accuracy=accuracy))
        runs.record_state(workspace, run.id, state)
        for name in ("model.keras", "predictions.parquet"):
            (run.folder / name).touch()
        return run

    return make


def found(choose, workspace, project) -> str | None:
    run = choose(workspace, runs.list_runs(workspace, project))
    return run.id if run else None


def test_without_a_model_there_is_none(workspace, project, end):
    run = end(0.5)
    (run.folder / "model.keras").unlink()
    assert found(best_run, workspace, project) is None
    assert found(usual_run, workspace, project) is None


def test_the_most_accurate_is_the_best_and_the_newest_of_equals(workspace, project, end):
    end(0.9)
    best = end(0.9)
    end(0.5)
    assert found(best_run, workspace, project) == best.id
    assert found(usual_run, workspace, project) == best.id


def test_a_stopped_run_may_be_the_best(workspace, project, end):
    best = end(0.9, events.Stopped, State.STOPPED)
    end(0.5)
    assert found(best_run, workspace, project) == best.id


@pytest.mark.parametrize("state", [State.FAILED, State.LOST, State.PAUSED, State.QUEUED])
def test_a_run_that_is_to_go_on_is_not_the_best(workspace, project, end, state):
    run = end(0.9)
    if state == State.FAILED:
        events.append(run.folder / "events.jsonl", events.Failed(sentence="The disk is full.", values={}))
    elif state != State.QUEUED:
        events.append(run.folder / "events.jsonl", events.Paused())
    runs.record_state(workspace, run.id, state)
    best = end(0.5)
    assert found(best_run, workspace, project) == best.id


def test_a_run_of_other_pictures_is_not_the_best(workspace, project, end):
    end(0.9)
    curation.set_images_aside(workspace, project, [1])
    best = end(0.5)
    end(0.4)
    assert found(best_run, workspace, project) == best.id


def test_where_every_run_is_one_of_other_pictures_the_newest_is_shown(workspace, project, end):
    end(0.9)
    newest = end(0.5)
    curation.set_images_aside(workspace, project, [1])
    assert found(best_run, workspace, project) is None
    assert found(usual_run, workspace, project) == newest.id
