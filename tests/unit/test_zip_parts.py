import io
import zipfile

import pytest

from core import zip_parts
from core.zip_parts import ZipParts

FIELDS = ("filename", "file_size", "compress_size", "header_offset", "CRC", "flag_bits", "compress_type", "date_time")


@pytest.fixture
def in_small_parts(monkeypatch):
    monkeypatch.setattr(zip_parts, "PART_BYTES", 200)


def pictures(num_files: int) -> list[bytes]:
    return [f"picture {number}".encode() * 9 for number in range(num_files)]


def packed(num_files: int, before: bytes = b"", comment: bytes = b"") -> io.BytesIO:
    """A zip of files, behind something else, with a comment at its end."""
    file = io.BytesIO(before)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for number, picture in enumerate(pictures(num_files)):
            archive.writestr(f"cats/{number:04}.jpg", picture)
        archive.comment = comment
    return file


def told(members) -> list[tuple]:
    return [tuple(getattr(member, name) for name in FIELDS) for member in members]


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\nexit\n"])
@pytest.mark.parametrize("comment", [b"", b"Of last summer."])
@pytest.mark.parametrize("num_files", [0, 1, 300])
def test_members_are_those_that_zipfile_finds(in_small_parts, num_files, before, comment):
    file = packed(num_files, before, comment)
    found = list(ZipParts(file))
    assert told(member for _, member in found) == told(zipfile.ZipFile(file).infolist())
    assert [archive.read(member) for archive, member in found] == pictures(num_files)


def test_zip_put_behind_something_else_without_being_told(in_small_parts):
    file = io.BytesIO(b"something else" + packed(20).getvalue())
    assert [archive.read(member) for archive, member in ZipParts(file)] == pictures(20)


def test_only_a_part_of_the_directory_is_held(in_small_parts):
    held = {id(archive): len(archive.infolist()) for archive, _ in ZipParts(packed(300))}
    assert max(held.values()) < 4


def test_zip_of_more_than_four_gigabytes(tmp_path):
    # A hole in the file, which takes no room on the disk.
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("cats/1.jpg", b"far away")
    with path.open("rb") as file:
        [(archive, member)] = ZipParts(file)
        assert member.header_offset == 5 * 2**30
        assert archive.read(member) == b"far away"


def test_zip_of_more_files_than_sixteen_bits_count():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert sum(1 for _ in ZipParts(file)) == 70_000


def test_end_of_a_part_cannot_pose_as_another_directory(in_small_parts):
    # The comment of the last member looks like what stands before the end of a large zip.
    file = io.BytesIO()
    pose = zip_parts.LARGE_END.pack(zip_parts.LARGE_END_SIGNATURE, 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    pose += zip_parts.LOCATOR.pack(zip_parts.LOCATOR_SIGNATURE, 0, 0, 1)
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(9):
            member = zipfile.ZipInfo(f"cats/{number}.jpg")
            member.comment = pose if number < 8 else b""
            archive.writestr(member, b"cat")
    assert [member.filename for _, member in ZipParts(file)] == [f"cats/{number}.jpg" for number in range(9)]


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"no zip at all", packed(9).getvalue()[:-30]])
def test_what_has_no_directory_is_refused(data):
    with pytest.raises(zipfile.BadZipFile, match="no end"):
        ZipParts(io.BytesIO(data))


def test_directory_larger_than_the_file_is_refused():
    data = bytearray(packed(9).getvalue())
    data[-10:-6] = b"\xf0\xff\xff\xff"
    with pytest.raises(zipfile.BadZipFile, match="too large"):
        ZipParts(io.BytesIO(data))


def test_damaged_entry_is_an_error_and_not_an_end(in_small_parts):
    data = bytearray(packed(30).getvalue())
    data[data.index(b"PK\1\2", data.index(b"PK\1\2") + 900)] = 0
    with pytest.raises(zipfile.BadZipFile, match="magic"):
        list(ZipParts(io.BytesIO(data)))
