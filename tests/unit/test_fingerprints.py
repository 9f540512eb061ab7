import os

import pytest

from core import fingerprints


def pictures(home, count=3) -> list[str]:
    names = [f"{number}.jpg" for number in range(count)]
    for name in names:
        (home / name).write_bytes(name.encode())
    return names


def test_fingerprints_are_those_of_the_content(tmp_path):
    names = pictures(tmp_path)
    assert fingerprints.of_pictures(tmp_path / "memory", tmp_path, names) == [
        fingerprints.of(name.encode()) for name in names
    ]


def test_a_changed_picture_has_another_fingerprint(tmp_path):
    names = pictures(tmp_path)
    before = fingerprints.of_pictures(tmp_path / "memory", tmp_path, names)
    (tmp_path / "1.jpg").write_bytes(b"X.jpg")  # as long as before
    os.utime(tmp_path / "1.jpg", ns=(1, 1))
    after = fingerprints.of_pictures(tmp_path / "memory", tmp_path, names)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_an_unchanged_picture_is_not_read_again(tmp_path, monkeypatch):
    names = pictures(tmp_path)
    before = fingerprints.of_pictures(tmp_path / "memory", tmp_path, names)
    monkeypatch.setattr(fingerprints, "of", lambda data: pytest.fail("read again"))
    assert fingerprints.of_pictures(tmp_path / "memory", tmp_path, names) == before


def test_a_damaged_memory_of_fingerprints_costs_only_time(tmp_path):
    names = pictures(tmp_path)
    before = fingerprints.of_pictures(tmp_path / "memory", tmp_path, names)
    (tmp_path / "memory" / "digests.parquet").write_bytes(b"PAR1")
    assert fingerprints.of_pictures(tmp_path / "memory", tmp_path, names) == before


def test_what_is_remembered_is_told_without_reading(tmp_path, monkeypatch):
    names = pictures(tmp_path)
    before = fingerprints.of_pictures(tmp_path / "memory", tmp_path, names)
    monkeypatch.setattr(fingerprints, "of", lambda data: pytest.fail("read again"))
    assert fingerprints.remembered(tmp_path / "memory") == dict(zip(names, before, strict=True))
    assert fingerprints.remembered(tmp_path / "nothing") == {}


def test_what_was_just_written_is_remembered_and_taken_over_with_what_was_known(tmp_path, monkeypatch):
    names = pictures(tmp_path)
    before = fingerprints.of_pictures(tmp_path / "memory", tmp_path, names[:1])
    written = {name: fingerprints.of(name.encode()) for name in names[1:]}
    fingerprints.note(tmp_path / "beside", tmp_path, written)
    fingerprints.take_over(tmp_path / "memory", tmp_path / "beside")
    monkeypatch.setattr(fingerprints, "of", lambda data: pytest.fail("read again"))
    assert fingerprints.of_pictures(tmp_path / "memory", tmp_path, names) == [*before, *written.values()]


def test_where_nothing_was_remembered_there_is_nothing_to_take_over(tmp_path):
    fingerprints.take_over(tmp_path / "memory", tmp_path / "nothing")
    assert not (tmp_path / "memory").exists()


def test_a_file_is_read_again_when_it_changed(tmp_path):
    file = tmp_path / "weights.h5"
    file.write_bytes(b"one")
    first = fingerprints.of_file(file)
    file.write_bytes(b"other")
    assert (first, fingerprints.of_file(file)) == (fingerprints.of(b"one"), fingerprints.of(b"other"))


def test_fingerprints_of_pictures_that_are_gone_are_forgotten(tmp_path):
    names = pictures(tmp_path)
    fingerprints.of_pictures(tmp_path / "memory", tmp_path, names)
    (tmp_path / names[0]).unlink()
    fingerprints.forget_missing(tmp_path / "memory", tmp_path)
    assert list(fingerprints.remembered(tmp_path / "memory")) == names[1:]


def test_what_is_remembered_is_read_once_and_again_when_it_grew(tmp_path):
    names = pictures(tmp_path)
    memory = tmp_path / "memory"
    assert fingerprints.remembered(memory) == {}
    fingerprints.of_pictures(memory, tmp_path, names[:2])
    known = fingerprints.remembered(memory)
    assert list(known) == names[:2]
    assert fingerprints.remembered(memory) is known
    fingerprints.of_pictures(memory, tmp_path, names)
    assert list(fingerprints.remembered(memory)) == names
