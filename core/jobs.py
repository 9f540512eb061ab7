"""The page's only door to TensorFlow: queue, start, stop and watch the worker processes."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from core import dataset, events, intake, line, processes, projects, runs
from core.config import RunConfig
from core.errors import AppError
from core.processes import ROOT, Worker
from core.runs import Run, State
from core.saved import moves
from core.split import split_both_ways
from core.text import N_
from core.workspace import Workspace

SLOTS = 1
WATCH_SECONDS = 0.3
STOP_LIMIT_SECONDS = 30
PREDICT_LIMIT_SECONDS = 120

logger = logging.getLogger(__name__)
_launching = threading.Lock()
_watched: set[Path] = set()
_workers: dict[str, Worker] = {}


class LaunchError(AppError):
    """The worker process of a run could not be started."""

    sentence = N_(
        "The training could not be started: {reason}. Make sure that there is room on the disk and memory free, then "
        "start it again."
    )


class PredictionError(AppError):
    """The worker that answers with Keras did not answer."""

    sentence = N_(
        "The trained network could not look at these pictures. Try again with fewer pictures; if that does not help, "
        "what happened is written in worker.log of run {run_id}."
    )


def start_run(workspace: Workspace, project_id: str, name: str, config: RunConfig) -> Run:
    """Splits the project's images, writes the run's folder, and queues it; it starts when a slot is free.

    Raises:
        ProjectNotFoundError: There is no such project, or not for this reader.
        TooFewClassesError: The project has fewer than two classes.
        TooFewImagesError: A class has fewer than two images.
    """
    projects.open_project(workspace, project_id)
    table = dataset.images(workspace, project_id)
    dataset.check_trainable(table)
    table = split_both_ways(table, config.validation_share, config.seed, test_share=config.test_share)
    run = runs.create_run(workspace, project_id, name, config, table)
    launch_queued(workspace)
    return run


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Asks a run to stop at its next batch; a run that still waits is withdrawn from the queue."""
    with _launching:
        _ask_to_stop(workspace, runs.open_run(workspace, run_id))


def pause_run(workspace: Workspace, run_id: str) -> None:
    """Asks a run to free the processor and the memory at its next batch, and to be able to go on."""
    with _launching:
        run = runs.open_run(workspace, run_id)
        if run.state == State.RUNNING:
            (run.folder / events.PAUSE).touch()


def resume_run(workspace: Workspace, run_id: str, *, more_epochs: int = 0) -> None:
    """Lets a run that is over go on from its last whole epoch, as if nothing had happened in between.

    Args:
        workspace: Where it is.
        run_id: Which.
        more_epochs: To be added to its last phase.

    Raises:
        RunNotFoundError: There is none of that id.
        OSError: The disk is full.
    """
    with _launching:
        run = runs.open_run(workspace, run_id)
        if not run.state.is_over:
            return
        if more_epochs:
            config = runs.read_config(run)
            *before, last = config.phases
            runs.write_config(run, replace(config, phases=(*before, replace(last, epochs=last.epochs + more_epochs))))
        runs.request_again(workspace, run)
    launch_queued(workspace)


def finish_run(workspace: Workspace, run_id: str) -> None:
    """Makes a model of the best epoch of a run that was cut short, without training it any further.

    Raises:
        RunNotFoundError: There is none of that id.
        OSError: The disk is full.
    """
    with _launching:
        run = runs.open_run(workspace, run_id)
        if not run.is_cut_short:
            return
        runs.request_again(workspace, run, only_to_finish=True)
    launch_queued(workspace)


def delete_run(workspace: Workspace, run_id: str) -> None:
    """Stops a run where needed and deletes it with its model."""
    _end(workspace, runs.open_run(workspace, run_id))
    runs.delete_run(workspace, run_id)


def delete_project(workspace: Workspace, project_id: str) -> None:
    """Stops a project's runs and intake and puts it out of sight; see `core.projects`.

    Raises:
        ProjectNotFoundError: There is none of that id, or not for this reader.
    """
    projects.delete_project(workspace, project_id)  # first: from here on nothing new begins in it
    intake.cancel_intake(workspace, project_id)
    moves.forget_saving(workspace, project_id)
    for run in runs.list_unfinished(workspace):
        if run.project_id == project_id:
            _end(workspace, run)


def join(run_id: str) -> None:
    """Waits until the worker process of a run is gone; for the process that started it, such as a benchmark."""
    worker = _workers.get(run_id)
    if worker is not None:
        worker.wait()


def move_up(workspace: Workspace, run_id: str) -> None:
    """Lets a waiting run begin before the one that is next before it in line; the first one stays where it is.

    Where people sign in, it changes places with another run of the same person, and those of others begin as before.

    Raises:
        RunNotFoundError: There is none of that id, or not for this reader.
    """
    with _launching:
        run = runs.open_run(workspace, run_id)
        before = line.place_of(workspace, run).next_before
        if run.state == State.QUEUED and before is not None:
            runs.swap_places(workspace, run, before)


