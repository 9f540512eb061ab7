import pandas as pd
import psutil
import pytest

from core import events, projects, runs
from core.config import Phase, RunConfig
from core.runs import State

CONFIG = RunConfig(backbone="residual10", image_size=112, labels=("ant", "bee"), phases=(Phase(3, 1e-3, 41),))
TABLE = pd.DataFrame(
    {
        "path": ["a.jpg", "b.jpg"],
        "name": ["ant/a.jpg", "bee/b.jpg"],
        "label": ["ant", "bee"],
        "split": ["train", "validation"],
        "width": [8, 8],
    }
)


@pytest.fixture
def run(workspace):
    project = projects.create_project(workspace, "Insects")
    return runs.create_run(workspace, project.id, "first", CONFIG, TABLE)


def end(run, event):
    events.append(run.folder / "events.jsonl", event)


def test_new_run_waits_and_its_folder_holds_all_it_needs(workspace, run):
    assert runs.open_run(workspace, run.id) == run
    assert run.state == State.QUEUED
    assert runs.read_config(run) == CONFIG
    kept = pd.read_parquet(run.folder / "images.parquet")
    assert list(kept.columns) == ["path", "name", "label", "split"]


def test_runs_are_listed_by_project_newest_first(workspace, run):
    second = runs.create_run(workspace, run.project_id, "second", CONFIG, TABLE)
    other = projects.create_project(workspace, "Other")
    runs.create_run(workspace, other.id, "elsewhere", CONFIG, TABLE)
    assert [item.id for item in runs.list_runs(workspace, run.project_id)] == [second.id, run.id]
    assert len(runs.list_runs(workspace)) == 3


def test_run_of_another_readers_project_is_as_if_it_did_not_exist(workspace, run):
    own = projects.create_project(workspace.seen_by("me"), "Mine")
    mine = runs.create_run(workspace, own.id, "mine", CONFIG, TABLE)
    as_me = workspace.seen_by("me")
    assert [item.id for item in runs.list_runs(as_me)] == [mine.id]
    assert runs.list_runs(as_me, run.project_id) == []
    assert runs.open_run(as_me, mine.id) == mine
    with pytest.raises(runs.RunNotFoundError):
        runs.open_run(as_me, run.id)
    runs.delete_run(as_me, run.id)
    assert runs.open_run(workspace, run.id) == run and run.folder.exists()
    assert {item.id for item in runs.list_unfinished(as_me)} == {run.id, mine.id}  # the queue is everybody's


def test_run_of_a_living_process_is_running_and_stopping_once_asked(workspace, run):
    me = psutil.Process()
    runs.record_process(workspace, run.id, me.pid, me.create_time())
    assert runs.open_run(workspace, run.id).state == State.RUNNING
    (run.folder / "stop").touch()
    assert runs.open_run(workspace, run.id).state == State.STOPPING


def test_run_whose_process_is_gone_without_a_word_is_lost(workspace, run):
    me = psutil.Process()
    runs.record_process(workspace, run.id, me.pid, me.create_time() - 1000)
    assert runs.open_run(workspace, run.id).state == State.LOST


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (events.Finished(best_epoch=1, val_accuracy=0.5), State.FINISHED),
        (events.Stopped(best_epoch=1, val_accuracy=0.5), State.STOPPED),
        (events.Failed(sentence="no"), State.FAILED),
    ],
)
def test_last_event_tells_how_a_run_ended_even_while_its_process_lingers(workspace, run, event, state):
    me = psutil.Process()
    runs.record_process(workspace, run.id, me.pid, me.create_time())
    end(run, event)
    assert runs.open_run(workspace, run.id).state == state


def test_last_worker_that_has_spoken_is_the_one_that_works(run):
    for pid in (1, 2):
        events.append(run.folder / "events.jsonl", events.Started(pid=pid, process_created=0.0))
    assert runs.started_by(run.folder).pid == 2


def test_unknown_run_is_a_sentence(workspace):
    with pytest.raises(runs.RunNotFoundError, match="nope"):
        runs.open_run(workspace, "nope")


def test_deleted_run_leaves_no_folder(workspace, run):
    runs.delete_run(workspace, run.id)
    assert not run.folder.exists()
    assert runs.list_runs(workspace, run.project_id) == []


def test_run_has_a_model_only_with_its_predictions(run):
    assert not run.has_model
    (run.folder / "model.keras").touch()
    assert not run.has_model
    (run.folder / "predictions.parquet").touch()
    assert run.has_model


def test_worker_whose_server_died_before_it_noted_the_process_is_found(workspace, run):
    me = psutil.Process()
    end(run, events.Started(pid=me.pid, process_created=me.create_time()))
    assert runs.open_run(workspace, run.id).state == State.RUNNING
    assert [item.id for item in runs.list_unfinished(workspace)] == [run.id]


def test_run_keeps_what_a_split_blind_to_near_duplicates_would_have_said(workspace, run):
    table = TABLE.assign(random_split="train", similar=pd.array([3] + [pd.NA] * (len(TABLE) - 1), dtype="Int64"))
    made = runs.create_run(workspace, run.project_id, "both", CONFIG, table)
    assert pd.read_parquet(made.folder / "images.parquet").columns.to_list() == runs.KEPT
