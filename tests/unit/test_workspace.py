"""core.workspace: where things lie, and transactions and migrations of the index."""

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import workspace as module
from core.workspace import HOME_VARIABLE, MIGRATIONS, Workspace

INSERT = "INSERT INTO projects (id, name, created) VALUES (?, ?, ?)"


def project_ids(workspace: Workspace) -> list[str]:
    with workspace.database() as database:
        return [row["id"] for row in database.execute("SELECT id FROM projects ORDER BY id")]


def test_chosen_home_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "somewhere"))
    assert Workspace.default().home == tmp_path / "somewhere"


@pytest.mark.parametrize("chosen", [None, ""])
def test_without_a_choice_the_users_data_folder_is_home(monkeypatch, chosen):
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    if chosen is not None:
        monkeypatch.setenv(HOME_VARIABLE, chosen)
    home = Workspace.default().home
    assert home.name == "headstart"
    assert Path.home() in home.parents


def test_projects_and_runs_have_folders_below_home(tmp_path):
    workspace = Workspace(tmp_path)
    assert workspace.project_folder("p1") == tmp_path / "projects" / "p1"
    assert workspace.run_folder("r1") == tmp_path / "runs" / "r1"


def test_home_is_made_when_it_is_first_needed(tmp_path):
    workspace = Workspace(tmp_path / "new" / "home")
    assert project_ids(workspace) == []
    assert (workspace.home / "headstart.db").exists()


def test_transaction_is_kept_at_its_end(workspace):
    with workspace.database() as database:
        database.execute(INSERT, ("p1", "Ants", 0.0))
    assert project_ids(workspace) == ["p1"]


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt])
def test_transaction_that_fails_leaves_nothing_behind(workspace, trouble):
    with pytest.raises(trouble), workspace.database() as database:
        database.execute(INSERT, ("p1", "Ants", 0.0))
        raise trouble
    assert project_ids(workspace) == []


def test_images_and_runs_go_with_their_project(workspace):
    with workspace.database() as database:
        database.execute(INSERT, ("p1", "Ants", 0.0))
        database.execute("INSERT INTO images (project_id, name) VALUES ('p1', 'a.jpg')")
        database.execute(
            "INSERT INTO runs (id, project_id, name, created, state) VALUES ('r1', 'p1', 'x', 0, 'queued')"
        )
    with workspace.database() as database:
        database.execute("DELETE FROM projects")
        assert database.execute("SELECT count(*) FROM images").fetchone()[0] == 0
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] == 0


def test_image_of_a_project_that_is_not_there_is_refused(workspace):
    with pytest.raises(sqlite3.IntegrityError), workspace.database() as database:
        database.execute("INSERT INTO images (project_id, name) VALUES ('nowhere', 'a.jpg')")


def test_writers_at_once_wait_for_each_other_from_the_first_moment(workspace):
    troubles = []

    def write(number: int) -> None:
        try:
            for step in range(5):
                with workspace.database() as database:
                    database.execute(INSERT, (f"{number}-{step}", "Ants", 0.0))
        except sqlite3.Error as error:
            troubles.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert len(project_ids(workspace)) == 40


def test_reading_alone_waits_for_no_writer_and_can_change_nothing(workspace):
    with workspace.database() as database:
        database.execute(INSERT, ("kept", "", 0))
    with workspace.database() as database:
        database.execute(INSERT, ("on its way", "", 0))
        assert project_ids(workspace.to_read()) == ["kept"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"), workspace.to_read().database() as database:
        database.execute(INSERT, ("never", "", 0))
    assert project_ids(workspace) == ["kept", "on its way"]


def test_reading_alone_makes_no_workspace(tmp_path):
    with pytest.raises(sqlite3.OperationalError), Workspace(tmp_path / "none").to_read().database():
        pass
    assert not (tmp_path / "none").exists()


def test_two_processes_may_open_a_new_workspace_at_once(tmp_path):
    program = (
        "import sys; from pathlib import Path; from core.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1])).database() as database: database.execute('SELECT * FROM projects')"
    )
    root = Path(__file__).parents[2]
    started = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "home")], cwd=root) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]


def test_migrations_run_once_and_later_ones_reach_an_older_workspace(workspace, monkeypatch):
    with workspace.database() as database:
        database.execute(INSERT, ("p1", "Ants", 0.0))
    calls = []

    def add_colour(database: sqlite3.Connection) -> None:
        calls.append(1)
        database.execute("ALTER TABLE projects ADD COLUMN colour TEXT")

    monkeypatch.setattr(module, "MIGRATIONS", [*MIGRATIONS, add_colour])
    for _time in range(2):
        with workspace.database() as database:
            row = database.execute("SELECT id, colour FROM projects").fetchone()
    assert tuple(row) == ("p1", None)
    assert calls == [1]


def test_migration_that_fails_leaves_the_workspace_as_it_was(workspace, monkeypatch):
    project_ids(workspace)

    def half(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE half (id TEXT)")
        raise OSError("the disk is full")

    monkeypatch.setattr(module, "MIGRATIONS", [*MIGRATIONS, half])
    with pytest.raises(OSError, match="full"):
        project_ids(workspace)
    monkeypatch.undo()
    with sqlite3.connect(workspace.home / "headstart.db") as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    database.close()
    assert "half" not in names


def test_where_pictures_came_in_is_read_from_the_changes_of_an_older_home(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "home")
    monkeypatch.setattr(module, "MIGRATIONS", MIGRATIONS[:2])
    with workspace.database() as database:
        database.execute(INSERT, ("p1", "Ants", 0.0))
        for label in ("bee", "ant", "ant"):
            database.execute("INSERT INTO images (project_id, name, label) VALUES ('p1', 'a.jpg', ?)", (label,))
        # The first was moved from ant to wasp to bee, the second there and back, the third never.
        for before in ('{"1": ["ant", null, null], "2": ["ant", null, null]}', '{"1": ["wasp", null, null]}'):
            database.execute(
                "INSERT INTO changes (project_id, made, sentence, before) VALUES ('p1', 0, '{}', ?)", (before,)
            )
        database.execute(
            "INSERT INTO changes (project_id, made, sentence, before) VALUES ('p1', 0, '{}', ?)",
            ('{"2": ["wasp", null, null]}',),
        )
    monkeypatch.setattr(module, "MIGRATIONS", MIGRATIONS)
    with workspace.database() as database:
        assert [row["brought"] for row in database.execute("SELECT brought FROM images ORDER BY id")] == [
            "ant",
            None,
            None,
        ]


def test_threads_bring_the_tables_of_a_new_workspace_up_one_after_the_other(workspace, monkeypatch):
    # Two that change the kind of journal at the same moment: SQLite tells one of them at once that it is locked.
    version, at_work, most = module._version, [], []

    def slowly(database: sqlite3.Connection) -> int:
        at_work.append(database)
        most.append(len(at_work))
        time.sleep(0.1)
        at_work.remove(database)
        return version(database)

    monkeypatch.setattr(module, "_version", slowly)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda _: project_ids(workspace), range(3))) == [[], [], []]
    assert max(most) == 1
