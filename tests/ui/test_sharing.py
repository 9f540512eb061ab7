import asyncio

import pytest

from core.ui import identity, sharing, sources
from core.ui.sharing import (
    OpenToAllError,
    ProtectionError,
    SecretsError,
    SignInMissingError,
    SignInSettingsError,
)

AUTH = {
    "redirect_uri": "https://example.org/oauth2callback",
    "cookie_secret": "0123456789abcdef" * 2,
    "client_id": "x",
    "client_secret": "y",
    "server_metadata_url": "https://accounts.example.org/.well-known/openid-configuration",
}
SERVICE = {name: AUTH[name] for name in sharing.FOR_EACH}


@pytest.fixture
def options(monkeypatch):
    """Streamlit's options as they are for the app, to be changed."""
    known = {"server.address": "127.0.0.1", "secrets.files": [], **dict.fromkeys(sharing.PROTECTIONS, True)}
    monkeypatch.setattr(sharing.st, "get_option", known.__getitem__)
    monkeypatch.delenv(sharing.SHARED_VARIABLE, raising=False)
    return known


@pytest.fixture
def auth(monkeypatch, options):
    """The part `[auth]`, complete, to be changed."""
    section = dict(AUTH)
    monkeypatch.setattr(identity, "is_required", lambda: True)
    monkeypatch.setattr(sharing, "get_secrets_auth_section", lambda: section)
    monkeypatch.setattr(sharing, "is_authlib_installed", lambda: True)
    return section


@pytest.mark.parametrize("address", sharing.LOCAL_ADDRESSES)
def test_this_machine_alone_needs_no_sign_in(options, address):
    options["server.address"] = address
    sharing.check()
    assert not sharing.is_shared()
    assert "server" in sources.offered()


@pytest.mark.parametrize("address", ["0.0.0.0", "", None, "::", "192.168.1.7", "example.org", "unix:///tmp/socket"])
def test_other_machines_are_refused_without_sign_in(options, address):
    options["server.address"] = address
    with pytest.raises(OpenToAllError, match=r"set up sign-in first: README\.md"):
        sharing.check()


def test_other_machines_are_let_in_with_sign_in(options, auth):
    options["server.address"] = "0.0.0.0"
    sharing.check()
    assert sharing.is_shared()
    assert "server" not in sources.offered()


def test_folders_of_the_server_are_hidden_behind_a_proxy_on_the_same_machine(auth):
    assert "server" not in sources.offered()


def test_proxy_that_is_trusted_needs_no_sign_in(options, monkeypatch):
    monkeypatch.setenv(sharing.SHARED_VARIABLE, "trusted")
    options["server.address"] = "0.0.0.0"
    sharing.check()
    assert "server" not in sources.offered()
    options["server.address"] = "127.0.0.1"
    assert "server" not in sources.offered()


@pytest.mark.parametrize("word", ["", "yes", "1", "untrusted"])
def test_no_other_word_will_do(options, monkeypatch, word):
    monkeypatch.setenv(sharing.SHARED_VARIABLE, word)
    options["server.address"] = "0.0.0.0"
    with pytest.raises(OpenToAllError):
        sharing.check()


@pytest.mark.parametrize("setting", sharing.PROTECTIONS)
def test_protection_against_other_sites_stays_on(options, setting):
    options[setting] = False
    with pytest.raises(ProtectionError, match=setting):
        sharing.check()


@pytest.mark.parametrize("name", AUTH)
def test_setting_that_is_missing_is_named(auth, name):
    if name == "client_id":  # without it there is no service at all, so that all its settings are missing
        auth.clear()
    auth.pop(name, None)
    with pytest.raises(SignInSettingsError, match=name):
        sharing.check()


def test_cookie_secret_that_could_be_guessed_is_refused(auth):
    auth["cookie_secret"] = "xxx"
    with pytest.raises(SignInSettingsError, match="32 characters"):
        sharing.check()


def test_each_service_has_its_own_settings(auth):
    for name in sharing.FOR_EACH:
        del auth[name]
    auth |= {"google": dict(SERVICE), "okta": dict(SERVICE)}
    sharing.check()
    assert sharing.providers() == ["google", "okta"]
    del auth["okta"]["client_secret"]
    with pytest.raises(SignInSettingsError, match="client_secret"):
        sharing.check()


def test_missing_package_is_named(auth, monkeypatch):
    monkeypatch.setattr(sharing, "is_authlib_installed", lambda: False)
    with pytest.raises(SignInMissingError, match="Authlib"):
        sharing.check()


def test_settings_that_cannot_be_read_are_not_taken_for_none(options, tmp_path, monkeypatch):
    options["secrets.files"] = [str(tmp_path / "secrets.toml")]
    monkeypatch.setattr(sharing.secrets_singleton, "load_if_toml_exists", lambda: False)
    sharing.check()
    (tmp_path / "secrets.toml").write_text("[auth")
    with pytest.raises(SecretsError, match=r"secrets\.toml"):
        sharing.check()


class Asked:
    """What stands behind the middleware: remembers what reached it."""

    def __init__(self):
        self.hosts = []

    async def __call__(self, scope, receive, send):
        self.hosts.append(scope)


@pytest.fixture
def answered():
    """Sends a request with this host to the middleware, and says whether it was let through."""

    def ask(host: str, kind: str = "http") -> bool:
        behind, said = Asked(), []

        async def send(message):
            said.append(message)

        scope = {"type": kind, "headers": [(b"host", host.encode())], "extensions": {}}
        asyncio.run(sharing.OwnNamesOnly(behind)(scope, None, send))
        assert bool(behind.hosts) != bool(said)
        return bool(behind.hosts)

    return ask


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST", "[::1]:8501"])
def test_own_names_of_this_machine_are_answered(options, answered, host):
    assert answered(host) and answered(host, "websocket")


@pytest.mark.parametrize(
    "host", ["evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "", "[", "@"]
)
def test_other_names_are_not(options, answered, host):
    assert not answered(host)
    assert not answered(host, "websocket")


def test_shared_it_is_called_as_its_readers_call_it(auth, answered):
    assert answered("headstart.example.org")
