"""core.work_folder: what is known of work in another process, and who settles it."""

import pytest

from core.processes import Worker
from core.work_folder import OUTCOME, WorkFolder

GONE, OTHER = Worker(0, 0.0), Worker(0, 1.0)


@pytest.fixture
def folder(tmp_path) -> WorkFolder:
    folder = WorkFolder(tmp_path / "work")
    folder.note_worker(GONE)
    return folder


def test_work_whose_folder_was_removed_meanwhile_can_be_cancelled(tmp_path):
    WorkFolder(tmp_path / "gone").cancel()
    assert not (tmp_path / "gone").exists()


def test_what_is_cancelled_leaves_nothing_and_what_is_over_stays(folder):
    folder.write(OUTCOME, {})
    folder.cancel()
    assert folder.is_over
    (folder.path / OUTCOME).unlink()
    folder.cancel()
    assert not folder.path.exists()


def test_work_is_settled_once(folder):
    settled = []

    def settle() -> None:
        settled.append(folder)
        folder.write(OUTCOME, {})

    assert folder._is_settled(GONE, settle) and folder._is_settled(GONE, settle)
    assert settled == [folder]


def test_work_that_was_begun_anew_is_not_settled_by_whoever_waited_for_the_first(folder):
    settled = []
    folder.note_worker(OTHER)
    assert folder._is_settled(GONE, lambda: settled.append(folder))
    assert settled == []


def test_work_is_not_settled_while_the_disk_is_full(folder, caplog):
    def settle() -> None:
        raise OSError("full")

    assert not folder._is_settled(GONE, settle)
    assert "could not be written down" in caplog.text
