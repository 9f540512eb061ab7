import http.client
import json
import socket
import threading
import time

import pytest
import uvicorn
from starlette.applications import Starlette
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.ui import batch as batches
from core.ui import identity, routes, tokens, upload
from core.ui.routes import PLOTLY_URL, ROUTES, TOKEN_HEADER, UPLOAD_URL, download_url, thumbnails_url


def packed(files: dict[str, bytes]) -> bytes:
    header = json.dumps([[name, len(data)] for name, data in files.items()]).encode()
    return len(header).to_bytes(4, "big") + header + b"".join(files.values())


class Browser:
    """Sends requests as our own page does; `without` and `headers` change that."""

    def __init__(self, port: int):
        self.host = f"127.0.0.1:{port}"
        self.port = port

    def headers(self, **changes: str | None) -> dict[str, str]:
        own = {"Origin": f"http://{self.host}", TOKEN_HEADER: tokens.issue_token("p1")}
        return {name: value for name, value in (own | changes).items() if value is not None}

    def ask(self, method: str, path: str, body: bytes | dict = b"", **changes: str | None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, data, self.headers(**changes))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, json.loads(content) if answer.getheader("content-type") == "application/json" else content

    def begin(self) -> str:
        answer, values = self.ask("POST", UPLOAD_URL, {"num_files": 2, "num_bytes": 100})
        assert answer.status == 201
        return f"{UPLOAD_URL}/{values['upload_id']}"


@pytest.fixture(scope="module")
def port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=ROUTES), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def browser(port, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    return Browser(port)


def staged(home) -> list[str]:
    return sorted(path.name for path in (home / "uploads").rglob("*") if path.is_file())


def test_files_arrive_in_batches_and_are_handed_to_the_page(browser):
    address = browser.begin()
    for files in ({"pets/cats/1.jpg": b"one"}, {"pets/dogs/1.jpg": b"two" * 10**6}):
        answer, values = browser.ask("POST", address, packed(files))
        assert (answer.status, values) == (200, {"num_files": 1})
    for _ in range(2):
        answer, values = browser.ask("POST", address + "/finish", {"skipped": [["pets/film.mov", "size"]]})
        assert (answer.status, values) == (200, {"num_files": 2})
    claimed = upload.claim(address.rsplit("/", 1)[1], "p1")
    assert [name for name, _ in claimed.files()] == ["pets/cats/1.jpg", "pets/dogs/1.jpg"]
    assert (claimed.folder / "pets/dogs/1.jpg").read_bytes() == b"two" * 10**6
    assert [refused.name for refused in claimed.refused] == ["pets/film.mov"]


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "http://127.0.0.1:1"},
        {TOKEN_HEADER: None},
        {TOKEN_HEADER: "made-up"},
    ],
)
@pytest.mark.parametrize(("method", "end"), [("POST", None), ("POST", ""), ("POST", "/finish"), ("DELETE", "")])
def test_stranger_is_refused(browser, tmp_path, changes, method, end):
    address = browser.begin()
    answer, values = browser.ask(method, UPLOAD_URL if end is None else address + end, packed({"a": b"1"}), **changes)
    assert (answer.status, values) == (403, {"error": "forbidden"})
    assert staged(tmp_path) == []
    assert len(list((tmp_path / "uploads").iterdir())) == 1


def test_token_of_another_project_does_not_find_the_upload(browser, tmp_path):
    address = browser.begin()
    answer, _ = browser.ask("POST", address, packed({"a": b"1"}), **{TOKEN_HEADER: tokens.issue_token("p2")})
    assert answer.status == 404
    assert staged(tmp_path) == []


def test_address_cannot_name_a_folder(browser, tmp_path):
    browser.begin()
    for name in ("..", "%2e%2e", "..%2f..", "files"):
        answer, _ = browser.ask("DELETE", f"{UPLOAD_URL}/{name}")
        assert answer.status in {404, 405}
    assert len(list((tmp_path / "uploads").iterdir())) == 1


