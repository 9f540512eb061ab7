import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from core import history, jobs, line, processes, projects, runs
from core.config import Phase, RunConfig
from core.runs import State
from core.workspace import Workspace

CONFIG = RunConfig(backbone="residual10", image_size=112, labels=("ant", "bee"), phases=(Phase(3, 1e-3, 41),))
TABLE = pd.DataFrame({"path": ["a"], "name": ["a"], "label": ["ant"], "split": ["train"]})
PATIENCE_SECONDS = 20


@pytest.fixture(autouse=True)
def fake_worker(monkeypatch):
    worker = Path(__file__).parents[1] / "fake_worker.py"
    monkeypatch.setattr(processes, "WORKER", (sys.executable, str(worker)))
    monkeypatch.setenv("PYTHONPATH", str(processes.ROOT))
    yield
    for worker in jobs._workers.values():
        worker.wait()
    jobs._workers.clear()


@pytest.fixture
def project(workspace):
    return projects.create_project(workspace, "Insects")


def queue(workspace: Workspace, project, part: str) -> runs.Run:
    run = runs.create_run(workspace, project.id, part, CONFIG, TABLE)
    (run.folder / "part").write_text(part)
    jobs.launch_queued(workspace)
    return run


def wait_for(workspace: Workspace, run: runs.Run, *states: State) -> runs.Run:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (now := runs.open_run(workspace, run.id)).state not in states and time.monotonic() < deadline:
        time.sleep(0.02)
    assert now.state in states
    return now


def process_of(workspace, run):
    story = history.history(run)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while story.started is None and time.monotonic() < deadline:
        time.sleep(0.02)
        story.update()
    return psutil.Process(story.started.pid)


def test_queued_run_is_launched_and_finishes(workspace, project):
    run = wait_for(workspace, queue(workspace, project, "finish"), State.FINISHED)
    assert history.history(run).best_epoch == 3


def test_second_run_waits_until_the_first_is_over(workspace, project):
    first = queue(workspace, project, "wait")
    second = queue(workspace, project, "finish")
    assert runs.open_run(workspace, second.id).state == State.QUEUED
    assert line.place_of(workspace, second).num_before == 1
    jobs.stop_run(workspace, first.id)
    wait_for(workspace, first, State.STOPPED)
    jobs.launch_queued(workspace)
    wait_for(workspace, second, State.FINISHED)


def test_stop_is_obeyed(workspace, project):
    run = queue(workspace, project, "wait")
    wait_for(workspace, run, State.RUNNING)
    jobs.stop_run(workspace, run.id)
    wait_for(workspace, run, State.STOPPED)


def test_waiting_run_is_withdrawn_and_never_starts(workspace, project):
    first = queue(workspace, project, "wait")
    second = queue(workspace, project, "finish")
    jobs.stop_run(workspace, second.id)
    jobs.stop_run(workspace, first.id)
    wait_for(workspace, first, State.STOPPED)
    jobs.launch_queued(workspace)
    assert runs.open_run(workspace, second.id).state == State.STOPPED
    assert not (second.folder / "events.jsonl").exists()


def test_waiting_run_is_moved_up_by_one_place(workspace, project):
    first, second, third, fourth = (queue(workspace, project, part) for part in ("wait", "wait", "wait", "wait"))
    wait_for(workspace, first, State.RUNNING)
    jobs.move_up(workspace, fourth.id)
    order = [runs.open_run(workspace, run.id) for run in (second, fourth, third)]
    assert [line.place_of(workspace, run).num_before for run in order] == [1, 2, 3]
    assert [line.place_of(workspace, run).next_before is not None for run in order] == [False, True, True]
    jobs.move_up(workspace, fourth.id)
    jobs.move_up(workspace, fourth.id)  # it is the first already
    jobs.stop_run(workspace, first.id)
    wait_for(workspace, first, State.STOPPED)
    jobs.launch_queued(workspace)
    wait_for(workspace, fourth, State.RUNNING)
    for run in (second, third, fourth):
        jobs.stop_run(workspace, run.id)
    wait_for(workspace, fourth, State.STOPPED)


def test_running_run_is_not_moved(workspace, project):
    first, second = queue(workspace, project, "wait"), queue(workspace, project, "wait")
    wait_for(workspace, first, State.RUNNING)
    jobs.move_up(workspace, first.id)
    assert runs.open_run(workspace, first.id).queued == first.queued
    jobs.stop_run(workspace, second.id)
    jobs.stop_run(workspace, first.id)
    wait_for(workspace, first, State.STOPPED)


def test_run_that_goes_on_begins_after_those_that_wait(workspace, project):
    first = queue(workspace, project, "wait")
    wait_for(workspace, first, State.RUNNING)
    second = queue(workspace, project, "wait")
    jobs.pause_run(workspace, first.id)
    wait_for(workspace, first, State.PAUSED)
    jobs.resume_run(workspace, first.id)
    wait_for(workspace, second, State.RUNNING)
    assert line.place_of(workspace, runs.open_run(workspace, first.id)).num_before == 1
    jobs.stop_run(workspace, first.id)
    jobs.stop_run(workspace, second.id)
    wait_for(workspace, second, State.STOPPED)


