"""Who asks, where people sign in: on a page what Streamlit says of them, beside the pages the cookie that it signed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.auth_util import get_cookie_with_chunks, get_secrets_auth_section
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.errors import AppError
from core.text import N_

NAMES = ("name", "preferred_username", "email", "sub")
MAX_NAME_LENGTH = 60

_was_required = False


class SignedOutError(AppError):
    """Nobody has signed in where that is needed."""

    sentence = N_("You are signed out. Reload the page and sign in.")


@dataclass(frozen=True)
class Person:
    """Somebody who signed in.

    Attributes:
        owner: Who they are for ever: issuer and subject, as one text. An e-mail address may pass to somebody else.
        name: What the sign-in service calls them; theirs to choose, so never markup.
    """

    owner: str
    name: str


def is_required() -> bool:
    """Says whether people sign in here: `secrets.toml` has a part `[auth]`.

    Once it had one, this server never again does without, whatever becomes of the file.
    """
    global _was_required
    _was_required = _was_required or bool(get_secrets_auth_section())
    return _was_required


def person() -> Person | None:
    """Returns who looks at this page; None where nobody has signed in."""
    return _person(st.user.to_dict())


def reader() -> str | None:
    """Returns for whom this page is, as `Workspace.reader` wants it: None where nobody has to sign in.

    Raises:
        SignedOutError: Somebody has to, and has not.
    """
    if not is_required():
        return None
    signed_in = person()
    if signed_in is None:
        raise SignedOutError()
    return signed_in.owner


def comes_from(reader: str | None, cookies: Mapping[str, str]) -> bool:
    """Says whether a request was sent by the reader for whose page its address was made.

    Args:
        reader: What `reader()` said then.
        cookies: Those of the request.
    """
    if not is_required():
        return True
    sender = _person(_claims(cookies))
    return sender is not None and sender.owner == reader


def _claims(cookies: Mapping[str, str]) -> Mapping[str, Any]:
    """What the sign-in service said of somebody, from the cookie that Streamlit signed; empty for a forged one."""

    def unsigned(name: str) -> bytes | None:
        return decode_signed_value(get_cookie_secret(), name, cookies.get(name, "").encode("latin-1", "replace"))

    said = get_cookie_with_chunks(unsigned, USER_COOKIE_NAME)
    claims = json.loads(said) if said else {}
    return claims if isinstance(claims, dict) else {}


def _person(claims: Mapping[str, Any]) -> Person | None:
    owner = [claims.get("iss"), claims.get("sub")]
    if claims.get("is_logged_in") is not True or not all(isinstance(part, str) and part for part in owner):
        return None
    names = (claims.get(name) for name in NAMES)
    name = next((name for name in names if isinstance(name, str) and name.strip()), "")
    return Person(json.dumps(owner), name[:MAX_NAME_LENGTH])
