import errno
import os
from pathlib import Path

import pytest

from core import whole
from core.whole import write_whole


@pytest.mark.parametrize("outlives_power", [True, False])
def test_a_file_is_written_in_the_place_of_another_and_nothing_is_left_beside_it(tmp_path, outlives_power):
    path = tmp_path / "new" / "name.json"
    for text in ("one", "zwölf"):
        write_whole(path, text, outlives_power=outlives_power)
        assert path.read_text(encoding="utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_on_a_full_disk_what_was_there_stays(tmp_path, monkeypatch):
    path = tmp_path / "name.json"
    write_whole(path, "one")

    def fill(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "two")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def refusing(times: int):
    """As Windows does while somebody reads the file of before."""
    replace, left = Path.replace, [times]

    def refuse(self, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError("Somebody reads it.")
        return replace(self, target)

    return refuse


def test_file_that_somebody_reads_is_replaced_when_they_are_done(tmp_path, monkeypatch):
    write_whole(tmp_path / "name.json", "one")
    monkeypatch.setattr(Path, "replace", refusing(2))
    write_whole(tmp_path / "name.json", "two")
    assert (tmp_path / "name.json").read_text() == "two"


def test_file_that_may_not_be_replaced_is_an_error_after_a_while(tmp_path, monkeypatch):
    write_whole(tmp_path / "name.json", "one")
    monkeypatch.setattr(Path, "replace", refusing(10_000))
    monkeypatch.setattr(whole, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "name.json", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["name.json"]
