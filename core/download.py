"""Downloads that show how far they are, go on where they were cut, and are checked before they are trusted."""

import errno
import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from core.errors import AppError
from core.text import N_

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30
OnProgress = Callable[[int, int], None]
IsRight = Callable[[Path], bool]


class DownloadError(AppError):
    """A file could not be had from the network."""

    sentence = N_(
        "{file} could not be downloaded: there is no connection to {host}. What has arrived is kept. Connect this "
        "computer to the internet and try again, or download {url} elsewhere and put it into the folder {folder}."
    )


class RefusedDownloadError(DownloadError):
    """The other side answered, but not with the file."""

    sentence = N_(
        "{file} could not be downloaded: {host} answered with “{reason}”. Try again later, or download {url} elsewhere "
        "and put it into the folder {folder}."
    )


class WrongChecksumError(DownloadError):
    """What arrived is not the file that was published."""

    sentence = N_(
        "{file} arrived damaged and was thrown away. Try again. If it happens again, download {url} elsewhere and put "
        "it into the folder {folder}."
    )


class NoRoomError(DownloadError):
    """The disk is full."""

    sentence = N_("There is no room on the disk for {file}. Free some space where {folder} lies, then try again.")


class ClosedFolderError(DownloadError):
    """The folder does not let itself be written into."""

    sentence = N_(
        "{file} cannot be written into the folder {folder}. Allow this program to write there, or put the file there "
        "yourself; it comes from {url}."
    )


def download(
    url: str,
    destination: Path,
    *,
    checksum: str | None = None,
    is_right: IsRight | None = None,
    on_progress: OnProgress | None = None,
) -> Path:
    """Downloads one file; a download that was cut goes on where it ended.

    Args:
        url: Of http or https.
        destination: Where the whole and checked file comes to lie; until then it is `<destination>.part`.
        checksum: `md5:…` or `sha256:…`; None where none is published.
        is_right: Looks into the whole file before it is trusted; for files without a published checksum.
        on_progress: Called with the bytes that are there and the bytes of the whole, 0 where that is unknown.

    Returns:
        `destination`.

    Raises:
        DownloadError: Offline, refused, damaged, no room or no right to write; the sentence says what to download,
            from where, and into which folder.
    """
    part = destination.with_name(destination.name + ".part")
    values = values_of(url, destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, on_progress or (lambda done, total: None))
    except urllib.error.HTTPError as error:
        raise RefusedDownloadError(**values, reason=f"{error.code} {error.reason}") from error
    except OSError as error:
        raise (disk_problem(error, values) or DownloadError(**values)) from error
    except http.client.HTTPException as error:
        raise DownloadError(**values) from error
    if (checksum and not matches(part, checksum)) or (is_right and not is_right(part)):
        part.unlink()
        raise WrongChecksumError(**values)
    return part.replace(destination)


def disk_problem(error: OSError, values: dict[str, str]) -> DownloadError | None:
    """Returns what to say when the disk, and not the network, is to blame.

    Args:
        error: From writing, or from the network.
        values: For the sentence: file, url, folder and host.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoomError(**values)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return ClosedFolderError(**values)
    return None


def values_of(url: str, destination: Path) -> dict[str, str]:
    """Returns what the sentences of `DownloadError` speak of."""
    host = urllib.request.Request(url).host or url
    return {"file": destination.name, "url": url, "folder": str(destination.parent), "host": host}


def matches(file: Path, checksum: str) -> bool:
    """Whether a file has the checksum `md5:…` or `sha256:…`."""
    kind, expected = checksum.split(":", 1)
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, kind).hexdigest() == expected


def _fetch(url: str, part: Path, on_progress: OnProgress) -> None:
    """Appends to `part` what is missing of the file behind `url`."""
    there = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and there:
            error.close()
            return  # all of it had arrived before
        raise
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            there = 0
        length = int(response.headers.get("Content-Length") or 0)
        total = there + length if length else 0
        done = _append(response, part, there, total, on_progress)
    if total and done < total:
        raise ConnectionError(f"{done} of {total} bytes arrived")


def _append(response: http.client.HTTPResponse, part: Path, there: int, total: int, on_progress: OnProgress) -> int:
    done = there
    with part.open("ab" if there else "wb") as file:
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            on_progress(done, total)
    return done