def test_body_over_the_limit_is_refused(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MAX_FILE_BYTES", 10)
    answer, values = browser.ask("POST", browser.begin(), packed({"a.jpg": b"x" * 11}))
    assert (answer.status, values) == (413, {"error": "too_large"})
    assert staged(tmp_path) == []


def test_announced_size_over_the_limit_is_refused(browser):
    announced = {"num_files": 1, "num_bytes": upload.MAX_UPLOAD_BYTES + 1}
    answer, values = browser.ask("POST", UPLOAD_URL, announced)
    assert (answer.status, values) == (413, {"error": "too_large"})


def test_json_over_the_limit_is_refused(browser, monkeypatch):
    monkeypatch.setattr(routes, "MAX_JSON_BYTES", 10)
    answer, _ = browser.ask("POST", UPLOAD_URL, {"num_files": 1, "num_bytes": 1})
    assert answer.status == 413


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"num_files": "1", "num_bytes": 1}'])
def test_nonsense_is_refused(browser, body):
    answer, values = browser.ask("POST", UPLOAD_URL, body)
    assert (answer.status, values) == (400, {"error": "malformed"})


@pytest.mark.parametrize("skipped", [1, ["a"], [["a", "because"]]])
def test_nonsense_at_the_end_is_refused(browser, skipped):
    answer, _ = browser.ask("POST", browser.begin() + "/finish", {"skipped": skipped})
    assert answer.status == 400


