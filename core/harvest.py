"""The harvest of an intake: what became of each file, in a database of its own until the project takes it over."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

from core.disk_rows import DiskRows
from core.errors import AppError
from core.likeness import LENGTH_BYTES, find_groups
from core.projects import ProjectNotFoundError, open_project
from core.workspace import Workspace

FILE = "harvest.db"
PRINTS = "fingerprints.bin"


@dataclass(frozen=True)
class Seen:
    """What became of a file: with `file` it is kept, with `problem` set aside, with neither its bytes were seen before.

    Where those bytes were out of use because their intake was undone, the row is what they come back as.

    Attributes:
        name: As the user's folder called it, with its folders.
        label: None where it lies in no class folder.
        split: None where the user's folders do not say.
        size_bytes: Of the original.
        sha256: Of the original; None when it was not read.
        file: The kept copy, below the project's folder.
        width: Of the original as people see it, in pixels.
        height: The same.
        problem: JSON of a sentence of gettext and its values.
        likeness: What near duplicates are found by.
        brightness: 0 to 1, like contrast and sharpness; see `core.looks`.
        contrast: The same.
        sharpness: The same.
    """

    name: str
    label: str | None = None
    split: str | None = None
    size_bytes: int = 0
    sha256: str | None = None
    file: str | None = None
    width: int | None = None
    height: int | None = None
    problem: str | None = None
    likeness: bytes | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None


@dataclass(frozen=True)
class Known:
    """A picture that is there already.

    Attributes:
        label: Its class.
        is_removed: Whether its owner set it aside.
        brought: The class that its own folder gave it, where its owner moved it since.
        is_withdrawn: Whether it is set aside for no reason but that its intake was undone.
    """

    label: str
    is_removed: bool = False
    brought: str | None = None
    is_withdrawn: bool = False


COLUMNS = [field.name for field in fields(Seen)]
AS_TUPLE = attrgetter(*COLUMNS)


def written(problem: AppError) -> str:
    """Returns a problem as it is recorded."""
    return json.dumps(problem.said(), ensure_ascii=False, default=str)


class Harvest:
    """Takes down what becomes of each file, and knows which pictures the project has.

    The project's own database is only read: it is the server's.

    Attributes:
        has_pictures: Whether the project had any before.

    Raises:
        ProjectNotFoundError: The project is not there.
    """

    def __init__(self, workspace: Workspace, project_id: str, folder: Path):
        self._project_id = project_id
        self._folder = folder
        self._database = sqlite3.connect(folder / FILE, isolation_level=None, timeout=30)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(f"CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, {', '.join(COLUMNS)})")
        self._database.execute("CREATE INDEX IF NOT EXISTS by_content ON rows (sha256) WHERE problem IS NULL")
        self._database.execute("ATTACH ? AS project", (str(workspace.index),))
        named = "SELECT 1 FROM project.projects WHERE id = ? AND deleted IS NULL"
        if not self._database.execute(named, (project_id,)).fetchone():
            self.close()
            raise ProjectNotFoundError(project_id=project_id)
        there = "SELECT 1 FROM project.images WHERE project_id = ? AND problem IS NULL LIMIT 1"
        self.has_pictures = self._database.execute(there, (project_id,)).fetchone() is not None

    def known(self, sha256: str) -> Known | None:
        """Returns the picture with these bytes, None when there is none yet."""
        here = "SELECT label, FALSE, NULL, FALSE FROM rows WHERE sha256 = ? AND problem IS NULL"
        row = self._database.execute(here, (sha256,)).fetchone()
        if row is None and self.has_pictures:
            before = (
                "SELECT label, removed IS NOT NULL, brought, removed = withdrawn FROM project.images "
                "WHERE project_id = ? AND sha256 = ? AND problem IS NULL"
            )
            row = self._database.execute(before, (self._project_id, sha256)).fetchone()
        return Known(row[0], bool(row[1]), row[2], bool(row[3])) if row else None

    def add(self, rows: Iterable[Seen]) -> None:
        """Takes down some rows, all or none of them.

        Raises:
            sqlite3.OperationalError: The disk is full.
        """
        places = ", ".join("?" * len(COLUMNS))
        self._database.execute("BEGIN")
        try:
            self._database.executemany(
                f"INSERT INTO rows ({', '.join(COLUMNS)}) VALUES ({places})", map(AS_TUPLE, rows)
            )
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def group(self, on_progress: Callable[[int, int], None]) -> None:
        """Finds the near duplicates among the pictures of the project and these.

        Args:
            on_progress: Called now and then with the pairs that were compared and all pairs; may raise to end it.
        """
        pictures = (
            "SELECT sha256, likeness FROM project.images WHERE project_id = ?1 AND likeness IS NOT NULL "
            "UNION ALL SELECT sha256, likeness FROM rows WHERE problem IS NULL AND likeness IS NOT NULL"
        )
        own = (self._project_id,)
        prints = DiskRows(
            self._folder / PRINTS, (row[1] for row in self._database.execute(pictures, own)), LENGTH_BYTES
        )
        numbers = find_groups(prints, on_progress).tolist()
        self._database.execute("BEGIN")
        self._database.execute("CREATE TABLE groups (sha256 PRIMARY KEY, number)")
        # The same question gives the same order, so that no names need be held.
        rows = zip(self._database.execute(pictures, own), numbers, strict=True)
        found = ((sha256, number) for (sha256, _), number in rows if number >= 0)
        self._database.executemany("INSERT INTO groups VALUES (?, ?)", found)
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Lets the file go."""
        self._database.close()


