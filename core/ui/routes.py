"""The addresses that the app answers besides its pages: uploads in; plotly's script, pictures and downloads out.

Streamlit protects its own addresses and not these: whoever sends files needs a token and must come from our own page.
Each address that holds something private is made for one reader, and is nothing to anybody else.
"""

import json
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import plotly
from anyio import to_thread
from plotly.offline import get_plotlyjs_version
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from core.dataset import name_pattern
from core.ui import identity, tokens, upload
from core.ui.batch import Batch
from core.ui.upload import UploadError
from core.workspace import Workspace

UPLOAD_URL = "/headstart/upload"
DOWNLOAD_URL = "/headstart/download"
THUMBNAIL_URL = "/headstart/thumbnail"
PLOTLY_URL = f"/headstart/plotly-{get_plotlyjs_version()}.min.js"
TOKEN_HEADER = "x-headstart-token"
PLOTLY_SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

MAX_JSON_BYTES = 16 * 1024**2
WRITE_BYTES = 1024**2
DOWNLOAD_SECONDS = 24 * 3600
# Below a project's folder: a thumbnail, or the working copy of a picture, which is shown large.
THUMBNAIL_NAME = name_pattern("thumbnails", "images")
# A model is compressed already, and plotly's script crosses the wire once: squeezing them would only cost time.
AS_IT_IS = {"content-encoding": "identity"}

Handler = Callable[[Request], Awaitable[Response]]


def guarded(handler: Handler) -> Handler:
    """Lets only our own pages through, and answers a refusal with its code."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            _check_origin(request)
            request.state.project_id = _project_of(request)
            return await handler(request)
        except UploadError as error:
            return JSONResponse({"error": error.code}, status_code=error.status, headers={"connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)

    return answer


def _check_origin(request: Request) -> None:
    origin = urlsplit(request.headers.get("origin", ""))
    if not origin.netloc or origin.netloc != request.headers.get("host"):
        raise UploadError("forbidden", 403)


def _project_of(request: Request) -> str:
    token = tokens.opened_by(request.headers.get(TOKEN_HEADER))
    if not identity.comes_from(token.reader, request.cookies):
        raise UploadError("forbidden", 403)
    return token.project_id


async def _read_json(request: Request) -> dict[str, Any]:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_JSON_BYTES:
            raise UploadError("too_large", 413)
    try:
        values = json.loads(data)
    except ValueError as error:
        raise UploadError("malformed", 400) from error
    if not isinstance(values, dict):
        raise UploadError("malformed", 400)
    return values


def _upload_of(request: Request) -> upload.Upload:
    return upload.find(request.path_params["upload_id"], request.state.project_id)


@guarded
async def begin_upload(request: Request) -> Response:
    """Takes `{"num_files", "num_bytes"}` and answers `{"upload_id"}`."""
    values = await _read_json(request)
    num_files, num_bytes = values.get("num_files"), values.get("num_bytes")
    if not isinstance(num_files, int) or not isinstance(num_bytes, int):
        raise UploadError("malformed", 400)
    begun = await to_thread.run_sync(upload.begin, Workspace.default(), request.state.project_id, num_files, num_bytes)
    return JSONResponse({"upload_id": begun.upload_id}, status_code=201)


@guarded
async def receive_batch(request: Request) -> Response:
    """Takes the bytes of a `Batch` and answers `{"num_files"}`; a batch sent again takes the place of the first."""
    batch = Batch(_upload_of(request))
    try:
        await _pour(request, batch)
        num_files = await to_thread.run_sync(batch.commit)
    finally:
        await to_thread.run_sync(batch.abort)
    return JSONResponse({"num_files": num_files})


async def _pour(request: Request, batch: Batch) -> None:
    """Writes the body to disk in pieces of a megabyte, in a thread, so that other readers do not wait."""
    waiting: list[bytes] = []
    async for chunk in request.stream():
        waiting.append(chunk)
        if sum(map(len, waiting)) >= WRITE_BYTES:
            await to_thread.run_sync(batch.write, b"".join(waiting))
            waiting.clear()
    await to_thread.run_sync(batch.write, b"".join(waiting))


@guarded
async def finish_upload(request: Request) -> Response:
    """Takes `{"skipped": [[path, reason], …]}` and answers `{"num_files"}`."""
    found = _upload_of(request)
    skipped = (await _read_json(request)).get("skipped", [])
    try:
        reasons = [(str(name), str(reason)) for name, reason in skipped]
    except (ValueError, TypeError) as error:
        raise UploadError("malformed", 400) from error
    if any(reason not in upload.PROBLEMS for _, reason in reasons):
        raise UploadError("malformed", 400)
    return JSONResponse({"num_files": upload.finish(found, reasons)})


@guarded
async def cancel_upload(request: Request) -> Response:
    """Removes what has arrived."""
    await to_thread.run_sync(upload.cancel, _upload_of(request))
    return Response(status_code=204)


async def plotly_script(request: Request) -> Response:
    """Sends plotly's script, which the browser keeps: its address names its version."""
    return FileResponse(
        PLOTLY_SCRIPT,
        media_type="text/javascript",
        headers=AS_IT_IS | {"cache-control": "public, max-age=31536000, immutable"},
    )