def test_dropped_connection_leaves_nothing(browser, tmp_path):
    address = browser.begin()
    body = packed({"a.jpg": b"x" * 3 * 10**6, "b.jpg": b"y"})
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=20)
    connection.putrequest("POST", address)
    for name, value in (browser.headers() | {"Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders(body[: 2 * 10**6])
    folder = tmp_path / "uploads" / address.rsplit("/", 1)[1]
    _until(lambda: any(folder.glob("incoming-*")))
    connection.close()
    _until(lambda: not any(folder.glob("incoming-*")))
    assert staged(tmp_path) == []
    answer, _ = browser.ask("POST", address, body)
    assert answer.status == 200
    assert staged(tmp_path) == ["a.jpg", "b.jpg"]


def test_cancelled_upload_leaves_nothing(browser, tmp_path):
    address = browser.begin()
    browser.ask("POST", address, packed({"a": b"1"}))
    assert browser.ask("DELETE", address)[0].status == 204
    assert list((tmp_path / "uploads").iterdir()) == []
    assert browser.ask("POST", address, packed({"a": b"1"}))[0].status == 404


def test_plotly_script_is_kept_by_the_browser(browser):
    answer, content = browser.ask("GET", PLOTLY_URL)
    assert answer.status == 200
    assert "immutable" in answer.getheader("cache-control")
    assert b"Plotly" in content


def test_download_is_sent_under_its_nice_name(browser, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"weights" * 10**5)
    answer, content = browser.ask("GET", download_url(path, "bienen größe.keras"), Origin=None)
    assert content == path.read_bytes()
    assert answer.getheader("content-disposition") == "attachment; filename*=utf-8''bienen%20gr%C3%B6%C3%9Fe.keras"
    assert answer.getheader("content-length") == str(path.stat().st_size)


def test_download_can_be_resumed(browser, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"0123456789")
    answer, content = browser.ask("GET", download_url(path, "m.keras"), Range="bytes=4-")
    assert (answer.status, content) == (206, b"456789")


def test_download_keeps_its_address(tmp_path):
    assert download_url(tmp_path / "a", "a") == download_url(tmp_path / "a", "a")
    assert download_url(tmp_path / "a", "a") != download_url(tmp_path / "a", "b")


@pytest.mark.parametrize("token", ["made-up", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "model.keras"])
def test_unknown_download_is_not_found(browser, tmp_path, token):
    (tmp_path / "model.keras").write_bytes(b"x")
    download_url(tmp_path / "model.keras", "model.keras")
    assert browser.ask("GET", f"{routes.DOWNLOAD_URL}/{token}")[0].status == 404


def test_path_beside_the_token_changes_nothing(browser, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"mine")
    (tmp_path / "other").write_bytes(b"other")
    address = download_url(tmp_path / "model.keras", "model.keras")
    assert browser.ask("GET", address + "?path=other&file_name=other")[1] == b"mine"
    assert browser.ask("GET", address + "/../other")[0].status == 404


def test_download_of_a_removed_file_is_not_found(browser, tmp_path):
    assert browser.ask("GET", download_url(tmp_path / "gone", "gone"))[0].status == 404


def test_download_ends_with_its_time(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(routes, "DOWNLOAD_SECONDS", -1)
    (tmp_path / "model.keras").write_bytes(b"x")
    assert browser.ask("GET", download_url(tmp_path / "model.keras", "m"))[0].status == 404


def test_addresses_of_a_deleted_project_are_closed(browser, tmp_path):
    addresses = []
    for folder in ("gone", "kept"):
        model = tmp_path / folder / "model.keras"
        model.parent.mkdir()
        model.write_bytes(b"x")
        addresses.append(download_url(model, "m"))
    routes.withdraw(tmp_path / "gone")
    assert [browser.ask("GET", address)[0].status for address in addresses] == [404, 200]


PLACE = f"intakes/1795635445204223805-5cbc/thumbnails/{'0a' * 8}.jpg"
PICTURE = f"intakes/1795635445204223805-5cbc/images/0a/{'0a' * 8}.png"


@pytest.fixture
def thumbnails(tmp_path):
    """A project's folder with a thumbnail of an intake, and files beside that the address must not open."""
    folder = tmp_path / "project"
    (folder / PLACE).parent.mkdir(parents=True)
    (folder / PLACE).write_bytes(b"a thumbnail")
    (folder / "thumbnails").mkdir()
    (folder / "thumbnails/notes.txt").write_bytes(b"secret")
    (folder / "order.json").write_bytes(b"secret")
    (folder / PICTURE).parent.mkdir(parents=True)
    for suffix in (".png", ".json", ".png.part"):
        (folder / PICTURE).with_suffix(suffix).write_bytes(b"a picture")
    (folder / "originals/0a").mkdir(parents=True)
    (folder / f"originals/0a/{'0a' * 8}.png").write_bytes(b"secret")
    (tmp_path / f"{'1b' * 8}.jpg").write_bytes(b"secret")
    return folder


def test_thumbnail_is_sent_and_kept_by_the_browser(browser, thumbnails):
    answer, content = browser.ask("GET", f"{thumbnails_url(thumbnails)}/{PLACE}", Origin=None)
    assert (answer.status, content) == (200, b"a thumbnail")
    assert answer.getheader("content-type") == "image/jpeg"
    assert answer.getheader("cache-control") == "private, max-age=86400, immutable"
    assert answer.getheader("cross-origin-resource-policy") == "same-origin"


def test_picture_is_sent_large_from_the_same_address(browser, thumbnails):
    answer, content = browser.ask("GET", f"{thumbnails_url(thumbnails)}/{PICTURE}", Origin=None)
    assert (answer.status, content) == (200, b"a picture")
    assert answer.getheader("content-type") == "image/png"
    assert answer.getheader("x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        PICTURE.replace(".png", ".json"),
        f"{PICTURE}.part",
        f"{PICTURE}/",
        PICTURE.replace("/0a/", "/0a/../0a/"),
        PICTURE.replace("/0a/", "/%2e%2e/images/0a/"),
        PICTURE.replace("/0a/", "//0a/"),
        PICTURE.replace("/0a/", "/0a/0a/"),
        f"originals/0a/{'0a' * 8}.png",
        f"/{PICTURE}",
        f"x/{PICTURE}",
        "intakes/1795635445204223805-5cbc/images/0a",
        "thumbnails/notes.txt",
        "order.json",
        f"..%2f{'1b' * 8}.jpg",
        f"thumbnails/%2e%2e/%2e%2e/{'1b' * 8}.jpg",
        f"../{'1b' * 8}.jpg",
        f"thumbnails/{'2c' * 8}.jpg",
        PLACE.upper(),
        PLACE.removesuffix(".jpg"),
        "",
    ],
)
def test_thumbnail_has_no_name_but_its_own(browser, thumbnails, name):
    assert browser.ask("GET", f"{thumbnails_url(thumbnails)}/{name}")[0].status == 404


def test_thumbnails_of_a_token_are_those_of_one_folder(browser, thumbnails, tmp_path):
    (tmp_path / "others").mkdir()
    other = thumbnails_url(tmp_path / "others")
    assert browser.ask("GET", f"{other}/{PLACE}")[0].status == 404
    assert browser.ask("GET", f"{routes.THUMBNAIL_URL}/made-up/{PLACE}")[0].status == 404
    assert thumbnails_url(thumbnails) == thumbnails_url(thumbnails) != other


def test_thumbnails_and_downloads_do_not_open_each_other(browser, thumbnails):
    folder_token = thumbnails_url(thumbnails).rsplit("/", 1)[1]
    file_token = download_url(thumbnails / f"{'0a' * 8}.jpg", "a.jpg").rsplit("/", 1)[1]
    assert browser.ask("GET", f"{routes.DOWNLOAD_URL}/{folder_token}")[0].status == 404
    assert browser.ask("GET", f"{routes.THUMBNAIL_URL}/{file_token}/{PLACE}")[0].status == 404


def test_thumbnails_end_with_their_time(browser, thumbnails, monkeypatch):
    monkeypatch.setattr(routes, "DOWNLOAD_SECONDS", -1)
    assert browser.ask("GET", f"{thumbnails_url(thumbnails)}/{PLACE}")[0].status == 404


ANA = {"iss": "https://example.org", "sub": "1", "is_logged_in": True}
BO = ANA | {"sub": "2"}
SECRET = "0123456789abcdef" * 4


@pytest.fixture
def shared(monkeypatch):
    """Sign-in is needed, and pages are made for Ana; returns what makes somebody's cookie."""
    monkeypatch.setattr(identity, "is_required", lambda: True)
    monkeypatch.setattr(identity, "person", lambda: identity._person(ANA))
    monkeypatch.setattr(identity, "get_cookie_secret", lambda: SECRET)

    def cookie(claims: dict | None, secret: str = SECRET) -> str | None:
        if claims is None:
            return None
        return f"{USER_COOKIE_NAME}={create_signed_value(secret, USER_COOKIE_NAME, json.dumps(claims)).decode()}"

    return cookie


def test_reader_gets_their_own_downloads_thumbnails_and_uploads(browser, thumbnails, shared, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"mine")
    own = {"Cookie": shared(ANA)}
    assert browser.ask("GET", download_url(tmp_path / "model.keras", "m"), **own)[1] == b"mine"
    assert browser.ask("GET", f"{thumbnails_url(thumbnails)}/{PLACE}", **own)[1] == b"a thumbnail"
    assert browser.ask("POST", UPLOAD_URL, {"num_files": 1, "num_bytes": 1}, **own)[0].status == 201


@pytest.mark.parametrize("who", [BO, None, ANA | {"is_logged_in": False}])
def test_address_made_for_another_answers_as_an_unknown_one(browser, thumbnails, shared, tmp_path, who):
    (tmp_path / "model.keras").write_bytes(b"Ana's")
    other = {"Cookie": shared(who)}
    addresses = {
        download_url(tmp_path / "model.keras", "m"): f"{routes.DOWNLOAD_URL}/made-up",
        f"{thumbnails_url(thumbnails)}/{PLACE}": f"{routes.THUMBNAIL_URL}/made-up/{PLACE}",
    }
    for address, unknown in addresses.items():
        (theirs, said), (none, nothing) = (browser.ask("GET", one, **other) for one in (address, unknown))
        assert (theirs.status, said) == (none.status, nothing) == (404, b"")
        assert dict(theirs.getheaders()).keys() == dict(none.getheaders()).keys()


def test_token_made_for_another_is_refused_as_an_unknown_one(browser, shared, tmp_path):
    for changes in ({"Cookie": shared(BO)}, {}, {"Cookie": shared(ANA), TOKEN_HEADER: "made-up"}):
        answer, values = browser.ask("POST", UPLOAD_URL, {"num_files": 1, "num_bytes": 1}, **changes)
        assert (answer.status, values) == (403, {"error": "forbidden"})
    assert not (tmp_path / "uploads").exists()


def test_address_from_before_sign_in_is_nobodys(browser, monkeypatch, tmp_path, request):
    (tmp_path / "model.keras").write_bytes(b"old")
    address = download_url(tmp_path / "model.keras", "m")
    cookie = request.getfixturevalue("shared")
    assert browser.ask("GET", address, Cookie=cookie(ANA))[0].status == 404
    assert download_url(tmp_path / "model.keras", "m") != address


def test_forged_cookie_opens_nothing(browser, shared, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"Ana's")
    address = download_url(tmp_path / "model.keras", "m")
    assert browser.ask("GET", address, Cookie=shared(ANA, "f" * 64))[0].status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_gets_nothing_private(browser, thumbnails, tmp_path, changes):
    (tmp_path / "model.keras").write_bytes(b"x")
    for address in (download_url(tmp_path / "model.keras", "m"), f"{thumbnails_url(thumbnails)}/{PLACE}"):
        assert browser.ask("GET", address, **changes)[0].status == 404
        assert browser.ask("GET", address, **{"Sec-Fetch-Site": "same-origin"})[0].status == 200


def _until(holds) -> None:
    limit = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize("query", ["", "?project=p1&lang=es"])
def test_name_of_the_first_page_leads_to_it(browser, query):
    answer, _ = browser.ask("GET", f"/projects{query}")
    assert (answer.status, answer.getheader("location")) == (307, f"./{query}")