def pictures_of(folder: Path) -> list[str]:
    """Returns the sha256 of every picture that an intake took in, or brought back, while its harvest is there."""
    if not (folder / FILE).exists():
        return []
    database = sqlite3.connect(folder / FILE, isolation_level=None, timeout=30)
    try:
        return [row[0] for row in database.execute("SELECT sha256 FROM rows WHERE problem IS NULL")]
    finally:
        database.close()


def bring_home(workspace: Workspace, project_id: str, folder: Path) -> None:
    """Makes a harvest part of its project, all of it in one transaction; a second time changes nothing.

    A file that was set aside before and comes again is told about once.

    Raises:
        ProjectNotFoundError: Somebody deleted the project meanwhile.
        sqlite3.OperationalError: The disk is full.
    """
    open_project(workspace, project_id)
    if not (folder / FILE).exists():
        return
    columns = ", ".join(COLUMNS)
    try:
        with workspace.database(beside=folder / FILE) as database:
            database.execute(
                "DELETE FROM images WHERE project_id = ? AND problem IS NOT NULL "
                "AND name IN (SELECT name FROM beside.rows)",
                (project_id,),
            )
            database.execute(
                f"INSERT INTO images (project_id, {columns}) SELECT ?1, {columns} FROM beside.rows AS row "
                "WHERE problem IS NOT NULL OR file IS NOT NULL AND NOT EXISTS (SELECT 1 FROM images "
                "WHERE project_id = ?1 AND sha256 = row.sha256 AND problem IS NULL) ORDER BY id",
                (project_id,),
            )
            _bring_back(database, project_id)
            # An intake that was cut short has not looked for near duplicates: those known before stay.
            if database.execute("SELECT 1 FROM beside.sqlite_master WHERE name = 'groups'").fetchone():
                database.execute(
                    "UPDATE images SET similar = (SELECT number FROM beside.groups WHERE sha256 = images.sha256) "
                    "WHERE project_id = ? AND problem IS NULL",
                    (project_id,),
                )
    except sqlite3.IntegrityError as error:
        raise ProjectNotFoundError(project_id=project_id) from error


def _bring_back(database: sqlite3.Connection, project_id: str) -> None:
    """Puts in use again what the undoing of an intake took out of it, as if it were new: where its folder says now."""
    again = (
        "SELECT images.id, row.name, row.label, row.split FROM beside.rows AS row JOIN images USING (sha256) "
        "WHERE row.problem IS NULL AND row.file IS NULL "
        "AND images.project_id = ? AND images.problem IS NULL AND images.removed = images.withdrawn"
    )
    rows = database.execute(again, (project_id,)).fetchall()
    database.executemany(
        "UPDATE images SET name = ?, label = ?, split = ?, brought = NULL, removed = NULL WHERE id = ?",
        [(row["name"], row["label"], row["split"], row["id"]) for row in rows],
    )
    back = {str(row["id"]) for row in rows}
    changes = database.execute("SELECT id, sentence, before FROM changes WHERE project_id = ?", (project_id,))
    for change in changes.fetchall() if back else ():
        before = json.loads(change["before"])
        left = {image_id: state for image_id, state in before.items() if image_id not in back}
        if len(left) == len(before):
            continue
        # What was done to them before they were new cannot be undone any more.
        sentence = json.dumps(json.loads(change["sentence"]) | {"num_images": len(left)}, ensure_ascii=False)
        database.execute(
            "UPDATE changes SET sentence = ?, before = ? WHERE id = ?", (sentence, json.dumps(left), change["id"])
        )
        if not left:
            database.execute("DELETE FROM changes WHERE id = ?", (change["id"],))
