"""Incoming files: untrusted folders and zips, listed and read within limits, never unpacked onto the disk."""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np

from core.errors import AppError
from core.layout import clean_name, climbs_out, is_leftover, tidy_path
from core.limits import MEGABYTE, Limits
from core.reasons import SetAsideError
from core.text import N_
from core.zip_parts import ZipParts

RATIO_COUNTS_FROM_BYTES = MEGABYTE
LOCAL_HEADER_BYTES = 30
FAR_BYTES = 2**61  # where no file reaches; a zip may say more than fits into 64 bits
UNNAMED = "\N{REPLACEMENT CHARACTER}"
ARCHIVES = re.compile(r"\.(zip|7z|rar|tar|gz|tgz|bz2|xz)$", re.IGNORECASE)
# What Python's zipfile raises on bytes that are no zip; RuntimeError also stands for ways of packing it does not know.
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    IndexError,
    RuntimeError,
    OSError,
)


class BrokenZipError(AppError):
    """The file is no zip, or not all of one."""

    sentence = N_(
        "“{name}” is not a zip that can be read: it is damaged, incomplete or something else. Make it anew or download "
        "it again, or add the folder instead."
    )


class FolderNotFoundError(AppError):
    """The folder is not there."""

    sentence = N_("There is no folder {folder}. Check the path and try again.")


@dataclass(frozen=True)
class Incoming:
    """One file that wants in.

    Attributes:
        name: The path as the user's folder or zip calls it, with `/`.
        read: Returns the bytes, or raises SetAsideError.
        refusal: Why it is not even read.
        pieces: Yields the bytes of a zip's file some at a time, so that one larger than the memory can be copied; or
            raises SetAsideError, if need be in the middle.
    """

    name: str
    read: Callable[[], bytes]
    refusal: SetAsideError | None = None
    pieces: Callable[[], Iterator[bytes]] = lambda: iter(())


def list_folder(folder: Path, limits: Limits) -> Iterator[Incoming]:
    """Lists the files of a folder and the folders in it, by name; links are listed and not followed.

    Raises:
        FolderNotFoundError: It is not there, or not a folder.
    """
    if not folder.is_dir():
        raise FolderNotFoundError(folder=folder)
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(folder / below) as listed:
                entries = sorted(listed, key=attrgetter("name"))
        except OSError:
            yield incoming_file(below.rstrip("/"), folder / below, limits)
            continue
        folders = []
        for entry in entries:
            name = below + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{name}/")
            elif not is_leftover(clean_name(name)):
                yield incoming_file(name, entry.path, limits, is_link=entry.is_symlink())
        waiting += reversed(folders)


def incoming_file(name: str, path: str | Path, limits: Limits, *, is_link: bool | None = None) -> Incoming:
    """Wraps one file of this machine; whether it is a link is looked up where that is not known."""
    refusal = SetAsideError("archive") if ARCHIVES.search(name) else None
    if Path(path).is_symlink() if is_link is None else is_link:
        refusal = SetAsideError("link")
    return Incoming(clean_name(name) or UNNAMED, partial(_read_file, path, limits), refusal)


def _read_file(path: str | Path, limits: Limits) -> bytes:
    try:
        status = os.lstat(path)
        # Devices and pipes are not opened: reading one may never end.
        if not stat.S_ISREG(status.st_mode):
            raise SetAsideError("unopened")
        _check_size(status.st_size, limits)
        with io.FileIO(path) as file:
            data = file.read(status.st_size + 1)
    except OSError as error:
        raise SetAsideError("unopened") from error
    _check_size(len(data), limits)
    return data


