"""Whether people must sign in is never taken back while the server runs."""

import pytest

from core.ui import identity


@pytest.fixture
def auth(monkeypatch):
    monkeypatch.setattr(identity, "_was_required", False)
    section = {}
    monkeypatch.setattr(identity, "get_secrets_auth_section", lambda: section)
    return section


def test_sign_in_is_asked_for_where_it_is_set_up(auth):
    assert not identity.is_required()
    auth["client_id"] = "x"
    assert identity.is_required()


def test_settings_that_break_meanwhile_let_nobody_in(auth):
    auth["client_id"] = "x"
    identity.is_required()
    auth.clear()
    assert identity.is_required()