def test_worker_that_dies_without_a_word_is_lost_and_frees_its_slot(workspace, project):
    first = wait_for(workspace, queue(workspace, project, "die"), State.LOST)
    second = queue(workspace, project, "finish")
    wait_for(workspace, second, State.FINISHED)
    jobs.launch_queued(workspace)
    assert runs.open_run(workspace, first.id).state == State.LOST


def test_killed_worker_is_lost(workspace, project):
    run = queue(workspace, project, "wait")
    process_of(workspace, run).kill()
    wait_for(workspace, run, State.LOST)


def test_failed_run_says_why(workspace, project):
    run = wait_for(workspace, queue(workspace, project, "fail"), State.FAILED)
    end = history.history(run).end
    assert end.sentence.format(**end.values) == f"The disk is full in {run.folder}."


def test_deleting_a_project_stops_its_run(workspace, project):
    run = queue(workspace, project, "wait")
    process = process_of(workspace, run)
    jobs.delete_project(workspace, project.id)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert projects.list_projects(workspace) == []
    projects.recover_project(workspace, project.id)
    assert runs.open_run(workspace, run.id).state == State.STOPPED


def test_run_outlives_the_server_that_started_it(workspace, project):
    run = queue(workspace, project, "wait")
    process_of(workspace, run)
    worker = jobs._workers.pop(run.id)  # a new server knows no workers, only pid and creation time
    assert runs.open_run(workspace, run.id).state == State.RUNNING
    jobs.stop_run(workspace, run.id)
    wait_for(workspace, run, State.STOPPED)
    worker.wait()


def test_joined_run_has_no_process_left(workspace, project):
    run = queue(workspace, project, "finish")
    worker = jobs._workers[run.id]
    jobs.join(run.id)
    assert not psutil.pid_exists(worker.pid)


def test_watching_twice_is_watching_once(workspace, monkeypatch):
    started = []
    monkeypatch.setattr(jobs.threading.Thread, "start", lambda self: started.append(self.name))
    monkeypatch.setattr(processes, "start_engine", started.append)
    jobs.watch(workspace)
    jobs.watch(workspace)
    assert started == [workspace.home / "engine.log", "headstart-jobs"]


def test_run_that_cannot_be_launched_fails_and_the_next_one_starts(workspace, project):
    first = runs.create_run(workspace, project.id, "first", CONFIG, TABLE)
    (first.folder / "worker.log").mkdir()
    second = runs.create_run(workspace, project.id, "second", CONFIG, TABLE)
    jobs.launch_queued(workspace)
    assert runs.open_run(workspace, first.id).state == State.FAILED
    assert "could not be started" in history.history(first).end.sentence
    jobs.launch_queued(workspace)
    wait_for(workspace, second, State.FINISHED)


def test_paused_run_frees_its_process_and_goes_on_when_asked(workspace, project):
    run = queue(workspace, project, "wait")
    process = process_of(workspace, run)
    wait_for(workspace, run, State.RUNNING)
    jobs.pause_run(workspace, run.id)
    paused = wait_for(workspace, run, State.PAUSED)
    process.wait(PATIENCE_SECONDS)
    assert paused.is_cut_short and not paused.has_model
    jobs.launch_queued(workspace)  # notes that it is over, and does not start it again
    assert runs.open_run(workspace, run.id).state == State.PAUSED

    jobs.resume_run(workspace, run.id)
    wait_for(workspace, run, State.FINISHED)
    story = history.history(run)
    assert story.started.pid != process.pid
    assert len(story.phases) == 1 and list(story.epochs["epoch"]) == [1, 2, 3]


def test_lost_run_goes_on_and_is_not_taken_for_lost_while_it_waits(workspace, project):
    lost = queue(workspace, project, "die")
    wait_for(workspace, lost, State.LOST)
    (lost.folder / "part").write_text("finish")
    first = queue(workspace, project, "wait")
    wait_for(workspace, first, State.RUNNING)
    jobs.resume_run(workspace, lost.id)
    assert runs.open_run(workspace, lost.id).state == State.QUEUED
    jobs.stop_run(workspace, first.id)
    wait_for(workspace, first, State.STOPPED)
    jobs.launch_queued(workspace)
    wait_for(workspace, lost, State.FINISHED)


def test_more_epochs_are_added_to_the_last_phase(workspace, project):
    run = wait_for(workspace, queue(workspace, project, "finish"), State.FINISHED)
    jobs.resume_run(workspace, run.id, more_epochs=7)
    assert [phase.epochs for phase in runs.read_config(run).phases] == [10]
    wait_for(workspace, run, State.FINISHED)


