"""A batch: a few files of an upload in one request, written aside and kept only when all of them are whole."""

import errno
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from core.ui.upload import MAX_FILE_BYTES, MAX_FILES, MAX_UPLOAD_BYTES, Upload, UploadError, refuse

MAX_BATCH_FILES = 64
MAX_HEADER_BYTES = 1024**2
MAX_PATH_LENGTH = 1000
MAX_NAME_BYTES = 120
FORBIDDEN_ON_WINDOWS = re.compile(r'[<>:"|?*\\]')
DEVICES_OF_WINDOWS = re.compile(r"(CON|PRN|AUX|NUL|(COM|LPT)[0-9¹²³]) *(\.|$)", re.IGNORECASE)

Receiving = Generator[None, bytes, bytes]


def safe_path(path: str) -> PurePosixPath | None:
    """Returns the place for a user's path below a folder of ours, None where it has none.

    Letters are kept, in their composed form; names that are too long are cut before their ending. A path that is
    absolute, climbs, or holds control characters has no place.
    """
    path = unicodedata.normalize("NFC", path)
    parts = path.split("/")
    if len(path) > MAX_PATH_LENGTH or any(part in {"", ".", ".."} for part in parts):
        return None
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in path):
        return None
    if os.name == "nt":
        parts = [name_on_windows(part) for part in parts]
    return PurePosixPath(*map(_shortened, parts))


def name_on_windows(name: str) -> str:
    """Returns a name that Windows keeps, for one that it would refuse, shorten, or take for a device such as CON.

    Source: Microsoft, "Naming Files, Paths, and Namespaces".
    """
    name = FORBIDDEN_ON_WINDOWS.sub("_", name).rstrip(". ") or "_"
    return f"_{name}" if DEVICES_OF_WINDOWS.match(name) else name


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    ending = PurePosixPath(name).suffix[:10]
    stem = name.encode()[: MAX_NAME_BYTES - len(ending.encode())].decode(errors="ignore")
    return stem + ending


class Batch:
    """Takes the bytes of one request.

    They are a length (4 bytes, big-endian), that much JSON (`[[path, size in bytes], …]`), and the files one after the
    other. Unlike in a form, the sizes are known before the first byte of a file is written.
    """

    def __init__(self, upload: Upload):
        self._upload = upload
        self._folder = upload.staging / f"incoming-{secrets.token_hex(4)}"
        self._files: list[tuple[str, int]] = []
        self._num_whole = -1
        self._buffer = b""
        self._receiving = self._receive()
        next(self._receiving)

    def write(self, data: bytes) -> None:
        """Takes the next bytes.

        Raises:
            UploadError: They are not what a batch looks like, are more than it may hold, the upload is over, or the
                disk is full.
        """
        self._check_open()
        try:
            self._receiving.send(data)
        except OSError as error:
            self._check_open()  # it may have ended meanwhile, and its folder with it
            raise _full_or_bug(error) from error

    def commit(self) -> int:
        """Moves the files to their places and returns how many there were.

        Raises:
            UploadError: The last file is not whole, the upload is over, or the disk is full.
        """
        if self._num_whole < len(self._files):
            raise UploadError("malformed", 400)
        with self._upload.lock:
            self._check_open()
            try:
                for index, (name, size) in enumerate(self._files):
                    _keep(self._upload, name, size, self._folder / str(index))
            except OSError as error:
                raise _full_or_bug(error) from error
        self.abort()
        return len(self._files)

    def abort(self) -> None:
        """Removes what has not been moved to its place. A second time is harmless.

        Where the upload itself was removed while this batch wrote, its folder may have stayed, and goes now.
        """
        self._receiving.close()
        shutil.rmtree(self._upload.staging if self._upload.removed else self._folder, ignore_errors=True)

    def _check_open(self) -> None:
        if self._upload.closed:
            raise UploadError("unknown", 404)

    def _receive(self) -> Generator[None, bytes, None]:
        length = int.from_bytes((yield from self._exactly(4)), "big")
        if length > MAX_HEADER_BYTES:
            raise UploadError("too_large", 413)
        self._files = _read_header((yield from self._exactly(length)))
        self._check_limits()
        self._folder.mkdir()
        self._num_whole = 0
        for index, (_, size) in enumerate(self._files):
            yield from self._receive_file(self._folder / str(index), size)
            self._num_whole += 1
        while not self._buffer:
            self._buffer = yield
        raise UploadError("malformed", 400)

    def _exactly(self, count: int) -> Receiving:
        while len(self._buffer) < count:
            self._buffer += yield
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _receive_file(self, path: Path, size: int) -> Generator[None, bytes, None]:
        with path.open("wb") as file:
            while size:
                data = self._buffer or (yield)
                self._buffer = data[size:]
                size -= file.write(data[:size])

    def _check_limits(self) -> None:
        upload, new = self._upload, dict(self._files)
        added = sum(size - upload.sizes.get(name, 0) for name, size in new.items())
        if (
            len(self._files) > MAX_BATCH_FILES
            or len(upload.sizes.keys() | new.keys()) > MAX_FILES
            or upload.num_bytes + added > MAX_UPLOAD_BYTES
            or any(size > file_limit(name) for name, size in self._files)
        ):
            raise UploadError("too_large", 413)


def file_limit(name: str) -> int:
    """Returns how many bytes a file of this name may have: a zip may be as large as a whole upload."""
    return MAX_UPLOAD_BYTES if name.lower().endswith(".zip") else MAX_FILE_BYTES


def _read_header(data: bytes) -> list[tuple[str, int]]:
    try:
        files = [(name, size) for name, size in json.loads(data)]
    except (ValueError, TypeError) as error:
        raise UploadError("malformed", 400) from error
    if not all(isinstance(name, str) and type(size) is int and size >= 0 for name, size in files):
        raise UploadError("malformed", 400)
    return files


def _keep(upload: Upload, name: str, size: int, source: Path) -> None:
    place = upload.places.get(name) or _free_place(upload, name)
    if place is None:
        upload.refused[name] = refuse(name, "name")
        return
    target = upload.files / place
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        upload.refused[name] = refuse(name, "name")
        return
    upload.places[name] = place
    upload.num_bytes += size - upload.sizes.get(name, 0)
    upload.sizes[name] = size


def _free_place(upload: Upload, name: str) -> str | None:
    """Finds a place that no other file of the upload has, also where capitals do not count."""
    wanted = safe_path(name)
    place, count = wanted, 1
    while wanted and place and str(place).casefold() in upload.taken:
        count += 1
        place = wanted.with_name(f"{wanted.stem}-{count}{wanted.suffix}")
    if place is None:
        return None
    upload.taken.add(str(place).casefold())
    return str(place)


def _full_or_bug(error: OSError) -> Exception:
    return UploadError("disk_full", 507) if error.errno in {errno.ENOSPC, errno.EDQUOT} else error
