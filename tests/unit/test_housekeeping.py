"""core.housekeeping: what goes by itself, and what stays."""

import os
import threading
import time
from pathlib import Path

import pytest

from core import budget, housekeeping, projects, sizes
from core.housekeeping import KEPT_LOG_BYTES, LEFTOVER_SECONDS, MOST_LOG_BYTES, sweep
from core.saved import moves

OLD = time.time() - LEFTOVER_SECONDS - 60


def put(path, data: bytes = b"x", *, old: bool = True):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if old:
        os.utime(path, (OLD, OLD))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "speeds.json-7.new",
        "features/digests-7.new",
        "moves/out-p/progress.json-7.new",
        "projects/p/draft.json-7.new",
        "projects/p/intakes/1-ab/progress.json-7.new",
        "runs/r/config.json-7.new",
        "runs/r/writing.keras",
        "runs/r/checkpoint/writing.last.npz",
        "runs/r/exports/.packing-ab.zip",
    ],
)
def test_half_written_files_go_after_a_day_and_not_before(workspace, name):
    old = put(workspace.home / name)
    young = put(
        workspace.home / name.replace("7", "8").replace("writing.", "writing.x.").replace("ab", "cd"), old=False
    )
    sweep(workspace)
    assert old != young
    assert not old.exists()
    assert young.exists()


def test_half_made_part_of_stored_features_goes_after_a_day(workspace):
    store = workspace.home / "features" / "residual10-ab"
    put(store / "key.json")
    whole, half = put(store / "part" / "0.bin").parent, put(store / ".part-7-7" / "0.bin").parent
    os.utime(half, (OLD, OLD))
    sweep(workspace)
    assert whole.exists() and not half.exists()


def test_what_belongs_to_projects_and_runs_stays_however_old(workspace):
    kept = [
        put(workspace.home / name)
        for name in (
            "projects/p/images/0a/0a.jpg",
            "projects/p/draft.json",
            "projects/p/intakes/1-ab/images/0a/0a.jpg",
            "runs/r/model.keras",
            "runs/r/checkpoint/last.npz",
            "runs/r/worker.log",
            "runs/r/room-for-the-last-word",  # a worker's, for its last word
        )
    ]
    sweep(workspace)
    assert all(path.exists() for path in kept)


def test_folder_of_an_intake_that_never_began_goes(workspace):
    folder = workspace.home / "projects" / "p" / "intakes" / "1-ab"
    folder.mkdir(parents=True)
    os.utime(folder, (OLD, OLD))
    sweep(workspace)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["engine.log", "runs/r/worker.log", "projects/p/intakes/1-ab/worker.log"])
def test_long_log_keeps_its_end_in_whole_lines_while_it_is_written(workspace, name):
    log = put(workspace.home / name, b"a line of the log\n" * (MOST_LOG_BYTES // 10))
    with log.open("ab", buffering=0) as writer:
        writer.write(b"the last line\n")
        sweep(workspace)
        writer.write(b"one more\n")
    lines = log.read_bytes().splitlines()
    assert set(lines[:-2]) == {b"a line of the log"}
    assert lines[-2:] == [b"the last line", b"one more"]
    assert log.stat().st_size <= KEPT_LOG_BYTES + 100


def test_short_log_stays_as_it_is(workspace):
    log = put(workspace.home / "engine.log", b"a line\n")
    sweep(workspace)
    assert log.read_bytes() == b"a line\n"


def test_stored_features_are_kept_within_the_budget_though_nothing_trains(workspace, monkeypatch):
    for age, name in enumerate(("of a project that is gone", "of one in use")):
        key = put(workspace.home / "features" / name / "key.json")
        put(workspace.home / "features" / name / "part" / "0.bin", b"x" * 1000)
        os.utime(key, (OLD + age, OLD + age))
    monkeypatch.setattr(budget, "RESERVE_BYTES", 0)
    monkeypatch.setenv(budget.VARIABLE, str(1500 / budget.GIGABYTE))
    sweep(workspace)
    assert [path.name for path in (workspace.home / "features").iterdir()] == ["of one in use"]


def test_deleted_projects_whose_days_are_over_go(workspace):
    project = projects.create_project(workspace, "Ants")
    picture = put(workspace.project_folder(project.id) / "images" / "a.jpg")
    projects.delete_project(workspace, project.id)
    sweep(workspace)
    assert picture.exists()
    with workspace.database() as database:
        database.execute("UPDATE projects SET deleted = deleted - ?", (projects.KEPT_SECONDS,))
    sweep(workspace)
    assert not picture.exists()


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (housekeeping.remove_half_written, ("runs/r/a.new", "runs/r/b.new")),
        (housekeeping.shorten_logs, ("a.log", "b.log")),
        (housekeeping.remove_empty_intakes, ("projects/p/intakes/a", "projects/p/intakes/b")),
        (moves.remove_old, ("moves/a", "moves/b")),
    ],
)
def test_what_vanishes_while_it_is_looked_at_does_not_end_a_rule(workspace, monkeypatch, rule, names):
    first, other = (workspace.home / name for name in names)
    for path in (first, other):
        if path.suffix:
            put(path, b"a line\n" * (MOST_LOG_BYTES // 7 + 1))
        else:
            path.mkdir(parents=True)
            os.utime(path, (OLD, OLD))
    glob = Path.glob

    def found(self: Path, pattern: str):
        for path in sorted(glob(self, pattern)):
            if path == first:
                path.unlink() if path.suffix else path.rmdir()
            yield path

    monkeypatch.setattr(Path, "glob", found)
    rule(workspace)
    assert not first.exists()
    assert not other.exists() or other.stat().st_size <= KEPT_LOG_BYTES


def test_rules_are_followed_every_hour_however_long_it_takes_to_find_out_sizes(workspace, monkeypatch):
    now, limits, swept = [0.0], [], []

    class OverError(BaseException):
        """The thread would go on."""

    def follow(workspace) -> None:
        swept.append(now[0])
        if len(swept) == 2:
            raise OverError

    def take(seconds: float) -> None:
        now[0] += seconds

    def wait(workspace, limit_seconds: float) -> None:
        limits.append(limit_seconds)
        take(limit_seconds)

    monkeypatch.setattr(housekeeping.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(housekeeping.sizes, "measure", lambda workspace: take(600))
    monkeypatch.setattr(housekeeping.sizes, "wait_until_wanted", wait)
    with pytest.raises(OverError):
        housekeeping._watch(workspace, (follow,))
    # The first wait is told what was left when it began to look.
    assert swept == [0.0, pytest.approx(housekeeping.SWEEP_SECONDS)]
    assert limits == [housekeeping.SWEEP_SECONDS - 600]


def test_rule_that_fails_does_not_keep_the_others_from_being_followed(workspace, caplog):
    def broken(workspace) -> None:
        raise OSError("the disk is full")

    followed = []
    sweep(workspace, (broken, followed.append))
    assert followed == [workspace]
    assert "could not be tidied" in caplog.text


def test_rules_are_followed_and_sizes_found_out_in_the_background(workspace, monkeypatch):
    followed, over = [], threading.Event()

    def end(*_given) -> None:
        over.set()
        threading.Event().wait()  # a thread of the background, which ends with the process

    monkeypatch.setattr(housekeeping.sizes, "wait_until_wanted", end)
    put(workspace.home / "projects" / "p" / "images" / "a.jpg", b"1234")
    housekeeping.watch(workspace, followed.append)
    assert over.wait(10)
    assert followed == [workspace]
    assert sizes.known(workspace).pictures == {"p": 4}
