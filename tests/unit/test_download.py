import errno
import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.download import (
    ClosedFolderError,
    DownloadError,
    NoRoomError,
    RefusedDownloadError,
    WrongChecksumError,
    disk_problem,
    download,
)

CONTENT = bytes(range(256)) * 4096
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Files(BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; `/cut` breaks off in the middle, `/plain` knows no ranges, `/gone` is a 404."""

    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if self.path == "/gone":
            self.send_error(404)
            return
        start = 0
        if self.path != "/plain" and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(CONTENT):
                self.send_error(416)
                return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """Says nothing when the other side hangs up."""

    def handle_error(self, *args):
        pass


@pytest.fixture
def server():
    http = Server(("127.0.0.1", 0), Files)
    http.ranges = []
    http.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield http
    http.shutdown()
    thread.join()
    http.server_close()


def test_whole_file_arrives_checked_and_says_how_far_it_is(server, tmp_path):
    told = []
    path = download(
        f"{server.url}/file", tmp_path / "new" / "a.h5", checksum=MD5, on_progress=lambda *p: told.append(p)
    )
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert list(path.parent.iterdir()) == [path]


def test_cut_download_goes_on_where_it_ended(server, tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(DownloadError):
        download(f"{server.url}/cut", path, checksum=MD5)
    assert not path.exists()
    half = len(CONTENT) // 2
    assert (tmp_path / "a.h5.part").stat().st_size == half
    download(f"{server.url}/file", path, checksum=MD5)
    assert server.ranges == [None, f"bytes={half}-"]
    assert path.read_bytes() == CONTENT


def test_server_without_ranges_starts_over(server, tmp_path):
    (tmp_path / "a.h5.part").write_bytes(b"half of something")
    assert download(f"{server.url}/plain", tmp_path / "a.h5", checksum=MD5).read_bytes() == CONTENT


def test_part_that_was_whole_already_is_taken(server, tmp_path):
    (tmp_path / "a.h5.part").write_bytes(CONTENT)
    assert download(f"{server.url}/file", tmp_path / "a.h5", checksum=MD5).read_bytes() == CONTENT


def test_damaged_file_is_thrown_away(server, tmp_path):
    with pytest.raises(WrongChecksumError, match=r"a\.h5"):
        download(f"{server.url}/file", tmp_path / "a.h5", checksum="md5:" + "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_refusal_says_what_the_server_answered(server, tmp_path):
    with pytest.raises(RefusedDownloadError, match="404"):
        download(f"{server.url}/gone", tmp_path / "a.h5")


def test_offline_says_what_to_download_from_where_into_which_folder(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.h5"
        with pytest.raises(DownloadError) as caught:
            download(url, tmp_path / "a.h5")
    assert url in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_full_disk_is_told_apart_from_no_network(server, tmp_path):
    (tmp_path / "a.h5.part").symlink_to("/dev/full")
    with pytest.raises(NoRoomError):
        download(f"{server.url}/file", tmp_path / "a.h5")


def test_folder_that_cannot_be_made_is_told_apart_from_no_network(server, tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(ClosedFolderError, match="models"):
        download(f"{server.url}/file", tmp_path / "models" / "a.h5")


def test_network_that_breaks_is_not_blamed_on_the_disk():
    assert disk_problem(ConnectionResetError(errno.ECONNRESET, "reset"), {}) is None


@pytest.mark.parametrize("right", [True, False])
def test_file_without_a_checksum_is_looked_into(server, tmp_path, right):
    path = tmp_path / "a.h5"
    if right:
        assert download(f"{server.url}/file", path, is_right=lambda part: part.stat().st_size == len(CONTENT)).exists()
        return
    with pytest.raises(WrongChecksumError):
        download(f"{server.url}/file", path, is_right=lambda part: False)
    assert list(tmp_path.iterdir()) == []
