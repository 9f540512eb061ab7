"""Uploads: where files wait for the intake, and what is refused."""

import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from core.limits import FREE_BYTES_KEPT
from core.taking import FullDiskError, is_full
from core.text import N_
from core.workspace import Workspace

MAX_FILES = 10_000  # browsers grow slow beyond; a zip is one file
MAX_FILE_BYTES = 200 * 1024**2
MAX_UPLOAD_BYTES = 50 * 1024**3
STAGING_SECONDS = 24 * 3600

PROBLEMS = {
    "name": N_("The name of this file cannot be kept safely. Rename the file and add it again."),
    "size": N_("This file is larger than {limit_megabytes} MB. Make it smaller and add it again."),
    "unreadable": N_("The browser could not read this file. Check that you may open it and add it again."),
}


class UploadError(Exception):
    """A request that is refused; the browser shows the sentence that belongs to `code`.

    Attributes:
        code: One of forbidden, unknown, malformed, too_large, disk_full.
        status: The HTTP status.
    """

    def __init__(self, code: str, status: int):
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Refused:
    """A file that was not taken: its name, and a sentence of gettext with its values."""

    name: str
    problem: str
    values: dict[str, Any] = field(default_factory=dict)


def refuse(name: str, reason: str) -> Refused:
    """Says why a file was not taken; `reason` is a key of `PROBLEMS`."""
    values = {"limit_megabytes": MAX_FILE_BYTES // 1024**2} if reason == "size" else {}
    return Refused(name, PROBLEMS[reason], values)


@dataclass(frozen=True)
class FolderUpload:
    """Files that have arrived and wait for the intake; whoever takes them removes them.

    Attributes:
        upload_id: Names it among all uploads.
        folder: Holds the user's folders and files, under names that are safe here.
        num_files: How many files there are.
        refused: What was left out, to be shown as set aside.
    """

    upload_id: str
    folder: Path
    num_files: int
    refused: tuple[Refused, ...] = ()

    @property
    def zip_file(self) -> Path | None:
        """The zip, where the upload is a single one."""
        files = self.files() if self.num_files == 1 else []
        return next((path for _, path in files if path.suffix.lower() == ".zip"), None)

    def files(self) -> list[tuple[str, Path]]:
        """Returns every file with its name below `folder`, in order of the names."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return [(path.relative_to(self.folder).as_posix(), path) for path in paths]

    def hand_over(self) -> Path:
        """Returns the folder that whoever takes the files has to remove; this upload is over."""
        with _lock:
            _uploads.pop(self.upload_id, None)
        return self.folder.parent


@dataclass
class Upload:
    """One upload while it goes on.

    Attributes:
        upload_id: Unguessable, and the name of the staging folder.
        project_id: The only project whose tokens may add to it.
        staging: Everything of this upload; whole files lie in its `files`.
        places: From the user's path to the path below `files`.
        taken: The places in a form in which two that some file system holds equal are equal.
        sizes: In bytes, by the user's path.
        num_bytes: The sum of `sizes`.
        refused: What is left out, by the user's path.
        closed: Nothing more is taken: finished or cancelled.
        finished: Everything was sent.
        claimed: A page has it.
        removed: Its folder goes, and a batch that still writes must not leave it behind.
    """

    upload_id: str
    project_id: str
    staging: Path
    places: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    num_bytes: int = 0
    refused: dict[str, Refused] = field(default_factory=dict)
    closed: bool = False
    finished: bool = False
    claimed: bool = False
    removed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def files(self) -> Path:
        """Where whole files lie, in the user's folders."""
        return self.staging / "files"


_lock = threading.Lock()
_uploads: dict[str, Upload] = {}


def begin(workspace: Workspace, project_id: str, num_files: int, num_bytes: int) -> Upload:
    """Makes a staging folder for an upload of this many files and bytes.

    Raises:
        UploadError: It is more than one upload may hold, or more than the disk has room for.
    """
    sweep(workspace)
    if num_files > MAX_FILES or num_bytes > MAX_UPLOAD_BYTES:
        raise UploadError("too_large", 413)
    root = _root(workspace)
    root.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(root).free < num_bytes + FREE_BYTES_KEPT:
        raise UploadError("disk_full", 507)
    upload_id = secrets.token_hex(16)
    upload = Upload(upload_id, project_id, root / upload_id)
    upload.files.mkdir(parents=True)
    with _lock:
        _uploads[upload_id] = upload
    return upload


def _root(workspace: Workspace) -> Path:
    return workspace.home / "uploads"


def find(upload_id: str, project_id: str) -> Upload:
    """Returns an upload of this project.

    Raises:
        UploadError: There is none of that id, or it was cancelled.
    """
    with _lock:
        upload = _uploads.get(upload_id)
    if upload is None or upload.project_id != project_id:
        raise UploadError("unknown", 404)
    return upload


def finish(upload: Upload, skipped: list[tuple[str, str]]) -> int:
    """Closes an upload: everything has been sent. A second time is harmless.

    Args:
        upload: Comes from `find`.
        skipped: What the browser did not send: the user's path and a key of `PROBLEMS`.

    Returns:
        The number of files that have arrived.
    """
    with upload.lock:
        if not upload.closed:
            upload.refused |= {name: refuse(name, reason) for name, reason in skipped}
            upload.closed = upload.finished = True
        return len(upload.places)


def cancel(upload: Upload) -> None:
    """Forgets an upload and removes its files, unless a page has them already. A second time is harmless."""
    with upload.lock:
        if upload.claimed:
            return
        upload.closed = True
        upload.finished = False
    _remove(upload.staging)


def _remove(staging: Path) -> None:
    with _lock:
        upload = _uploads.pop(staging.name, None)
    if upload:
        upload.closed = upload.removed = True
    shutil.rmtree(staging, ignore_errors=True)


def claim(upload_id: str, project_id: str) -> FolderUpload | None:
    """Hands a finished upload to the page, once: None where there is none, or where it was handed out before."""
    try:
        upload = find(upload_id, project_id)
    except UploadError:
        return None
    with upload.lock:
        if upload.claimed or not upload.finished:
            return None
        upload.claimed = True
    return FolderUpload(upload_id, upload.files, len(upload.places), tuple(upload.refused.values()))


def keep(workspace: Workspace, file: BinaryIO) -> Path:
    """Writes a file that came by another way among the uploads, in a folder of its own.

    Raises:
        FullDiskError: It does not fit.
    """
    folder = _root(workspace) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    place = folder / "upload.zip"
    try:
        with place.open("wb") as target:
            shutil.copyfileobj(file, target)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise FullDiskError(folder=workspace.home) if is_full(error) else error from error
    return place


def sweep(workspace: Workspace, *, older_than_seconds: float = STAGING_SECONDS) -> None:
    """Removes the staging folders in which nothing has happened for a day."""
    root = _root(workspace)
    for folder in root.iterdir() if root.exists() else []:
        with suppress(FileNotFoundError):  # another thread may have removed it
            if folder.stat().st_mtime < time.time() - older_than_seconds:
                _remove(folder)
