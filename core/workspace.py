"""The workspace: the folder that holds everything, and the SQLite index that only the web server changes."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import platformdirs

from core import connections

HOME_VARIABLE = "HEADSTART_HOME"

# What SQL asks of the table `projects`, so that a reader finds nothing but their own; `:reader` is a workspace's.
OWN = "(:reader IS NULL OR projects.owner = :reader)"


@dataclass(frozen=True)
class Workspace:
    """A folder with projects, runs and `headstart.db`.

    Attributes:
        home: Created when missing. Its parts: `projects/<id>/images`, `projects/<id>/thumbnails`, `runs/<id>`.
        reader: Who looks at it: finds their own projects and runs and no others. None finds all: the server itself, and
            everybody where nobody signs in.
    """

    home: Path
    reader: str | None = None

    @classmethod
    def default(cls) -> "Workspace":
        """Returns the workspace of `HEADSTART_HOME`, or of the user's data folder."""
        chosen = os.environ.get(HOME_VARIABLE)
        return cls(
            Path(chosen).expanduser().absolute()
            if chosen
            else platformdirs.user_data_path("headstart", appauthor=False)
        )

    def seen_by(self, reader: str | None) -> "Workspace":
        """Returns the same workspace as this reader finds it."""
        return replace(self, reader=reader)

    def project_folder(self, project_id: str) -> Path:
        """Where a project's pictures and thumbnails lie."""
        return self.home / "projects" / project_id

    def run_folder(self, run_id: str) -> Path:
        """Where a run's config, events and results lie."""
        return self.home / "runs" / run_id

    @contextmanager
    def database(self, *, beside: Path | None = None) -> Iterator[sqlite3.Connection]:
        """Opens the index for one change: committed at the end, rolled back when an exception leaves the block.

        Whoever else wants to change it waits.

        Args:
            beside: Another database, to be read in the same transaction under the name `beside`.
        """
        with closing(self._connect()) as connection:
            if beside is not None:
                connection.execute("ATTACH ? AS beside", (str(beside),))
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Opens the index for one look, at all of it as it was at one moment. Nobody waits for anybody.

        What would change it is refused with an `sqlite3.OperationalError`.
        """
        with (
            connections.lent(self.index, partial(self._connect, "PRAGMA query_only = ON")) as connection,
            _transaction(connection, "BEGIN"),
        ):
            yield connection

    @property
    def index(self) -> Path:
        """The SQLite file."""
        return self.home / "headstart.db"

    def _connect(self, *settings: str) -> sqlite3.Connection:
        self.home.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.index, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection)
            for setting in settings:
                connection.execute(setting)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = []
migration = MIGRATIONS.append
_migrating = threading.Lock()


def migrate(database: sqlite3.Connection) -> None:
    """Brings the tables to the newest form; the number of migrations done is SQLite's `user_version`."""
    with _migrating:  # two that change the kind of journal at once do not wait for each other
        if _version(database) == len(MIGRATIONS):
            return
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        for number in range(_version(database), len(MIGRATIONS)):
            MIGRATIONS[number](database)
            database.execute(f"PRAGMA user_version = {number + 1}")
        database.execute("COMMIT")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


@migration
def m001_projects_images_runs(database: sqlite3.Connection) -> None:
    """The first tables."""
    database.execute("""
        CREATE TABLE projects (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            created REAL NOT NULL
        )""")
    database.execute("""
        CREATE TABLE images (
            id INTEGER PRIMARY KEY,
            project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
            name TEXT NOT NULL,          -- as the user's folder called it, with its folders
            file TEXT,                   -- below the project's folder; NULL when set aside
            label TEXT,
            split TEXT,                  -- train, validation or test where the user's folders say so, else NULL
            size_bytes INTEGER NOT NULL DEFAULT 0,
            width INTEGER,
            height INTEGER,
            sha256 TEXT,
            problem TEXT                 -- why it was set aside: a sentence of gettext; NULL for a good picture
        )""")
    database.execute("CREATE INDEX images_of_project ON images (project_id, label)")
    database.execute("""
        CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            created REAL NOT NULL,
            state TEXT NOT NULL,         -- as last seen; the run's folder is the truth
            pid INTEGER,
            process_created REAL
        )""")
    database.execute("CREATE INDEX runs_of_project ON runs (project_id, created)")


