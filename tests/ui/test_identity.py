import json
import secrets

import pytest
from streamlit.auth_util import set_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.ui import identity
from core.ui.identity import SignedOutError

SECRET = "0123456789abcdef" * 4
ANA = {"iss": "https://example.org", "sub": "1", "is_logged_in": True, "name": "Ana"}
OWNER = json.dumps(["https://example.org", "1"])


@pytest.fixture(autouse=True)
def required(monkeypatch):
    monkeypatch.setattr(identity, "is_required", lambda: True)
    monkeypatch.setattr(identity, "get_cookie_secret", lambda: SECRET)


def cookies(claims: object, secret: str = SECRET) -> dict[str, str]:
    """The cookies in which Streamlit keeps what a sign-in service said."""
    kept = {}

    def sign(name: str, value: str) -> bytes:
        return create_signed_value(secret, name, value)

    def keep(name: str, value: str) -> None:
        kept[name] = sign(name, value).decode("latin-1")

    set_cookie_with_chunks(keep, sign, USER_COOKIE_NAME, claims, cookie_attr_size=100)
    return kept


def test_cookie_that_streamlit_signed_says_who_asks():
    assert identity.comes_from(OWNER, cookies(ANA))


def test_cookie_in_several_pieces_is_put_together():
    pieces = cookies(ANA | {"groups": secrets.token_hex(9000)})
    assert len(pieces) > 1
    assert identity.comes_from(OWNER, pieces)
    del pieces[f"{USER_COOKIE_NAME}_2"]
    assert not identity.comes_from(OWNER, pieces)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.org"},
        {"sub": "2"},
        {"sub": 1},
        {"sub": ""},
        {"iss": None},
        {"is_logged_in": False},
        {"is_logged_in": "yes"},
    ],
)
def test_somebody_else_is_not_taken_for_the_reader(changed):
    assert not identity.comes_from(OWNER, cookies(ANA | changed))


@pytest.mark.parametrize("reader", [OWNER, None, ""])
def test_nobody_is_not_taken_for_anybody(reader):
    assert not identity.comes_from(reader, {})
    assert not identity.comes_from(reader, cookies([]))


def test_cookie_that_somebody_else_signed_is_worth_nothing():
    assert not identity.comes_from(OWNER, cookies(ANA, secret="f" * 64))
    assert not identity.comes_from(OWNER, {USER_COOKIE_NAME: json.dumps(ANA)})
    assert not identity.comes_from(OWNER, {USER_COOKIE_NAME: "\N{SNOWMAN}"})
    (signed,) = cookies(ANA).values()
    assert not identity.comes_from(OWNER, {USER_COOKIE_NAME: signed[:-1]})


def test_what_was_made_without_sign_in_is_nobodys_once_people_sign_in():
    assert not identity.comes_from(None, cookies(ANA))


def test_without_sign_in_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(identity, "is_required", lambda: False)
    assert identity.reader() is None
    assert identity.comes_from(None, {})


def test_page_for_nobody_finds_no_reader_rather_than_all():
    with pytest.raises(SignedOutError):
        identity.reader()


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ana"}, "Ana"),
        ({"name": "  ", "preferred_username": "ana1"}, "ana1"),
        ({"name": {"a": 1}, "email": "ana@example.org"}, "ana@example.org"),
        ({}, "1"),
        ({"name": "x" * 100}, "x" * 60),
    ],
)
def test_name_is_the_first_that_there_is(monkeypatch, claims, name):
    said = {"iss": "https://example.org", "sub": "1", "is_logged_in": True} | claims
    assert identity._person(said).name == name


def test_owner_cannot_be_made_up_from_the_pieces_of_another():
    one = identity._person(ANA | {"iss": "https://a", "sub": "b c"})
    other = identity._person(ANA | {"iss": "https://a b", "sub": "c"})
    assert one.owner != other.owner
