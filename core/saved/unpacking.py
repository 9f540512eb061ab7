"""Unpacking: a saved project that somebody brings is checked and laid ready, to be made part of the workspace.

It comes from a stranger as far as anybody knows. Nothing of it is taken over as it is: pictures are decoded and written
anew, rows are checked value by value, runs are proved (`core.saved.proving`). Below the folder of the move then lie

    home/projects/<id>, home/runs/<id>   as they will lie in the workspace
    home/features                        the fingerprints of its pictures, computed here
    rows.db                              what goes into its index
"""

import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import features, fingerprints
from core.crew import handed_out, in_chunks
from core.harvest import written
from core.incoming import Incoming, list_zip, opened_zip
from core.limits import FREE_BYTES_KEPT, MEGABYTE, Limits
from core.reasons import REASONS, SetAsideError
from core.runs import Run, State
from core.saved import parcel, soundness
from core.saved.keeping import Kept, Picture, keep_pictures
from core.saved.packing import OnProgress
from core.saved.proving import prove
from core.saved.soundness import MAX_RUNS, SHA256, UnsoundError, checked_path, checked_state, is_count, require, told_as
from core.workspace import Workspace

HOME, ROWS_FILE = "home", "rows.db"


@dataclass(frozen=True)
class Brought:
    """What was laid ready.

    Attributes:
        project_id: The one that it has here.
        name: For people.
        num_images: Pictures in it that are in use.
        num_set_aside: Pictures that were damaged or missing; they are listed in the project with the reason.
        num_runs: Runs in it.
        runs_left_out: Names of runs that did not hold up.
    """

    project_id: str
    name: str
    num_images: int
    num_set_aside: int
    num_runs: int
    runs_left_out: tuple[str, ...]