@migration
def m002_looks_and_groups(database: sqlite3.Connection) -> None:
    """What is known of a picture besides its pixels, what its owner did with it, and what can be undone."""
    columns = {
        "likeness": "BLOB",  # what near duplicates are found by
        "similar": "INTEGER",  # the number of its group of near duplicates, NULL when it has none
        "brightness": "REAL",  # 0 to 1, like contrast and sharpness
        "contrast": "REAL",
        "sharpness": "REAL",
        "removed": "REAL",  # when its owner set it aside, in seconds since 1970; NULL while it is in use
    }
    for name, kind in columns.items():
        database.execute(f"ALTER TABLE images ADD COLUMN {name} {kind}")
    database.execute("CREATE INDEX images_by_content ON images (project_id, sha256)")
    database.execute("""
        CREATE TABLE changes (
            id INTEGER PRIMARY KEY,
            project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
            made REAL NOT NULL,
            sentence TEXT NOT NULL,      -- what was done, as JSON: its kind, how many images, the names it is told with
            before TEXT NOT NULL         -- JSON: label, split and removed of each image that it touched, by id
        )""")


@migration
def m003_brought_and_fine(database: sqlite3.Connection) -> None:
    """The class that a moved picture's own folder gave it, and what its owner said is fine."""
    database.execute("ALTER TABLE images ADD COLUMN brought TEXT")  # NULL where it is the label
    rows = database.execute(
        "SELECT changes.project_id, entry.key, json_extract(entry.value, '$[0]') "
        "FROM changes, json_each(changes.before) AS entry ORDER BY changes.id"
    ).fetchall()
    # The oldest change that is remembered comes nearest to what the folder said.
    database.executemany(
        "UPDATE images SET brought = ?3 WHERE project_id = ?1 AND id = ?2 AND brought IS NULL",
        [(row[0], int(row[1]), row[2]) for row in rows],
    )
    database.execute("UPDATE images SET brought = nullif(brought, label)")
    database.execute("""
        CREATE TABLE fine (
            project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
            kind TEXT NOT NULL,          -- of finding
            subject TEXT NOT NULL,       -- the id of an image, or the class or classes that it is about
            PRIMARY KEY (project_id, kind, subject)
        ) WITHOUT ROWID""")
    # JSON: what was fine before, as pairs of kind and subject; NULL where a change left that alone.
    database.execute("ALTER TABLE changes ADD COLUMN fine TEXT")


@migration
def m004_withdrawn(database: sqlite3.Connection) -> None:
    """Which pictures are out of use because their intake was undone; and a short way to what was not taken in."""
    # The time in `removed` that came of it: as long as the two are the same, and no longer, it is the reason.
    database.execute("ALTER TABLE images ADD COLUMN withdrawn REAL")
    # A page asks for these at every run, and they are few among many.
    database.execute("CREATE INDEX images_with_problem ON images (project_id) WHERE problem IS NOT NULL")


@migration
def m005_place_in_line(database: sqlite3.Connection) -> None:
    """In which order the waiting runs begin."""
    database.execute("ALTER TABLE runs ADD COLUMN queued REAL NOT NULL DEFAULT 0")  # seconds since 1970, or between two
    database.execute("UPDATE runs SET queued = created")


@migration
def m006_deleted_projects(database: sqlite3.Connection) -> None:
    """When its owner deleted a project, which can be brought back for some days."""
    database.execute("ALTER TABLE projects ADD COLUMN deleted REAL")  # seconds since 1970; NULL while it is in use


@migration
def m007_owner(database: sqlite3.Connection) -> None:
    """Whose a project is, where people sign in: NULL for those made before or without."""
    database.execute("ALTER TABLE projects ADD COLUMN owner TEXT")
