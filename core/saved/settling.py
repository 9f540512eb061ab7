"""Settling: a project that was laid ready becomes part of the workspace, all of it or nothing."""

import json
import sqlite3
from pathlib import Path

from core import features, fingerprints, projects
from core.saved.parcel import COLUMNS, Shift, renumbered
from core.saved.unpacking import HOME, ROWS_FILE
from core.workspace import Workspace


def bring_home(workspace: Workspace, folder: Path, project_id: str) -> str:
    """Makes a project that was laid ready part of the workspace; once more changes nothing.

    Args:
        workspace: Whose reader is to own it.
        folder: Where it was laid ready; after an error it lies there as before.
        project_id: The one that it has here.

    Returns:
        Its name here, with a number where another of the reader's projects has it already.

    Raises:
        OSError: The disk is full.
        sqlite3.OperationalError: The same.
    """
    moved: list[tuple[Path, Path]] = []
    try:
        with workspace.database(beside=folder / ROWS_FILE) as database:
            settled = database.execute("SELECT name FROM projects WHERE id = ?", (project_id,)).fetchone()
            if settled:
                return str(settled["name"])
            name = _insert_rows(database, project_id, workspace.reader)
            # After the rows: whatever lies under these new ids is this project's, from a time that was cut short.
            laid = Workspace(folder / HOME)
            for source, target in _places(workspace, laid, project_id, database):
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    source.rename(target)
                moved.append((source, target))
            fingerprints.take_over(workspace.home / features.FOLDER, laid.home / features.FOLDER)
        return name
    except BaseException:
        for source, target in moved:
            target.rename(source)
        raise


def _insert_rows(database: sqlite3.Connection, project_id: str, owner: str | None) -> str:
    """Writes all that the index says of a project; returns its name."""
    columns = ", ".join(COLUMNS)
    name, created = database.execute("SELECT name, created FROM beside.project").fetchone()
    name = projects.free_name(database, owner, name)
    database.execute(
        "INSERT INTO projects (id, name, created, owner) VALUES (?, ?, ?, ?)", (project_id, name, created, owner)
    )
    first = Shift(database.execute("SELECT coalesce(max(id), 0) FROM images").fetchone()[0])
    database.execute(
        f"INSERT INTO images (id, project_id, {columns}) SELECT id + ?, ?, {columns} FROM beside.images",
        (first[0], project_id),
    )
    database.executemany(
        "INSERT INTO fine VALUES (?, ?, ?)",
        [
            (project_id, kind, renumbered(kind, subject, first))
            for kind, subject in database.execute("SELECT kind, subject FROM beside.fine").fetchall()
        ],
    )
    _insert_changes(database, project_id, first)
    database.execute(
        "INSERT INTO runs (id, project_id, name, created, state) SELECT id, ?, name, created, state FROM beside.runs",
        (project_id,),
    )
    return name


def _insert_changes(database: sqlite3.Connection, project_id: str, first: Shift) -> None:
    for made, sentence, before, fine in database.execute("SELECT * FROM beside.changes").fetchall():
        states = {first[int(number)]: state for number, state in json.loads(before).items()}
        kept = fine and json.dumps(
            [(kind, renumbered(kind, subject, first)) for kind, subject in json.loads(fine)], ensure_ascii=False
        )
        database.execute(
            "INSERT INTO changes (project_id, made, sentence, before, fine) VALUES (?, ?, ?, ?, ?)",
            (project_id, made, sentence, json.dumps(states, ensure_ascii=False), kept),
        )


def _places(
    workspace: Workspace, laid: Workspace, project_id: str, database: sqlite3.Connection
) -> list[tuple[Path, Path]]:
    """Returns where the folders of the project and of its runs were laid, and where they go."""
    run_ids = [row["id"] for row in database.execute("SELECT id FROM beside.runs")]
    places = [(laid.project_folder(project_id), workspace.project_folder(project_id))]
    return places + [(laid.run_folder(run_id), workspace.run_folder(run_id)) for run_id in run_ids]
