"""Packing: a project with its pictures, its runs and its models becomes one zip, straight from disk to disk."""

import base64
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from core import events, projects, runs, sizes
from core.limits import FREE_BYTES_KEPT, MEGABYTE
from core.runs import Run, State
from core.saved import parcel
from core.workspace import Workspace

OnProgress = Callable[[int, int], None]  # bytes that are done, bytes of all


def pack(workspace: Workspace, project_id: str, file: Path, on_progress: OnProgress) -> None:
    """Writes a project into a zip; what frozen layers said of its pictures is left out, since it can be computed anew.

    A run under way is written as it was at its last whole epoch, from which it can go on; one that waits, as stopped.

    Args:
        workspace: Where the project is; nothing in it is changed.
        project_id: Which it is.
        file: The zip.
        on_progress: Called now and then; may raise to end it.

    Raises:
        ProjectNotFoundError: The project is not there.
        parcel.NoRoomError: The disk has too little room.
    """
    workspace = workspace.to_read()
    project = projects.open_project(workspace, project_id)
    # One whose folder is gone, or was never whole, holds nothing to save.
    own_runs = [run for run in runs.list_runs(workspace, project_id) if (run.folder / "config.json").exists()]
    pictures = _pictures(workspace, project_id, own_runs)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        packing = _Packing(workspace, project_id, archive, on_progress)
        packing.make_sure_of_room(file, pictures, own_runs)
        packing.tables()
        packing.pictures(pictures)
        told = []
        for run in own_runs:
            with suppress(FileNotFoundError):  # somebody deleted it meanwhile
                told.append(packing.run(run))
        manifest = {
            "format": parcel.FORMAT,
            "project": {"id": project.id, "name": project.name, "created": project.created},
            "runs": told,
            "fine": packing.fine(),
        }
        archive.writestr(parcel.MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1), zipfile.ZIP_DEFLATED)


