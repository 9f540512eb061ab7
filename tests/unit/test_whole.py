import errno
import os

import pytest

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
