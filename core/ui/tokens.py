"""Tokens: who may send files, and to which project."""

import secrets
import threading
import time
from dataclasses import dataclass

from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.ui import identity
from core.ui.upload import UploadError

TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Token:
    """What a secret is good for: sending files to one project, by one reader (`identity.reader`), for some time."""

    project_id: str
    reader: str | None
    expires: float


_lock = threading.Lock()
_tokens: dict[str, Token] = {}
_token_of: dict[tuple[str, str | None, str], str] = {}


def issue_token(project_id: str, *, lifetime_seconds: float = TOKEN_SECONDS) -> str:
    """Returns a secret with which this browser session may send files to this project.

    It is the same one until half of its time is over, so that a page may ask at every run.
    """
    context = get_script_run_ctx(suppress_warning=True)
    reader = identity.reader()
    owner = (context.session_id if context else "", reader, project_id)
    now = time.time()
    with _lock:
        _forget_expired(now)
        token = _token_of.get(owner)
        if token is None or _tokens[token].expires < now + lifetime_seconds / 2:
            token = secrets.token_urlsafe(32)
            _token_of[owner] = token
            _tokens[token] = Token(project_id, reader, now + lifetime_seconds)
        return token


def _forget_expired(now: float) -> None:
    for token in [token for token, known in _tokens.items() if known.expires <= now]:
        del _tokens[token]
    for owner in [owner for owner, token in _token_of.items() if token not in _tokens]:
        del _token_of[owner]


def project_of(token: str | None) -> str:
    """Returns the project that a token opens; raises as `opened_by` does."""
    return opened_by(token).project_id


def opened_by(token: str | None) -> Token:
    """Returns what a token is good for.

    Raises:
        UploadError: There is no such token, or its time is over.
    """
    with _lock:
        known = _tokens.get(token or "")
    if known is None or known.expires <= time.time():
        raise UploadError("forbidden", 403)
    return known