class _Packing:
    def __init__(self, workspace: Workspace, project_id: str, archive: zipfile.ZipFile, on_progress: OnProgress):
        self._workspace = workspace
        self._project_id = project_id
        self._folder = workspace.project_folder(project_id)
        self._archive = archive
        self._on_progress = on_progress
        self._done = self._total = 0

    def make_sure_of_room(self, file: Path, pictures: list[str], own_runs: list[Run]) -> None:
        """Counts what there is to pack."""
        paths = [self._folder / name for name in pictures]
        paths += [run.folder / name for run in own_runs for name in (*parcel.CHECKPOINTS, *parcel.MODELS)]
        self._total = sum(map(sizes.size_of, paths))
        if self._total + FREE_BYTES_KEPT > shutil.disk_usage(file.parent).free:
            raise parcel.NoRoomError(folder=self._workspace.home, needed=(self._total + FREE_BYTES_KEPT) // MEGABYTE)
        self._on_progress(0, self._total)

    def tables(self) -> None:
        """Writes the rows of the project's pictures and of what was done with them."""
        with self._workspace.database() as database, self._written(parcel.IMAGES) as table:
            for row in database.execute(_select("id", *parcel.COLUMNS, "images"), (self._project_id,)):
                likeness = row["likeness"]
                coded = None if likeness is None else base64.b64encode(likeness).decode()
                table.write(parcel.line(dict(row) | {"likeness": coded}))
        with self._workspace.database() as database, self._written(parcel.CHANGES) as table:
            for row in database.execute(_select("made", "sentence", "before", "fine", "changes"), (self._project_id,)):
                table.write(parcel.line(dict(row)))

    def fine(self) -> list[list[str]]:
        """Returns what the owner said is fine: the kind of a finding and its subject."""
        with self._workspace.database() as database:
            found = database.execute("SELECT kind, subject FROM fine WHERE project_id = ?", (self._project_id,))
            return [list(row) for row in found]

    def pictures(self, names: list[str]) -> None:
        """Writes the pictures, and after them what their bytes add up to."""
        sums = {}
        for name in names:
            try:
                data = (self._folder / name).read_bytes()
            except FileNotFoundError:
                continue  # whoever reads the parcel says so
            sums[name] = hashlib.sha256(data).hexdigest()
            self._archive.writestr(f"{parcel.PICTURES}/{name}", data)
            self._advance(len(data))
        with self._written(parcel.FILES) as table:
            for name, digest in sums.items():
                table.write(parcel.line({"file": name, "sha256": digest}))

    def run(self, run: Run) -> dict[str, Any]:
        """Writes what is in a run's folder, and returns what the manifest says of it."""
        below = f"{parcel.RUNS}/{run.id}"
        with ExitStack() as stack:
            # Opened all at once: the worker may put others in their place meanwhile, and these stay as they are.
            opened = {
                name: stack.enter_context((run.folder / name).open("rb"))
                for name in (*parcel.CHECKPOINTS, *parcel.MODELS)
                if (run.folder / name).exists()
            }
            state, said = _as_of_its_last_epoch(run, opened.get(runs.CHECKPOINT))
            for name, source in opened.items():
                self._copy(source, f"{below}/{name}")
        config = (run.folder / "config.json").read_bytes()
        for name, data in (("config.json", config), ("events.jsonl", said)):
            self._archive.writestr(f"{below}/{name}", data, zipfile.ZIP_DEFLATED)
        self._table(pd.read_parquet(run.folder / "images.parquet"), f"{below}/{parcel.RUN_IMAGES}")
        predictions = run.folder / "predictions.parquet"
        if predictions.exists():
            self._table(pd.read_parquet(predictions), f"{below}/{parcel.RUN_PREDICTIONS}")
        return {"id": run.id, "name": run.name, "created": run.created, "state": state}

    def _table(self, table: pd.DataFrame, name: str) -> None:
        with self._written(name) as written:
            for row in table.to_dict("records"):
                written.write(parcel.line({column: _plain(value) for column, value in row.items()}))

    def _copy(self, source: IO[bytes], name: str) -> None:
        with self._archive.open(name, "w", force_zip64=True) as target:
            while data := source.read(MEGABYTE):
                target.write(data)
                self._advance(len(data))

    def _written(self, name: str) -> IO[bytes]:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        return self._archive.open(entry, "w", force_zip64=True)

    def _advance(self, num_bytes: int) -> None:
        self._done += num_bytes
        self._on_progress(min(self._done, self._total), self._total)


def _pictures(workspace: Workspace, project_id: str, own_runs: list[Run]) -> list[str]:
    """Returns the pictures of a project below its folder, and those that only its runs still have."""
    with workspace.database() as database:
        kept = "SELECT file FROM images WHERE project_id = ? AND file IS NOT NULL ORDER BY id"
        names = [row["file"] for row in database.execute(kept, (project_id,))]
    base = f"projects/{project_id}/"
    for run in own_runs:
        with suppress(FileNotFoundError):
            paths = pd.read_parquet(run.folder / "images.parquet", columns=["path"])["path"]
            names += [path.removeprefix(base) for path in paths]
    return [name for name in dict.fromkeys(names) if parcel.PICTURE.fullmatch(name)]


def _as_of_its_last_epoch(run: Run, checkpoint: IO[bytes] | None) -> tuple[State, bytes]:
    """Returns a run's state and its events; of one under way, what was said until its last whole epoch."""
    log = run.folder / "events.jsonl"
    said = log.read_bytes() if log.exists() else b""
    said = said[: said.rfind(b"\n") + 1]
    if run.state.is_over:
        return run.state, said
    if checkpoint is None:
        return runs.state_without_queue(run) if run.state == State.QUEUED else State.LOST, said
    last = _epoch_of(checkpoint)
    lines = said.splitlines(keepends=True)
    ends = [number for number, text in enumerate(lines, start=1) if _ends_epoch(text, last)]
    kept = lines[: ends[-1]] if ends else lines
    return State.PAUSED, b"".join(kept) + events.line(events.Paused())


def _epoch_of(checkpoint: IO[bytes]) -> int:
    with np.load(checkpoint) as kept:
        epoch = int(json.loads(kept["standing"].tobytes())["last"]["epoch"])
    checkpoint.seek(0)
    return epoch


def _ends_epoch(text: bytes, epoch: int) -> bool:
    event = events.parse(text)
    return isinstance(event, events.EpochEnded) and event.epoch == epoch


def _plain(value: Any) -> Any:
    """Returns a value of a table as JSON knows it."""
    if isinstance(value, np.ndarray | list):
        return [float(one) for one in value]
    return None if pd.isna(value) else value.item() if isinstance(value, np.generic) else value


def _select(*names: str) -> str:
    *columns, table = names
    return f"SELECT {', '.join(columns)} FROM {table} WHERE project_id = ? ORDER BY id"
