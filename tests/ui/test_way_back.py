"""core.ui.way_back: who signs in comes to the page that they had opened, and never to anything but a page of ours."""

import asyncio

import pytest
from starlette.datastructures import Headers

from core.ui.way_back import COOKIE, MAX_LENGTH, WayBack, own_page


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("http://127.0.0.1:8501/learned?project=1a2b&run=3c4d&lang=es", "learned?project=1a2b&run=3c4d&lang=es"),
        ("https://example.org/base/images?project=1a2b", "images?project=1a2b"),
        ("https://example.org/?lang=es", "?lang=es"),
        ("https://example.org/", ""),
        ("https://example.org/auth/logout", ""),
        ("https://example.org/images?next=https://evil.example&project=a%0d%0ab", "images?project=a%0D%0Ab"),
        ("//evil.example", ""),
        ("//evil.example/images", "images"),
        ("images/../../evil", ""),
        ("http://[", ""),
        ("/images?project=" + "x" * MAX_LENGTH, ""),
        ("", ""),
    ],
)
def test_only_a_page_of_ours_is_remembered_with_what_it_knows(address, page):
    assert own_page(address) == page


def answer(path: str, *, location: str = "", **headers: str) -> Headers:
    """The headers of what a browser is answered, where the app itself would send it to `location`."""
    said = []

    async def app(scope, receive, send):
        sent = [(b"location", location.encode())] if location else []
        await send({"type": "http.response.start", "status": 302, "headers": sent})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        said.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(WayBack(app)({"type": "http", "path": path, "headers": raw}, None, send))
    return Headers(raw=said[0]["headers"])


def test_page_is_remembered_on_the_way_to_the_sign_in_service_and_led_to_on_the_way_back():
    out = answer("/auth/login", location="https://service.example/authorize", referer="http://us/train?project=1a2b")
    assert out["location"] == "https://service.example/authorize"
    kept = out["set-cookie"].split(";")[0]
    assert kept.startswith(f"{COOKIE}=train%3F") and "HttpOnly" in out["set-cookie"]
    back = answer("/oauth2callback", location="/", cookie=kept)
    assert back["location"] == "/train?project=1a2b"
    assert "Max-Age=0" in back["set-cookie"]
    assert answer("/base/oauth2callback", location="/base/", cookie=kept)["location"] == "/base/train?project=1a2b"


@pytest.mark.parametrize(
    "kept", ["", "https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%0d%0aset-cookie:x", "..%2F"]
)
def test_cookie_that_is_not_ours_leads_to_the_first_page(kept):
    assert answer("/oauth2callback", location="/", cookie=f"{COOKIE}={kept}")["location"] == "/"


def test_sign_in_from_the_first_page_forgets_what_was_remembered_before():
    out = answer("/auth/login", location="https://service.example", referer="http://us/")
    assert "Max-Age=0" in out["set-cookie"]


def test_every_other_answer_stays_as_it_is():
    out = answer("/images", location="/", referer="http://us/train", cookie=f"{COOKIE}=train")
    assert out["location"] == "/" and "set-cookie" not in out
