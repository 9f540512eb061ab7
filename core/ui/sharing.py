"""Who may reach this server: this machine alone, people who sign in, or whoever a proxy in front of it lets through."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.auth_util import get_secrets_auth_section, is_authlib_installed
from streamlit.runtime.secrets import secrets_singleton

from core.errors import AppError
from core.text import N_, _
from core.ui import identity

LOCAL_ADDRESSES = ("localhost", "127.0.0.1", "::1")
SHARED_VARIABLE = "HEADSTART_SHARED"
PROTECTIONS = ("server.enableXsrfProtection", "server.enableCORS")
FOR_ALL = ("redirect_uri", "cookie_secret")
FOR_EACH = ("client_id", "client_secret", "server_metadata_url")
MIN_SECRET_LENGTH = 32


class OpenToAllError(AppError):
    """Other machines could reach the server, and nobody would have to sign in."""

    sentence = N_(
        "Headstart would answer other machines (server.address is “{address}”) without asking who they are. Start it "
        "with --server.address=127.0.0.1, or set up sign-in first: README.md, “Share it with others”."
    )


class OtherNameError(AppError):
    """A request calls the server by a name that this machine does not have for itself."""

    sentence = N_(
        "This Headstart answers its own machine only, as http://127.0.0.1 or http://localhost. To share it, see "
        "README.md, “Share it with others”."
    )


class ProtectionError(AppError):
    """What keeps other web sites out was turned off."""

    sentence = N_("{setting} is off, and other web sites could act in a reader's name. Turn it on, then start again.")


class SignInSettingsError(AppError):
    """The part `[auth]` of `secrets.toml` is not complete."""

    sentence = N_(
        "Sign-in is not set up completely: [auth] in .streamlit/secrets.toml needs {missing}. See README.md, “Share it "
        "with others”, then start again."
    )


class SecretsError(AppError):
    """There is a `secrets.toml`, and it cannot be read."""

    sentence = N_(
        "{file} cannot be read, so it is not known whether people must sign in. Correct it, then start again."
    )


class SignInMissingError(AppError):
    """The package for sign-in is not installed."""

    sentence = N_('Sign-in needs the package Authlib. Run "pip install -r requirements.lock", then start again.')


def check() -> None:
    """Makes sure, before the server answers anybody, that it answers those alone who are meant.

    Raises:
        AppError: It would not; the sentence says what it takes.
    """
    for setting in PROTECTIONS:
        if not st.get_option(setting):
            raise ProtectionError(setting=setting)
    _check_secrets()
    if identity.is_required():
        _check_sign_in()
    elif not _is_local() and not _is_trusted():
        raise OpenToAllError(address=st.get_option("server.address") or "")


def _check_secrets() -> None:
    files = [file for file in st.get_option("secrets.files") if Path(file).exists()]
    if files and not secrets_singleton.load_if_toml_exists():
        raise SecretsError(file=files[0])


def _check_sign_in() -> None:
    auth = get_secrets_auth_section()
    missing = [name for name in FOR_ALL if not auth.get(name)]
    for provider in providers():
        missing += [name for name in FOR_EACH if not (auth[provider] if provider else auth).get(name)]
    if 0 < len(str(auth.get("cookie_secret", ""))) < MIN_SECRET_LENGTH:
        missing.append(f"a cookie_secret of {MIN_SECRET_LENGTH} characters or more")
    if missing:
        raise SignInSettingsError(missing=", ".join(dict.fromkeys(missing)))
    if not is_authlib_installed():
        raise SignInMissingError()


def providers() -> list[str | None]:
    """Returns the sign-in services of `[auth]` as `st.login` wants them: names of its parts, or None for its own."""
    auth = get_secrets_auth_section()
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value]
    return [*([None] if "client_id" in auth or not named else []), *named]


def _is_local() -> bool:
    return st.get_option("server.address") in LOCAL_ADDRESSES


def _is_trusted() -> bool:
    return os.environ.get(SHARED_VARIABLE, "").lower() == "trusted"


class OwnNamesOnly:
    """Middleware: where Headstart is not shared, it answers only to names that this machine has for itself.

    A web site whose name was made to lead here would count as our own page otherwise, and so would a proxy that asks
    nobody who they are.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with a sentence."""
        if scope["type"] == "lifespan" or is_shared() or _is_own_name(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(str(OtherNameError()), status_code=400)(scope, receive, send)


MIDDLEWARE = [Middleware(OwnNamesOnly)]


def _is_own_name(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in LOCAL_ADDRESSES
    except ValueError:
        return False


def is_shared() -> bool:
    """Says whether others than the owner of this machine may be reading."""
    return identity.is_required() or _is_trusted() or not _is_local()


def told() -> str:
    """Returns the sentence that says who sees what one brings here."""
    if identity.is_required():
        return _("Your projects are seen by you alone, and by whoever looks after this server.")
    if is_shared():
        return _("This Headstart is shared: whoever may open it sees every project.")
    return _("Headstart runs on your own machine. Your pictures stay here.")
