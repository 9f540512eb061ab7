"""Run folders and the index over them: what a run was asked, what it said, and what state it is truly in."""

import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd

from core import events
from core.config import RunConfig
from core.errors import AppError
from core.processes import Worker
from core.text import N_
from core.whole import write_whole
from core.workspace import OWN, Workspace


class State(StrEnum):
    """Where a run stands.

    `paused`: it goes on when it is asked to. `lost`: its process is gone and it never said how it ended.
    """

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    PAUSING = "pausing"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self in (State.PAUSED, State.FINISHED, State.STOPPED, State.FAILED, State.LOST)


KEPT = ["path", "name", "label", "split", "random_split", "similar"]  # columns of a run's images.parquet
STATE_OF_END = {
    events.Finished: State.FINISHED,
    events.Stopped: State.STOPPED,
    events.Failed: State.FAILED,
    events.Paused: State.PAUSED,
}
CHECKPOINT = "checkpoint/last.npz"  # its last whole epoch
SEEN = f"SELECT runs.* FROM runs JOIN projects ON projects.id = project_id WHERE {OWN} AND deleted IS NULL"
SAID_BEFORE = "said_before"  # a file with how many bytes of the events are older than the last time it went on


class RunNotFoundError(AppError):
    """The address names a run that is not there."""

    sentence = N_("There is no run “{run_id}” here. Choose one from the list of runs.")


@dataclass(frozen=True)
class Run:
    """One training of one network.

    Attributes:
        id: Names its folder.
        project_id: Whose images it is trained on.
        name: For people.
        created: In seconds since 1970.
        folder: Holds all there is to know.
        state: The true one.
        queued: Of the waiting runs, the one with the smallest begins first.
    """

    id: str
    project_id: str
    name: str
    created: float
    folder: Path
    state: State
    queued: float = 0.0

    @property
    def is_cut_short(self) -> bool:
        """Whether it is over without having come to an end that somebody wished for."""
        return self.state in (State.PAUSED, State.FAILED, State.LOST)

    @property
    def has_epochs(self) -> bool:
        """Whether a whole epoch is kept, from which it can go on."""
        return (self.folder / CHECKPOINT).exists()

    @property
    def has_model(self) -> bool:
        """Whether there is a trained model to look at, try and take home."""
        return (self.folder / "model.keras").exists() and (self.folder / "predictions.parquet").exists()


def create_run(workspace: Workspace, project_id: str, name: str, config: RunConfig, table: pd.DataFrame) -> Run:
    """Writes the folder of a new run and puts it in the queue.

    Args:
        workspace: Where.
        project_id: Whose images these are.
        name: For people.
        config: What to do.
        table: Images with columns path (relative to the workspace), name, label, split, and optionally random_split
            (what a split blind to near duplicates would have said) and similar (the group of near duplicates); kept
            by the run, so that it stays reproducible when the project's images change.
    """
    run_id = secrets.token_hex(4)
    folder = workspace.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    kept = [column for column in KEPT if column in table]
    table[kept].to_parquet(folder / "images.parquet", index=False)
    now = time.time()
    run = Run(run_id, project_id, name, now, folder, State.QUEUED, now)
    with workspace.database() as database:
        database.execute(
            "INSERT INTO runs (id, project_id, name, created, state, queued) VALUES (?, ?, ?, ?, ?, ?)",
            (run.id, run.project_id, run.name, run.created, run.state, run.queued),
        )
    return run


def list_runs(workspace: Workspace, project_id: str | None = None) -> list[Run]:
    """Returns the runs of a project, or of all the reader's projects, the newest first, each in its true state.

    Those of deleted projects are left out.
    """
    with workspace.reading() as database:
        rows = database.execute(
            f"{SEEN} AND (:project IS NULL OR project_id = :project) ORDER BY runs.created DESC",
            {"project": project_id, "reader": workspace.reader},
        ).fetchall()
    return [_run(workspace, dict(row)) for row in rows]


def list_unfinished(workspace: Workspace) -> list[Run]:
    """Returns everybody's runs that were not over when last seen, each in its true state; for the queue."""
    over = [str(state) for state in State if state.is_over]
    marks = ", ".join("?" * len(over))
    with workspace.reading() as database:
        rows = database.execute(f"SELECT * FROM runs WHERE state NOT IN ({marks})", over).fetchall()
    return [_run(workspace, dict(row)) for row in rows]


def open_run(workspace: Workspace, run_id: str) -> Run:
    """Returns one run in its true state.

    Raises:
        RunNotFoundError: There is none of that id, or not for this reader, or its project was deleted.
    """
    with workspace.reading() as database:
        row = database.execute(f"{SEEN} AND runs.id = :id", {"id": run_id, "reader": workspace.reader}).fetchone()
    if row is None:
        raise RunNotFoundError(run_id=run_id)
    return _run(workspace, dict(row))


