"""Incoming files: untrusted folders and zips, listed and read within limits, never unpacked onto the disk."""

import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.errors import AppError
from core.layout import clean_name, climbs_out, is_leftover
from core.pictures import MAX_PIXELS
from core.text import N_

MEGABYTE = 1024**2
RATIO_COUNTS_FROM_BYTES = MEGABYTE
ARCHIVES = re.compile(r"\.(zip|7z|rar|tar|gz|tgz|bz2|xz)$", re.IGNORECASE)
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, OSError)

REASONS = {
    "link": N_("This is a link to something elsewhere. Put the picture itself into the folder."),
    "climbs_out": N_("Its path leads out of the folder or zip in which it was. Put it into a class folder."),
    "empty": N_("This file is empty. Perhaps it was not copied to the end: copy it again."),
    "too_large": N_("This file is larger than {limit_megabytes} MB. Make the picture smaller and add it again."),
    "unopened": N_("This could not be opened. Check that you may read it, then add it again."),
    "damaged_in_zip": N_("This file is damaged inside the zip. Make the zip anew, or add the folder instead."),
    "encrypted": N_("This file is locked with a password. Unpack the zip yourself and add the folder."),
    "archive": N_("This is a packed file inside of what you added. Unpack it yourself and add what is in it."),
    "ratio": N_(
        "This file becomes more than {limit_ratio} times as large when it is unpacked, which pictures do not. Add the "
        "picture without a zip."
    ),
    "unpacked": N_(
        "The zip holds more than {limit_megabytes} MB, and this file came after that. Add the rest in another zip."
    ),
    "too_many": N_(
        "With this file, {num_files} files were left out: at most {limit_files} are taken at a time. Add the rest "
        "separately."
    ),
    "crashed": N_(
        "This picture could not be read: the program that decodes it ended without a word. Open it in another program, "
        "save it anew, and add it again."
    ),
    "memory": N_(
        "This computer has too little free memory for this picture. Close other programs or make the picture smaller, "
        "then add it again."
    ),
    "no_class": N_("This picture lies in no class folder. Put it into a folder that has the name of its class."),
    "other_class": N_(
        "The very same picture is already in the class “{label}”, and a picture can be in one class only. Remove it "
        "there if it belongs here."
    ),
}


@dataclass(frozen=True)
class Limits:
    """What is taken in at a time, so that no file can fill the memory or the disk.

    Attributes:
        file_bytes: Of one file.
        pixels: Of one picture.
        num_files: In one folder or zip.
        unpacked_bytes: Of all files of a zip together.
        zip_ratio: Unpacked to packed size of one file; photos hardly shrink, deflate's utmost is about 1,000.
    """

    file_bytes: int = 50 * MEGABYTE
    pixels: int = MAX_PIXELS
    num_files: int = 200_000
    unpacked_bytes: int = 20 * 1024 * MEGABYTE
    zip_ratio: int = 200


class SetAsideError(AppError):
    """One file is not taken; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str, **values: object):
        self.sentence = REASONS[reason]
        super().__init__(**values)


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
    """

    name: str
    read: Callable[[], bytes]
    refusal: SetAsideError | None = None


def list_folder(folder: Path, limits: Limits) -> Iterator[Incoming]:
    """Lists the files of a folder and the folders in it, by name; links are listed and not followed.

    Raises:
        FolderNotFoundError: It is not there, or not a folder.
    """
    if not folder.is_dir():
        raise FolderNotFoundError(folder=folder)
    unopened: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: unopened.append(Path(error.filename))):
        folders.sort()
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for path in [*unopened, *(Path(parent) / name for name in sorted(files + linked))]:
            incoming = incoming_file(path.relative_to(folder).as_posix(), path, limits)
            if not is_leftover(incoming.name):
                yield incoming
        unopened.clear()
    yield from (incoming_file(path.relative_to(folder).as_posix(), path, limits) for path in unopened)


def incoming_file(name: str, path: Path, limits: Limits) -> Incoming:
    """Wraps one file of this machine."""
    refusal = SetAsideError("archive") if ARCHIVES.search(name) else None
    if path.is_symlink():
        refusal = SetAsideError("link")
    return Incoming(clean_name(name), partial(_read_file, path, limits), refusal)


def _read_file(path: Path, limits: Limits) -> bytes:
    try:
        status = path.lstat()
        # Devices and pipes are not opened: reading one may never end.
        if not stat.S_ISREG(status.st_mode):
            raise SetAsideError("unopened")
        _check_size(status.st_size, limits)
        with path.open("rb") as file:
            data = file.read(limits.file_bytes + 1)
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
def opened_zip(file: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip.

    Raises:
        BrokenZipError: It cannot be read as one.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (*DAMAGED_ZIP, NotImplementedError) as error:
        raise BrokenZipError(name=file.name) from error
    with archive:
        yield archive


def list_zip(archive: zipfile.ZipFile, limits: Limits) -> list[Incoming]:
    """Lists the files of a zip in its own order; each is unpacked into memory when it is read."""
    left = _Allowance(limits.unpacked_bytes)
    members = [(_member_name(member), member) for member in archive.infolist() if not member.is_dir()]
    return [
        Incoming(clean_name(name), partial(_read_member, archive, member, limits, left), _refusal(name, member, limits))
        for name, member in members
        if climbs_out(name) or not is_leftover(name)
    ]


@dataclass
class _Allowance:
    """How many bytes may still be unpacked."""

    num_bytes: int


def _member_name(member: zipfile.ZipInfo) -> str:
    name = member.filename
    if not member.flag_bits & 0x800:
        # macOS writes UTF-8 without saying so, and Python then reads it as code page 437.
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _refusal(name: str, member: zipfile.ZipInfo, limits: Limits) -> SetAsideError | None:
    if climbs_out(name):
        return SetAsideError("climbs_out")
    if stat.S_ISLNK(member.external_attr >> 16):
        return SetAsideError("link")
    if ARCHIVES.search(name):
        return SetAsideError("archive")
    if member.flag_bits & 0x1:
        return SetAsideError("encrypted")
    if member.file_size > max(RATIO_COUNTS_FROM_BYTES, limits.zip_ratio * member.compress_size):
        return SetAsideError("ratio", limit_ratio=limits.zip_ratio)
    return None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits, left: _Allowance) -> bytes:
    _check_size(member.file_size, limits)
    if member.file_size > left.num_bytes:
        raise SetAsideError("unpacked", limit_megabytes=limits.unpacked_bytes // MEGABYTE)
    try:
        with archive.open(member) as file:
            data = file.read(limits.file_bytes + 1)
    except (*DAMAGED_ZIP, RuntimeError) as error:  # RuntimeError also stands for ways of packing it does not know
        raise SetAsideError("damaged_in_zip") from error
    left.num_bytes -= len(data)
    return data