def test_run_that_was_cut_short_is_finished_without_training_on(workspace, project):
    run = queue(workspace, project, "wait")
    wait_for(workspace, run, State.RUNNING)
    jobs.pause_run(workspace, run.id)
    wait_for(workspace, run, State.PAUSED)
    (run.folder / "part").write_text("wait")
    jobs.finish_run(workspace, run.id)
    wait_for(workspace, run, State.STOPPED)


def test_what_goes_on_or_has_come_to_its_end_is_left_alone(workspace, project):
    run = queue(workspace, project, "wait")
    wait_for(workspace, run, State.RUNNING)
    jobs.resume_run(workspace, run.id)
    jobs.finish_run(workspace, run.id)
    assert runs.open_run(workspace, run.id).state == State.RUNNING
    jobs.stop_run(workspace, run.id)
    wait_for(workspace, run, State.STOPPED)
    jobs.pause_run(workspace, run.id)
    jobs.finish_run(workspace, run.id)
    assert runs.open_run(workspace, run.id).state == State.STOPPED


def test_run_that_was_to_go_on_and_is_withdrawn_is_again_what_it_was(workspace, project):
    paused = queue(workspace, project, "wait")
    wait_for(workspace, paused, State.RUNNING)
    jobs.pause_run(workspace, paused.id)
    wait_for(workspace, paused, State.PAUSED)
    lost = queue(workspace, project, "die")
    wait_for(workspace, lost, State.LOST)
    finished = wait_for(workspace, queue(workspace, project, "finish"), State.FINISHED)
    busy = queue(workspace, project, "wait")
    wait_for(workspace, busy, State.RUNNING)
    for run, state in ((paused, State.PAUSED), (lost, State.LOST), (finished, State.FINISHED)):
        jobs.resume_run(workspace, run.id)
        assert runs.open_run(workspace, run.id).state == State.QUEUED
        jobs.stop_run(workspace, run.id)
        assert runs.open_run(workspace, run.id).state == state
    jobs.stop_run(workspace, busy.id)
    wait_for(workspace, busy, State.STOPPED)


def test_nothing_is_done_to_another_readers_project_or_run(workspace, project):
    waiting = runs.create_run(workspace, project.id, "first", CONFIG, TABLE)
    as_me = workspace.seen_by("me")
    for act in (jobs.stop_run, jobs.pause_run, jobs.resume_run, jobs.finish_run, jobs.delete_run, jobs.move_up):
        with pytest.raises(runs.RunNotFoundError):
            act(as_me, waiting.id)
    with pytest.raises(projects.ProjectNotFoundError):
        jobs.delete_project(as_me, project.id)
    with pytest.raises(projects.ProjectNotFoundError):
        jobs.start_run(as_me, project.id, "mine", CONFIG)
    assert runs.list_runs(workspace) == [waiting]


def test_place_in_the_queue_counts_the_runs_of_all(workspace, project):
    runs.create_run(workspace, project.id, "first", CONFIG, TABLE)
    as_me = workspace.seen_by("me")
    mine = runs.create_run(as_me, projects.create_project(as_me, "Mine").id, "mine", CONFIG, TABLE)
    assert line.place_of(as_me, mine).num_before == 1
    assert line.place_of(as_me, mine).next_before is None


def test_run_changes_places_with_another_of_the_same_person_alone(workspace, project):
    as_me = workspace.seen_by("me")
    own = projects.create_project(as_me, "Mine").id
    first = runs.create_run(as_me, own, "first", CONFIG, TABLE)
    others = runs.create_run(workspace, project.id, "others", CONFIG, TABLE)
    second = runs.create_run(as_me, own, "second", CONFIG, TABLE)
    jobs.move_up(as_me, second.id)
    order = [runs.open_run(workspace, run.id) for run in (second, others, first)]
    assert [line.place_of(workspace, run).num_before for run in order] == [0, 1, 2]


def test_run_that_is_asked_for_while_its_project_is_deleted_never_begins(workspace, project):
    late = runs.create_run(workspace, project.id, "late", CONFIG, TABLE)
    projects.delete_project(workspace, project.id)
    jobs.launch_queued(workspace)
    assert runs.look_again(workspace, late).state == State.STOPPED
    assert not (late.folder / "events.jsonl").exists()


def test_nothing_begins_in_a_project_while_its_runs_are_stopped(workspace, project, monkeypatch):
    run = queue(workspace, project, "wait")
    process_of(workspace, run)
    end, refused = jobs._end, []

    def meanwhile(*arguments):
        with pytest.raises(projects.ProjectNotFoundError):
            jobs.start_run(workspace, project.id, "late", CONFIG)
        refused.append(True)
        end(*arguments)

    monkeypatch.setattr(jobs, "_end", meanwhile)
    jobs.delete_project(workspace, project.id)
    assert refused
    assert runs.look_again(workspace, run).state == State.STOPPED