def unpack(
    workspace: Workspace, file: Path, folder: Path, limits: Limits, on_progress: OnProgress, workers: Executor
) -> Brought:
    """Checks a saved project and lays it ready.

    Args:
        workspace: Where it is to go; only looked at.
        file: The zip.
        folder: Where it is laid ready.
        limits: Of what is taken in at a time.
        on_progress: Called now and then with the bytes that are done and those of all; may raise to end it.
        workers: Decode the pictures; shut down when that is over.

    Raises:
        BrokenZipError: It cannot be read as a zip.
        parcel.BadParcelError: It is no saved project, or was changed by somebody.
        parcel.NewerParcelError: It was saved by a newer version.
        parcel.LargeParcelError: It holds more than is allowed.
        parcel.NoRoomError: The disk has too little room.
        parcel.CrashedPictureError: A picture ends the process that decodes it.
    """
    with opened_zip(file) as opened:
        sizes = [member.file_size for _, member in opened.parts]
        if len(sizes) > limits.num_files + MAX_RUNS or sum(sizes) > limits.unpacked_bytes:
            raise parcel.LargeParcelError(files=len(sizes), gigabytes=round(sum(sizes) / 1e9, 1))
        needed = sum(sizes) + FREE_BYTES_KEPT
        if needed > shutil.disk_usage(folder).free:
            raise parcel.NoRoomError(folder=workspace.home, needed=needed // MEGABYTE)
        members = _Members(
            {item.name: item for item in list_zip(opened, limits)},
            {item.name: item for item in list_zip(opened, replace(limits, file_bytes=limits.unpacked_bytes))},
            sum(sizes),
        )
        return _Unpacking(folder, limits, members, on_progress).lay_ready(workers)


@dataclass(frozen=True)
class _Members:
    """What is in the zip, by name, as pictures and as what may be larger; and all of its bytes."""

    small: dict[str, Incoming]
    large: dict[str, Incoming]
    num_bytes: int


class _Unpacking:
    def __init__(self, folder: Path, limits: Limits, members: _Members, on_progress: OnProgress):
        self._folder = folder
        self._home = Workspace(folder / HOME)
        self._limits = limits
        self._members = members
        self._on_progress = on_progress
        self._done = 0
        self._old_id = self._id = ""

    def lay_ready(self, workers: Executor) -> Brought:
        """Goes through every part."""
        manifest = parcel.parsed(self._read(parcel.MANIFEST), parcel.MANIFEST)
        if is_count(manifest.get("format")) and manifest["format"] > parcel.FORMAT:
            raise parcel.NewerParcelError()
        with told_as(parcel.MANIFEST):
            project, told_runs = soundness.project(manifest), soundness.runs(manifest)
        self._old_id = project["id"]
        self._id = secrets.token_hex(4)  # not the one that it had: who brings it twice has two
        self._home.project_folder(self._id).mkdir(parents=True)
        kept = self._pictures(workers)
        self._note_fingerprints(kept)
        with closing(sqlite3.connect(self._folder / ROWS_FILE, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")  # whoever loses it begins anew
            database.execute("BEGIN")
            numbers, num_aside = self._images(database, kept)
            self._said(database, manifest, numbers)
            left_out = self._take_runs(database, told_runs)
            database.execute("CREATE TABLE project (id, name, created)")
            database.execute("INSERT INTO project VALUES (?, ?, ?)", (self._id, project["name"], project["created"]))
            in_use = "SELECT count(*) FROM images WHERE file IS NOT NULL AND removed IS NULL"
            num_images = database.execute(in_use).fetchone()[0]
            database.execute("COMMIT")
        self._on_progress(self._members.num_bytes, self._members.num_bytes)
        return Brought(
            self._id, project["name"], num_images, num_aside, len(told_runs) - len(left_out), tuple(left_out)
        )

    def _pictures(self, workers: Executor) -> dict[str, Kept]:
        """Lays the pictures ready; returns what became of each that is listed."""
        kept: dict[str, Kept] = {}
        sums: dict[str, str] = {}
        with told_as(parcel.FILES):
            for row in self._rows(parcel.FILES):
                require(
                    parcel.PICTURE.fullmatch(row["file"]) is not None and SHA256.fullmatch(row["sha256"]) is not None
                )
                require(row["file"] not in sums)
                sums[row["file"]] = row["sha256"]
        home = self._home.project_folder(self._id)
        pictures = in_chunks((self._picture(*listed) for listed in sums.items()), lambda picture: len(picture.data))
        try:
            for chunk, future in handed_out(
                pictures, lambda chunk: workers.submit(keep_pictures, chunk, home, self._limits.pixels)
            ):
                kept.update(zip((picture.file for picture in chunk), future.result(), strict=True))
                self._advance(sum(len(picture.data) for picture in chunk))
        except BrokenProcessPool as error:
            raise parcel.CrashedPictureError() from error
        finally:
            workers.shutdown(cancel_futures=True)
        return kept

    def _note_fingerprints(self, kept: dict[str, Kept]) -> None:
        """Lays ready by what a run finds again what frozen layers said of the same pictures before."""
        digests = {checked_path(name, self._id): one.digest for name, one in kept.items() if one.problem is None}
        fingerprints.note(self._home.home / features.FOLDER, self._home.home, digests)

    def _picture(self, name: str, digest: str) -> Picture:
        item = self._members.small.get(f"{parcel.PICTURES}/{name}")
        try:
            if item is None:
                raise SetAsideError("absent")
            if item.refusal:
                raise item.refusal
            return Picture(name, digest, item.read())
        except SetAsideError as problem:
            return Picture(name, digest, b"", written(problem))

    def _images(self, database: sqlite3.Connection, kept: dict[str, Kept]) -> tuple[dict[int, int], int]:
        """Writes the rows of the pictures, numbered from 1 on.

        Returns:
            The number of each by the one that it had, and how many had to be set aside.
        """
        database.execute(f"CREATE TABLE images (id INTEGER PRIMARY KEY, {', '.join(parcel.COLUMNS)})")
        insert = f"INSERT INTO images VALUES (?{', ?' * len(parcel.COLUMNS)})"
        numbers: dict[int, int] = {}
        absent = Kept(problem=written(SetAsideError("absent")))
        num_aside = 0
        with told_as(parcel.IMAGES):
            for number, row in enumerate(self._rows(parcel.IMAGES), start=1):
                require(is_count(row["id"]) and row["id"] not in numbers)
                numbers[row["id"]] = number
                values = soundness.image(row)
                if values["file"] is not None:
                    problem = kept.get(values["file"], absent).problem
                    if problem is not None:
                        num_aside += 1
                        values |= {"file": None, "label": None, "split": None, "problem": problem, "removed": None}
                database.execute(insert, (number, *(values[name] for name in parcel.COLUMNS)))
        return numbers, num_aside

    def _said(self, database: sqlite3.Connection, manifest: dict[str, Any], numbers: dict[int, int]) -> None:
        """Writes what can be undone, and what the owner said is fine."""
        database.execute("CREATE TABLE changes (made, sentence, before, fine)")
        with told_as(parcel.CHANGES):
            for row in self._rows(parcel.CHANGES):
                database.execute("INSERT INTO changes VALUES (?, ?, ?, ?)", soundness.change(row, numbers))
        database.execute("CREATE TABLE fine (kind, subject)")
        with told_as(parcel.MANIFEST):
            database.executemany("INSERT INTO fine VALUES (?, ?)", soundness.fine(manifest["fine"], numbers))

    def _take_runs(self, database: sqlite3.Connection, told: list[dict[str, Any]]) -> list[str]:
        """Lays the runs ready; returns the names of those that do not hold up."""
        database.execute("CREATE TABLE runs (id, name, created, state)")
        left_out = []
        for row in told:
            run_id = secrets.token_hex(4)
            folder = self._home.run_folder(run_id)
            run = Run(run_id, self._id, row["name"], row["created"], folder, checked_state(row["state"]))
            try:
                self._take_run(run, f"{parcel.RUNS}/{row['id']}")
            except (UnsoundError, parcel.BadParcelError, SetAsideError, LookupError, TypeError):
                shutil.rmtree(folder, ignore_errors=True)
                left_out.append(run.name)
                continue
            state = run.state if run.state != State.PAUSED or run.has_epochs else State.LOST
            database.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (run.id, run.name, run.created, state))
        return left_out

    def _take_run(self, run: Run, below: str) -> None:
        run.folder.mkdir(parents=True)
        # Read as a whole when they are proved: no larger than a picture may be.
        for name in ("config.json", "events.jsonl"):
            self._copy(f"{below}/{name}", run.folder / name, self._members.small)
        for name in (*parcel.CHECKPOINTS, *parcel.MODELS):
            if f"{below}/{name}" in self._members.large:
                self._copy(f"{below}/{name}", run.folder / name, self._members.large)
        predictions = f"{below}/{parcel.RUN_PREDICTIONS}"
        prove(
            run,
            self._rows(f"{below}/{parcel.RUN_IMAGES}"),
            self._rows(predictions) if predictions in self._members.large else None,
            self._renamed,
        )

    def _renamed(self, path: object) -> str:
        before = f"projects/{self._old_id}/"
        require(isinstance(path, str) and path.startswith(before))
        return checked_path(str(path).removeprefix(before), self._id)

    def _read(self, name: str) -> bytes:
        item = self._members.small.get(name)
        if item is None:
            raise parcel.BadParcelError(part=name)
        try:
            if item.refusal:
                raise item.refusal
            return item.read()
        except SetAsideError as error:
            raise parcel.BadParcelError(part=name) from error

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Reads a table, which must not have more rows than a zip may have files: a small zip could fill the memory."""
        for number, row in enumerate(parcel.rows(self._pieces(name, self._members.large), name), start=1):
            if number > self._limits.num_files + MAX_RUNS:
                raise parcel.LargeParcelError(files=number, gigabytes=round(self._members.num_bytes / 1e9, 1))
            yield row

    def _pieces(self, name: str, members: dict[str, Incoming]) -> Iterator[bytes]:
        item = members.get(name)
        if item is None:
            raise parcel.BadParcelError(part=name)
        if item.refusal:
            raise parcel.BadParcelError(part=name) from item.refusal
        try:
            yield from item.pieces()
        except SetAsideError as error:
            if error.sentence != REASONS["empty"]:  # a table may have no rows
                raise parcel.BadParcelError(part=name) from error

    def _copy(self, name: str, path: Path, members: dict[str, Incoming]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in self._pieces(name, members):
                file.write(piece)
                self._advance(len(piece))

    def _advance(self, num_bytes: int) -> None:
        self._done += num_bytes
        self._on_progress(min(self._done, self._members.num_bytes), self._members.num_bytes)