@dataclass(frozen=True)
class _Download:
    path: Path  # of a file, or of a project's folder
    file_name: str
    reader: str | None  # for whose page the address was made
    expires: float


_lock = threading.Lock()
_downloads: dict[str, _Download] = {}


def download_url(path: Path, file_name: str) -> str:
    """Returns an address, for a day, from which the browser downloads one file straight from the disk.

    The same one is returned until half of its time is over, so that a page may ask at every run.

    Args:
        path: A file that may be far larger than what one would hold in memory.
        file_name: What the browser calls it.
    """
    return f"{DOWNLOAD_URL}/{_token_for(path, file_name)}"


def thumbnails_url(project_folder: Path) -> str:
    """Returns an address, for a day, below which the browser finds a project's pictures and their thumbnails."""
    return f"{THUMBNAIL_URL}/{_token_for(project_folder, '')}"


def withdraw(*folders: Path) -> None:
    """Closes every address that leads to a file in one of these folders, such as those of a deleted project."""
    with _lock:
        for token in [
            token for token, known in _downloads.items() if any(known.path.is_relative_to(folder) for folder in folders)
        ]:
            del _downloads[token]


def _token_for(path: Path, file_name: str) -> str:
    now, reader = time.time(), identity.reader()
    made_for = (path, file_name, reader)
    with _lock:
        for token in [token for token, known in _downloads.items() if known.expires <= now]:
            del _downloads[token]
        for token, known in _downloads.items():
            if (known.path, known.file_name, known.reader) == made_for and known.expires > now + DOWNLOAD_SECONDS / 2:
                return token
        token = secrets.token_urlsafe(32)
        _downloads[token] = _Download(*made_for, now + DOWNLOAD_SECONDS)
    return token


def _opened_by(request: Request) -> _Download | None:
    """What an address was made for; None where it was never made, is over, or was made for somebody else."""
    known = _downloads.get(request.path_params["token"])
    if known is None or known.expires <= time.time() or _comes_from_another_site(request):
        return None
    return known if identity.comes_from(known.reader, request.cookies) else None


def _comes_from_another_site(request: Request) -> bool:
    """Whether the browser says so; one that opens an address by itself says nothing of an origin."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return True
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


async def send_download(request: Request) -> Response:
    """Sends the file that `download_url` gave this address to; the address holds no path that could be changed."""
    known = _opened_by(request)
    if known is None or not await to_thread.run_sync(known.path.is_file):
        return Response(status_code=404)
    return FileResponse(
        known.path,
        filename=known.file_name,
        media_type="application/octet-stream",
        headers=AS_IT_IS
        | {
            "cache-control": "private, no-store",
            "cross-origin-resource-policy": "same-origin",
            "x-content-type-options": "nosniff",
        },
    )


async def send_thumbnail(request: Request) -> Response:
    """Sends a thumbnail or a picture, which the browser keeps: the name says what it shows and leads nowhere else."""
    known = _opened_by(request)
    name = request.path_params["name"]
    if known is None or not THUMBNAIL_NAME.fullmatch(name) or not await to_thread.run_sync((known.path / name).is_file):
        return Response(status_code=404)
    return FileResponse(
        known.path / name,
        media_type="image/png" if name.endswith(".png") else "image/jpeg",
        headers=AS_IT_IS
        | {
            "cache-control": f"private, max-age={DOWNLOAD_SECONDS}, immutable",
            "cross-origin-resource-policy": "same-origin",
            "x-content-type-options": "nosniff",
        },
    )


async def lead_to_first_page(request: Request) -> Response:
    """Leads from the name that the first page would have, if it had one as the others do, to where it is."""
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")


ROUTES = [
    Route("/projects", lead_to_first_page),
    Route(UPLOAD_URL, begin_upload, methods=["POST"]),
    Route(UPLOAD_URL + "/{upload_id}", receive_batch, methods=["POST"]),
    Route(UPLOAD_URL + "/{upload_id}", cancel_upload, methods=["DELETE"]),
    Route(UPLOAD_URL + "/{upload_id}/finish", finish_upload, methods=["POST"]),
    Route(PLOTLY_URL, plotly_script),
    Route(DOWNLOAD_URL + "/{token}", send_download),
    Route(THUMBNAIL_URL + "/{token}/{name:path}", send_thumbnail),
]