def watch(workspace: Workspace) -> None:
    """Starts the engine, and the one background thread that launches queued runs and notes which are over.

    For the server; later calls do nothing.
    """
    if workspace.home in _watched:
        return
    _watched.add(workspace.home)
    workspace.home.mkdir(parents=True, exist_ok=True)
    processes.start_engine(workspace.home / "engine.log")
    threading.Thread(target=_watch, args=(workspace,), name="headstart-jobs", daemon=True).start()


def _watch(workspace: Workspace) -> None:
    while True:
        try:
            launch_queued(workspace)
        except Exception:
            # The thread must outlive a locked database or a full disk; the next round tries again.
            logger.exception("The queue could not be looked after.")
        time.sleep(WATCH_SECONDS)


def launch_queued(workspace: Workspace) -> None:
    """Notes which runs are over and starts the first in line while there are free slots."""
    with _launching:
        _forget_workers()
        open_runs = [run for run in runs.list_unfinished(workspace) if not _note_end(workspace, run)]
        free = SLOTS - sum(run.state != State.QUEUED for run in open_runs)
        for run in line.in_order(open_runs)[: max(0, free)]:
            if projects.is_there(workspace, run.project_id):
                _try_to_launch(workspace, run)
            else:
                runs.withdraw(workspace, run)  # asked for while its project was being deleted


def _try_to_launch(workspace: Workspace, run: Run) -> None:
    """Launches a run; one that cannot be launched fails with a reason and does not stand in the way of the others."""
    try:
        _launch(workspace, run)
    except OSError as error:
        logger.exception("Run %s could not be started.", run.id)
        runs.record_state(workspace, run.id, State.FAILED)
        with suppress(OSError):
            problem = LaunchError(reason=error.strerror or str(error))
            events.append(run.folder / "events.jsonl", events.Failed(sentence=problem.sentence, values=problem.values))


def _forget_workers() -> None:
    """Forgets the workers that are gone."""
    gone = [run_id for run_id, worker in _workers.items() if not worker.is_alive]
    processes.reap()
    for run_id in gone:
        _workers.pop(run_id, None)


def _note_end(workspace: Workspace, run: Run) -> bool:
    if run.state.is_over:
        runs.record_state(workspace, run.id, run.state)
    return run.state.is_over


def _launch(workspace: Workspace, run: Run) -> None:
    worker = processes.start_worker(run.folder)
    _workers[run.id] = worker
    runs.record_process(workspace, run.id, worker.pid, worker.created)


def _ask_to_stop(workspace: Workspace, run: Run) -> None:
    if run.state == State.QUEUED:
        runs.withdraw(workspace, run)
    elif not run.state.is_over:
        (run.folder / events.STOP).touch()


def _end(workspace: Workspace, run: Run) -> None:
    """Stops a run and waits for it; one that does not obey is ended by force, since its folder is to be deleted."""
    with _launching:
        _ask_to_stop(workspace, runs.look_again(workspace, run))
    deadline = time.monotonic() + STOP_LIMIT_SECONDS
    while not runs.look_again(workspace, run).state.is_over and time.monotonic() < deadline:
        time.sleep(0.1)
    started = runs.started_by(run.folder)
    if started is not None:
        # By its number, since another server may have started it.
        Worker(started.pid, started.process_created).kill()
    worker = _workers.get(run.id)
    if worker is not None:
        worker.kill()  # one that has not even begun to speak


def predict_with_keras(run: Run, pictures: list[bytes]) -> np.ndarray:
    """Asks the run's `model.keras` in a worker process; takes seconds, for backbones that LiteRT does not serve.

    Args:
        run: A run with a model.
        pictures: Encoded pictures as they were dropped.

    Returns:
        Probabilities (pictures, num_classes), float32.

    Raises:
        PredictionError: The worker failed or took longer than two minutes.
    """
    with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
        files = []
        for index, picture in enumerate(pictures):
            files.append(Path(folder) / f"{index}.picture")
            files[-1].write_bytes(picture)
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", "core.ml.answer", str(run.folder), str(answer), *map(str, files)]
        with (run.folder / "worker.log").open("ab") as log:
            try:
                subprocess.run(
                    command, cwd=ROOT, stdout=log, stderr=log, timeout=PREDICT_LIMIT_SECONDS, check=True, env=os.environ
                )
            except subprocess.SubprocessError as error:
                raise PredictionError(run_id=run.id) from error
        return np.array(json.loads(answer.read_text(encoding="utf-8")), dtype=np.float32)
