"""core.saved.moves: projects go out and come in in processes of their own, found again by whoever asks."""

import errno
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from core import dataset, intake, jobs, processes, projects, runs, work_folder
from core.housekeeping import sweep
from core.limits import Limits
from core.saved import moves, worker
from core.saved.moves import IN, OUT, MoveFailedError, MoveFolder
from core.saved.parcel import BadParcelError, NoRoomError
from core.work_folder import END, OUTCOME
from core.workspace import Workspace
from tests import parcels

PATIENCE_SECONDS = 60


@pytest.fixture
def project(workspace, tmp_path) -> str:
    return parcels.make_project(workspace, tmp_path / "pictures")


def wait(workspace: Workspace, name: str) -> moves.Move:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (move := moves.find(workspace, name)).is_over and time.monotonic() < deadline:
        time.sleep(0.02)
    assert move.is_over
    return move


def saved(workspace: Workspace, project_id: str, folder: Path) -> Path:
    """The file of a project, as somebody downloads it."""
    moves.save_project(workspace, project_id)
    move = wait(workspace, OUT + project_id)
    assert move.parcel, move.error
    return Path(shutil.copy(move.parcel, folder / "download.zip"))


def arrived(workspace: Workspace) -> moves.Move:
    (move,) = moves.list_arriving(workspace)
    return wait(workspace, move.name)