def look_again(workspace: Workspace, run: Run) -> Run:
    """Returns a run as it is now, also one whose project was deleted; one that is gone is as it was."""
    with workspace.reading() as database:
        row = database.execute("SELECT * FROM runs WHERE id = ?", (run.id,)).fetchone()
    return _run(workspace, dict(row)) if row else run


def read_config(run: Run) -> RunConfig:
    """Returns what the run was asked to do."""
    return RunConfig.from_json((run.folder / "config.json").read_text(encoding="utf-8"))


def delete_run(workspace: Workspace, run_id: str) -> None:
    """Deletes a run of the reader's that is over, with its model; one that is not there is no trouble."""
    with suppress(RunNotFoundError):
        run = open_run(workspace, run_id)
        with workspace.database() as database:
            database.execute("DELETE FROM runs WHERE id = ?", (run.id,))
        shutil.rmtree(run.folder, ignore_errors=True)


def request_again(workspace: Workspace, run: Run, *, only_to_finish: bool = False) -> None:
    """Puts a run that is over back into the queue, to go on from its last whole epoch.

    Args:
        workspace: Where it is.
        run: Which.
        only_to_finish: It is not to train on, but to make a model of its best epoch.

    Raises:
        OSError: The disk is full.
    """
    (run.folder / events.PAUSE).unlink(missing_ok=True)
    if only_to_finish:
        (run.folder / events.STOP).touch()
    else:
        (run.folder / events.STOP).unlink(missing_ok=True)
    log = run.folder / "events.jsonl"
    write_whole(run.folder / SAID_BEFORE, str(log.stat().st_size if log.exists() else 0))
    with workspace.database() as database:
        database.execute(
            "UPDATE runs SET state = ?, pid = NULL, process_created = NULL, queued = ? WHERE id = ?",
            (State.QUEUED, time.time(), run.id),
        )


def write_config(run: Run, config: RunConfig) -> None:
    """Changes what a run that is over was asked to do, such as how many epochs it has.

    Raises:
        OSError: The disk is full; what was asked before stays.
    """
    write_whole(run.folder / "config.json", config.to_json())


def withdraw(workspace: Workspace, run: Run) -> None:
    """Takes a run out of the queue: it is stopped before it began, or again as it was before it was to go on."""
    record_state(workspace, run.id, state_without_queue(run))


def state_without_queue(run: Run) -> State:
    """Returns the state of a waiting run were it taken out of the queue."""
    said = events.last(run.folder / "events.jsonl")
    return State.STOPPED if said is None else STATE_OF_END.get(type(said), State.LOST)


def swap_places(workspace: Workspace, run: Run, other: Run) -> None:
    """Lets each of two waiting runs begin when the other would have."""
    with workspace.database() as database:
        for moved, place in ((run, other.queued), (other, run.queued)):
            database.execute("UPDATE runs SET queued = ? WHERE id = ?", (place, moved.id))


def record_process(workspace: Workspace, run_id: str, pid: int, process_created: float) -> None:
    """Remembers which process works on a run."""
    with workspace.database() as database:
        database.execute(
            "UPDATE runs SET state = ?, pid = ?, process_created = ? WHERE id = ?",
            (State.RUNNING, pid, process_created, run_id),
        )


def record_state(workspace: Workspace, run_id: str, state: State) -> None:
    """Remembers that a run is over, so that its events need not be read again."""
    with workspace.database() as database:
        database.execute("UPDATE runs SET state = ? WHERE id = ?", (state, run_id))


def _run(workspace: Workspace, row: dict[str, Any]) -> Run:
    folder = workspace.run_folder(row["id"])
    state = _true_state(folder, row)
    return Run(row["id"], row["project_id"], row["name"], row["created"], folder, state, row["queued"])


def _true_state(folder: Path, row: dict[str, Any]) -> State:
    seen = State(row["state"])
    if seen.is_over:
        return seen
    pid, created = row["pid"], row["process_created"]
    if pid is None:
        # The server may have died right after it had started the worker, which then has told its number itself.
        started = started_by(folder)
        if started is None:
            return seen
        pid, created = started.pid, started.process_created
    # Asked before the last event is read: a worker that ends in between has written its end already.
    alive = Worker(pid, created).is_alive
    said = events.last(folder / "events.jsonl", _said_before(folder))
    if said is not None and type(said) in STATE_OF_END:
        return STATE_OF_END[type(said)]
    if not alive:
        return State.LOST
    if (folder / events.STOP).exists():
        return State.STOPPING
    return State.PAUSING if (folder / events.PAUSE).exists() else State.RUNNING


def _said_before(folder: Path) -> int:
    try:
        return int((folder / SAID_BEFORE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def started_by(folder: Path) -> events.Started | None:
    """Returns which process works, or worked, on the run of a folder since it went on last; None before it said so."""
    said, _ = events.read(folder / "events.jsonl", _said_before(folder))
    return next((event for event in reversed(said) if isinstance(event, events.Started)), None)