def _check_size(size_bytes: int, limits: Limits) -> None:
    if size_bytes == 0:
        raise SetAsideError("empty")
    if size_bytes > limits.file_bytes:
        raise SetAsideError("too_large", limit_megabytes=limits.file_bytes // MEGABYTE)


@contextmanager
def opened_zip(file: Path) -> Iterator["OpenedZip"]:
    """Opens a zip.

    Raises:
        BrokenZipError: It cannot be read as one.
    """
    with ExitStack() as stack:
        try:
            parts = ZipParts(stack.enter_context(file.open("rb")))
            opened = OpenedZip(parts, _sharing(parts))
        except DAMAGED_ZIP as error:
            raise BrokenZipError(name=file.name) from error
        yield opened


@dataclass(frozen=True)
class OpenedZip:
    """A zip whose directory can be read to its end.

    Attributes:
        parts: Its members.
        sharing: Which of them share bytes with another, bool (members,).
    """

    parts: ZipParts
    sharing: np.ndarray


def list_zip(opened: OpenedZip, limits: Limits) -> Iterator[Incoming]:
    """Lists the files of a zip in its own order; each is unpacked into memory when it is read."""
    left = _Allowance(limits.unpacked_bytes)
    for (archive, member), shares in zip(opened.parts, opened.sharing, strict=True):
        name = _member_name(member)
        if _is_folder(member) or (is_leftover(name) and not climbs_out(name)):
            continue
        refusal = _refusal(name, member, limits)
        if refusal is None and shares:
            refusal = SetAsideError("shares_bytes")
        pieces = partial(_pieces, archive, member, limits, left)
        yield Incoming(clean_name(name) or UNNAMED, partial(_joined, pieces), refusal, pieces)


@dataclass
class _Allowance:
    """How many bytes may still be unpacked."""

    num_bytes: int


def _sharing(parts: ZipParts) -> np.ndarray:
    """Returns which members have bytes that reach into the next one: a small zip can unpack to petabytes so.

    Source: Fifield 2019, "A better zip bomb", USENIX WOOT.
    """
    spans = array("q")
    for _, member in parts:
        begin, length = min(member.header_offset, FAR_BYTES), min(member.compress_size, FAR_BYTES)
        spans.extend((begin, begin + LOCAL_HEADER_BYTES + length))
    begins, ends = np.array(spans).reshape(-1, 2).T
    order = np.argsort(begins, kind="stable")
    reaching = order[:-1][ends[order[:-1]] > begins[order[1:]]]
    return np.isin(begins, begins[reaching])


def _member_name(member: zipfile.ZipInfo) -> str:
    name = member.filename
    if not member.flag_bits & 0x800:
        # macOS writes UTF-8 without saying so, and Python then reads it as code page 437.
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return tidy_path(name)


def _is_folder(member: zipfile.ZipInfo) -> bool:
    """Whether it is a folder, also as some programs for Windows write it; one with bytes is a file in disguise."""
    return member.filename.endswith(("/", "\\")) and not member.file_size


def _refusal(name: str, member: zipfile.ZipInfo, limits: Limits) -> SetAsideError | None:
    if climbs_out(name):
        return SetAsideError("climbs_out")
    if stat.S_ISLNK(member.external_attr >> 16):
        return SetAsideError("link")
    if ARCHIVES.search(name):
        return SetAsideError("archive")
    if member.flag_bits & 0x1:
        return SetAsideError("encrypted")
    # The other ways are unpacked by Python's zipfile without a bound, whatever size the zip says.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return SetAsideError("packing")
    if member.file_size > max(RATIO_COUNTS_FROM_BYTES, limits.zip_ratio * member.compress_size):
        return SetAsideError("ratio", limit_ratio=limits.zip_ratio)
    return None


def _joined(pieces: Callable[[], Iterator[bytes]]) -> bytes:
    return b"".join(pieces())


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits, left: _Allowance) -> Iterator[bytes]:
    _check_size(member.file_size, limits)
    if member.file_size > left.num_bytes:
        raise SetAsideError("unpacked", limit_megabytes=limits.unpacked_bytes // MEGABYTE)
    left.num_bytes -= member.file_size  # damaged ones cost the same work
    try:
        with archive.open(member) as file:
            yield from iter(partial(file.read, MEGABYTE), b"")
    except DAMAGED_ZIP as error:
        raise SetAsideError("damaged_in_zip") from error