def wait_until_gone(*paths: Path) -> None:
    """Waits for what goes once it is told what came of a move."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(path.exists() for path in paths) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(path.exists() for path in paths)


def test_project_goes_out_and_comes_into_another_workspace(workspace, project, tmp_path):
    parcels.make_run(workspace, project)
    file = saved(workspace, project, tmp_path)
    other = Workspace(tmp_path / "other")
    discard = tmp_path / "upload"
    discard.mkdir()
    moves.bring_project(other, Path(shutil.move(file, discard / "download.zip")), Limits(), discard=discard)
    brought = arrived(other).brought
    assert (brought.num_runs, brought.runs_left_out, brought.num_set_aside) == (1, (), 0)
    assert parcels.images(other, brought.project_id).equals(parcels.images(workspace, project))
    assert all((other.home / path).exists() for path in dataset.images(other, brought.project_id)["path"])
    assert runs.list_runs(other)[0].has_model
    wait_until_gone(discard)


def test_project_that_comes_in_belongs_to_the_reader_who_brought_it_and_only_they_see_it_come(
    workspace, project, tmp_path
):
    file = saved(workspace, project, tmp_path)
    other = Workspace(tmp_path / "other")
    mine, theirs = other.seen_by("me"), other.seen_by("them")
    moves.bring_project(mine, file, Limits())
    brought = arrived(mine).brought
    assert brought.num_images > 0
    assert moves.list_arriving(theirs) == []
    assert [found.id for found in projects.list_projects(mine)] == [brought.project_id]
    assert projects.list_projects(theirs) == []


def test_project_that_comes_in_where_another_has_its_name_gets_a_number_and_says_so(workspace, project, tmp_path):
    file = saved(workspace, project, tmp_path)
    moves.bring_project(workspace, file, Limits())
    brought = arrived(workspace).brought
    name = projects.open_project(workspace, project).name
    assert brought.name == projects.open_project(workspace, brought.project_id).name == f"{name} (2)"


def test_nothing_but_what_is_told_is_left_of_what_came_in(workspace, project, tmp_path):
    file = saved(workspace, project, tmp_path)
    other = Workspace(tmp_path / "other")
    moves.bring_project(other, file, Limits())
    move = arrived(other)
    wait_until_gone(*(other.home / "moves" / move.name / part for part in ("home", "rows.db")))
    moves.dismiss(other, move.name)
    assert moves.list_arriving(other) == []
    assert not (other.home / "moves" / move.name).exists()


def test_what_cannot_be_taken_in_is_told_and_changes_nothing(workspace, tmp_path):
    file = tmp_path / "pets.zip"
    file.write_bytes(b"no zip")
    moves.bring_project(workspace, file, Limits())
    move = arrived(workspace)
    assert "is not a zip that can be read" in move.error.shown()
    assert projects.list_projects(workspace) == []
    assert not list(workspace.home.glob("projects/*"))


def test_next_attempt_takes_away_what_is_told_of_the_readers_failed_ones_and_nothing_else(workspace, project, tmp_path):
    file = saved(workspace, project, tmp_path)
    (tmp_path / "pets.zip").write_bytes(b"no zip")
    mine, theirs = workspace.seen_by("me"), workspace.seen_by("them")
    moves.bring_project(theirs, tmp_path / "pets.zip", Limits())
    assert arrived(theirs).error
    moves.bring_project(mine, tmp_path / "pets.zip", Limits())
    assert arrived(mine).error
    moves.bring_project(mine, file, Limits())
    first = arrived(mine)
    assert first.brought
    moves.bring_project(mine, tmp_path / "pets.zip", Limits())
    told = [wait(workspace, move.name) for move in moves.list_arriving(mine)]
    assert first in told and len(told) == 2
    assert arrived(theirs).error


def test_an_attempt_that_cannot_begin_leaves_what_is_told_of_the_one_before(workspace, tmp_path, monkeypatch):
    file = tmp_path / "pets.zip"
    file.write_bytes(b"no zip")
    moves.bring_project(workspace, file, Limits())
    told = arrived(workspace).error.shown()

    def is_full(command, log):
        raise OSError("the disk is full")

    monkeypatch.setattr(processes, "start", is_full)
    with pytest.raises(OSError, match="full"):
        moves.bring_project(workspace, file, Limits())
    assert [move.error.shown() for move in moves.list_arriving(workspace)] == [told]


def test_project_that_cannot_be_taken_over_at_the_end_changes_nothing(workspace, project, tmp_path, monkeypatch):
    parcels.make_run(workspace, project)
    file = saved(workspace, project, tmp_path)
    other = Workspace(tmp_path / "other")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.parent.name == "runs":  # the project itself has its place by then
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    moves.bring_project(other, file, Limits())
    assert arrived(other).error.sentence == MoveFailedError.sentence
    monkeypatch.undo()
    assert projects.list_projects(other) == []
    assert not list(other.home.glob("projects/*")) and not list(other.home.glob("runs/*"))


def test_process_that_ends_without_a_word_is_told(workspace, project, monkeypatch):
    monkeypatch.setattr(moves, "COMMAND", (*moves.COMMAND[:1], "-c", "import os; os._exit(9)"))
    moves.save_project(workspace, project)
    assert wait(workspace, OUT + project).error.sentence == MoveFailedError.sentence


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_disk_that_is_full_while_a_project_is_saved_is_told_once_the_half_file_is_gone(workspace, project, monkeypatch):
    folder = MoveFolder(workspace.home / "moves" / (OUT + project))
    half = [folder.path / name for name in ("project.zip", "rows.db", "rows.db-journal", "home")]
    folder.write("move.json", {"project_id": project})
    there = []

    def fill_up(workspace, project_id, file, on_progress) -> None:
        on_progress(0, 10**9)
        for path in half[:3]:
            path.write_bytes(b"half")
        half[3].mkdir()
        raise FULL

    def write(self, name, values) -> None:
        there.extend(path for path in half if name == END and path.exists())
        work_folder.WorkFolder.write(self, name, values)

    monkeypatch.setattr(worker, "pack", fill_up)
    monkeypatch.setattr(MoveFolder, "write", write)
    worker.main(folder.path)
    assert there == []
    told = folder.read(END)["error"]
    assert told["sentence"] == NoRoomError.sentence
    assert told["values"]["needed"] > 1000  # MB: of the project, and a little


def test_disk_that_is_full_when_a_project_is_taken_over_is_told(workspace, project, tmp_path, monkeypatch):
    def refuse(*_given) -> None:
        raise FULL

    monkeypatch.setattr(moves, "bring_home", refuse)
    other = Workspace(tmp_path / "other")
    moves.bring_project(other, saved(workspace, project, tmp_path), Limits())
    assert arrived(other).error.sentence == NoRoomError.sentence


def test_what_came_of_a_move_is_written_down_when_there_is_room_again(workspace, project, monkeypatch):
    refused = []

    def write(self, name, values) -> None:
        if name == OUTCOME and len(refused) < 3:
            refused.append(name)
            raise FULL
        work_folder.WorkFolder.write(self, name, values)

    monkeypatch.setattr(work_folder, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(MoveFolder, "write", write)
    moves.save_project(workspace, project)
    assert wait(workspace, OUT + project).parcel.exists()
    assert len(refused) == 3


def test_half_file_of_a_process_that_was_killed_goes(workspace, project, monkeypatch):
    leave = "import os, sys; open(sys.argv[1] + '/project.zip', 'w').write('half'); os._exit(9)"
    monkeypatch.setattr(moves, "COMMAND", (*moves.COMMAND[:1], "-c", leave))
    moves.save_project(workspace, project)
    assert wait(workspace, OUT + project).error
    assert not (workspace.home / "moves" / (OUT + project) / "project.zip").exists()


def test_nobody_waits_for_the_move_of_somebody_else(workspace, project, tmp_path, monkeypatch):
    file = saved(workspace, project, tmp_path)
    entered, go_on, bring_home = threading.Event(), threading.Event(), moves.bring_home

    def take_long(*given) -> None:
        entered.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return bring_home(*given)

    monkeypatch.setattr(moves, "bring_home", take_long)
    moves.bring_project(workspace, file, Limits())
    assert entered.wait(PATIENCE_SECONDS)
    saving = threading.Thread(target=moves.save_project, args=(workspace, project), daemon=True)
    saving.start()
    saving.join(PATIENCE_SECONDS / 2)
    assert not saving.is_alive()
    assert wait(workspace, OUT + project).parcel
    go_on.set()
    assert arrived(workspace).brought


def test_move_that_is_cancelled_leaves_nothing(workspace, project, monkeypatch):
    monkeypatch.setattr(moves, "COMMAND", (*moves.COMMAND[:1], "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(work_folder, "CANCEL_SECONDS", 0.1)
    moves.save_project(workspace, project)
    assert not moves.find_saving(workspace, project).is_over
    moves.cancel(workspace, OUT + project)
    assert moves.find_saving(workspace, project) is None
    assert not list((workspace.home / "moves").iterdir())


def test_saving_twice_at_once_is_saving_once(workspace, project, monkeypatch):
    started = []
    start = processes.start
    monkeypatch.setattr(processes, "start", lambda *given: started.append(given) or start(*given))
    moves.save_project(workspace, project)
    moves.save_project(workspace, project)
    wait(workspace, OUT + project)
    assert len(started) == 1


def test_saved_anew_the_file_holds_what_is_new(workspace, project, tmp_path):
    first = saved(workspace, project, tmp_path).stat().st_size
    intake.take_files(workspace, project, "grey", [("new.png", _new(tmp_path))])
    assert saved(workspace, project, tmp_path).stat().st_size > first


def _new(folder: Path) -> Path:
    file = folder / "new.png"
    file.write_bytes(parcels.picture((99, 98, 97)))
    return file


def brought_while_no_server_follows(project: str, origin: Workspace, tmp_path: Path, monkeypatch) -> Workspace:
    """A workspace into which a project comes, whose server does not see the end of that."""
    other = Workspace(tmp_path / "other")
    file = saved(origin, project, tmp_path)
    monkeypatch.setattr(moves, "_follow", lambda workspace, folder: None)
    moves.bring_project(other, file, Limits())
    return other


def ids_after_a_new_start(workspace: Workspace) -> tuple[list[str], str]:
    """The projects that are there once a new server has settled what comes, and the one that came."""
    moves.adopt(workspace)
    came = arrived(workspace).brought.project_id
    return [found.id for found in projects.list_projects(workspace)], came


def test_server_that_starts_anew_takes_over_what_an_earlier_one_began(workspace, project, tmp_path, monkeypatch):
    other = brought_while_no_server_follows(project, workspace, tmp_path, monkeypatch)
    monkeypatch.undo()
    there, came = ids_after_a_new_start(other)
    assert there == [came]


def test_server_that_died_before_it_said_what_came_of_a_move_says_so_when_it_starts_anew(
    workspace, project, tmp_path, monkeypatch
):
    class Died(BaseException):
        """Nothing is tidied up any more."""

    def die(folder) -> None:
        raise Died

    other = brought_while_no_server_follows(project, workspace, tmp_path, monkeypatch)
    monkeypatch.setattr(MoveFolder, "clear_away", die)
    (folder,) = moves._folders(other)
    folder.worker.wait()
    with pytest.raises(Died):
        moves._settle(other, folder)
    (folder.path / OUTCOME).unlink()  # it died a moment sooner
    monkeypatch.undo()
    there, came = ids_after_a_new_start(other)
    assert there == [came]


def test_server_that_died_before_it_had_cleared_away_does_so_when_it_starts_anew(
    workspace, project, tmp_path, monkeypatch
):
    file = saved(workspace, project, tmp_path)
    other = Workspace(tmp_path / "other")
    monkeypatch.setattr(MoveFolder, "clear_away", lambda folder: None)
    moves.bring_project(other, file, Limits())
    folder = other.home / "moves" / arrived(other).name
    assert (folder / "rows.db").exists()  # what came of it is written down before anything goes
    monkeypatch.undo()
    moves.adopt(other)
    assert not (folder / "rows.db").exists() and not (folder / "home").exists()
    assert arrived(other).brought


def test_deleted_project_takes_its_file_along(workspace, project, tmp_path):
    saved(workspace, project, tmp_path)
    jobs.delete_project(workspace, project)
    assert moves.find_saving(workspace, project) is None


def test_file_goes_after_a_day_and_not_before(workspace, project, tmp_path):
    saved(workspace, project, tmp_path)
    sweep(workspace)
    assert moves.find_saving(workspace, project).parcel.exists()
    outcome = workspace.home / "moves" / (OUT + project) / "outcome.json"
    os.utime(outcome, (time.time() - moves.KEPT_SECONDS - 60,) * 2)
    sweep(workspace)
    assert moves.find_saving(workspace, project) is None


def test_folder_of_a_move_that_never_began_goes_after_a_day(workspace):
    young, old = (workspace.home / "moves" / name for name in ("in-1", "in-2"))
    for folder in (young, old):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - moves.KEPT_SECONDS - 60,) * 2)
    sweep(workspace)
    assert young.exists() and not old.exists()


def test_nothing_is_under_way_at_first(workspace):
    assert moves.list_arriving(workspace) == []
    assert moves.find(workspace, IN + "nothing") is None
    moves.cancel(workspace, IN + "nothing")
    moves.dismiss(workspace, IN + "nothing")
    with pytest.raises(projects.ProjectNotFoundError):
        moves.save_project(workspace, "p404")
    assert BadParcelError(part="x").shown()
