"""core.sizes: what projects and the workspace take."""

import os
import threading
import time
from contextlib import contextmanager

import pytest

from core import projects, sizes
from core.sizes import known, measure


def write(path, num_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * num_bytes)


@pytest.fixture
def filled(workspace):
    """Two projects with pictures, one of them with two runs, and what else a workspace holds."""
    first, second = (projects.create_project(workspace, name) for name in ("first", "second"))
    with workspace.database() as database:
        for run in ("r1", "r2"):
            database.execute(
                "INSERT INTO runs (id, project_id, name, created, state) VALUES (?, ?, 'run', 0, 'finished')",
                (run, first.id),
            )
    write(workspace.project_folder(first.id) / "images" / "a.jpg", 1000)
    write(workspace.project_folder(first.id) / "intakes" / "1" / "images" / "b.jpg", 100)
    write(workspace.project_folder(second.id) / "images" / "c.jpg", 10)
    write(workspace.run_folder("r1") / "model.keras", 2000)
    write(workspace.run_folder("r2") / "checkpoint" / "last.npz", 200)
    write(workspace.home / "features" / "store" / "0.bin", 30_000)
    write(workspace.home / "uploads" / "u" / "files" / "a.jpg", 400_000)
    return first, second


def test_pictures_and_runs_count_for_their_project(workspace, filled):
    first, second = filled
    found = measure(workspace)
    assert found.pictures == {first.id: 1100, second.id: 10}
    assert found.runs == {first.id: 2200}
    assert found.features == 30_000


def test_everything_counts_once(workspace, filled):
    index = sum(path.stat().st_size for path in workspace.home.glob("headstart.db*"))
    assert measure(workspace).total - index == pytest.approx(433_310, abs=100_000)  # SQLite's own files come and go


def test_links_are_not_followed(workspace, filled, tmp_path):
    first, _ = filled
    write(tmp_path / "elsewhere" / "large", 10_000)
    (workspace.project_folder(first.id) / "link").symlink_to(tmp_path / "elsewhere")
    assert measure(workspace).pictures[first.id] < 2000


def test_file_that_vanishes_while_it_is_looked_at_takes_no_other_along(tmp_path, monkeypatch):
    class Vanished:
        name = path = "gone"

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            return False

        def stat(self, *, follow_symlinks: bool):
            raise FileNotFoundError

    scandir = os.scandir

    @contextmanager
    def scanned(folder):
        with scandir(folder) as entries:
            yield iter([Vanished(), *entries])

    write(tmp_path / "folder" / "a", 1000)
    monkeypatch.setattr(os, "scandir", scanned)
    assert sizes.size_of(tmp_path / "folder") == 1000


def test_wait_ends_in_time_however_long_it_takes_to_look(workspace):
    began = time.monotonic()
    sizes.wait_until_wanted(workspace, 0.05)
    assert time.monotonic() - began < sizes.LEAST_PAUSE_SECONDS / 2


def test_nothing_is_known_before_somebody_has_looked(workspace, filled):
    assert known(workspace) is None
    found = measure(workspace)
    assert known(workspace) is found


def test_whoever_asks_has_it_looked_up_anew(workspace, monkeypatch):
    monkeypatch.setattr(sizes, "LEAST_PAUSE_SECONDS", 0.0)
    sizes._wanted.clear()
    waiting = threading.Thread(target=sizes.wait_until_wanted, args=(workspace, 60))
    waiting.start()
    time.sleep(0.05)
    assert waiting.is_alive()
    known(workspace)
    waiting.join(5)
    assert not waiting.is_alive()


def test_figures_are_recent_for_a_while(workspace, monkeypatch):
    found = sizes.measure(workspace)
    assert found.is_recent and sizes.latest(workspace) is found
    monkeypatch.setattr(sizes, "RECENT_SECONDS", 0.0)
    assert not found.is_recent
