"""The members of a zip, gone through with only a part of its directory in the memory at a time.

Python's zipfile holds the whole directory, half a kilobyte for each file. Here it is shown the zip many times over,
each time with another part of the directory in the place of the whole.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

MAX_DIRECTORY_BYTES = 64 * 1024**2  # 200,000 long names
PART_BYTES = 256 * 1024  # some 2,500 members; the largest that there can be takes 192 kB

MEMBER = struct.Struct("<4s24x3H12x")  # signature; lengths of the name, the extra fields and the comment
END = struct.Struct("<4s4H2LH")  # signature, two disks, two counts, size and offset of the directory, comment's length
LOCATOR = struct.Struct("<4sLQL")  # signature, disk, offset of the larger record, number of disks
LARGE_END = struct.Struct("<4sQ2H2L4Q")  # signature, length, two versions, two disks, two counts, size, offset
MEMBER_SIGNATURE, END_SIGNATURE = b"PK\1\2", b"PK\5\6"
LOCATOR_SIGNATURE, LARGE_END_SIGNATURE = b"PK\6\7", b"PK\6\6"
MAX_COMMENT_BYTES = 2**16 - 1
NOTHING = END.pack(END_SIGNATURE, 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)  # see the larger record


class ZipParts:
    """A zip, opened.

    Args:
        file: Is only read, and stays the caller's to close.

    Raises:
        zipfile.BadZipFile: It has no directory, or one of an unreasonable size.

    Source: PKWARE, APPNOTE 6.3.10, sections 4.3.12 to 4.3.16.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self._end, size, self._said = _directory(file)
        self._start = self._end - size
        if self._start < 0 or size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("The directory is too large.")

    def __iter__(self) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
        """Yields each member in the directory's order, with the zip from which it can be opened.

        Raises:
            zipfile.BadZipFile: The directory is damaged; zipfile raises other errors too.
        """
        at = self._start
        while at < self._end:
            self._file.seek(at)
            part = _whole_entries(self._file.read(min(PART_BYTES, self._end - at)))
            archive = zipfile.ZipFile(io.BufferedReader(_Window(self._file, self._start, part + self._ending(part))))
            for member in archive.infolist():
                yield archive, member
            at += len(part)

    def _ending(self, part: bytes) -> bytes:
        """Returns what follows a part of the directory so that it stands for the whole.

        The larger record is written for a small zip too: without it, the end of the part might pose as one.
        """
        size = len(part)
        larger = LARGE_END.pack(LARGE_END_SIGNATURE, LARGE_END.size - 12, 45, 45, 0, 0, 0, 0, size, self._said)
        return larger + LOCATOR.pack(LOCATOR_SIGNATURE, 0, self._said + size, 1) + NOTHING


class _Window(io.RawIOBase):
    """A file up to a place, and other bytes from there on."""

    def __init__(self, file: BinaryIO, length: int, tail: bytes):
        self._file, self._length, self._tail = file, length, tail
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length + len(self._tail)}[whence]
        if base + offset < 0:
            raise OSError("There is nothing before the beginning.")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at < self._length:
            self._file.seek(self._at)
            data = self._file.read(min(len(buffer), self._length - self._at))
        else:
            data = self._tail[self._at - self._length :][: len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _whole_entries(data: bytes) -> bytes:
    """Returns the entries that are there to the end; all bytes where none is, for zipfile to complain of."""
    at = 0
    while at + MEMBER.size <= len(data):
        signature, *lengths = MEMBER.unpack_from(data, at)
        following = at + MEMBER.size + sum(lengths)
        if signature != MEMBER_SIGNATURE or following > len(data):
            break
        at = following
    return data[:at] or data


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """Returns where the directory ends, how long it is, and where the zip itself says that it begins.

    The last may be another place than it is at: the zip may have been put behind something else.
    """
    length = file.seek(0, io.SEEK_END)
    begin = max(0, length - END.size - MAX_COMMENT_BYTES)
    file.seek(begin)
    data = file.read(length - begin)
    at = data.rfind(END_SIGNATURE)
    if at < 0 or at + END.size > len(data):
        raise zipfile.BadZipFile("There is no end of a directory.")
    *_, size, said, _ = END.unpack_from(data, at)
    return _larger_directory(file, begin + at) or (begin + at, size, said)


def _larger_directory(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """The same for a zip of more than 4 GB or 65,535 files, which has a second record before the usual one."""
    at = end - LOCATOR.size - LARGE_END.size
    if at < 0:
        return None
    file.seek(at)
    data = file.read(LARGE_END.size + LOCATOR.size)
    if not data.startswith(LARGE_END_SIGNATURE) or not data.startswith(LOCATOR_SIGNATURE, LARGE_END.size):
        return None
    *_, size, said = LARGE_END.unpack_from(data)
    return at, size, said
