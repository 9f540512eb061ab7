import pytest

from core.ui import tokens
from core.ui.upload import UploadError


def test_token_opens_its_project_only():
    token = tokens.issue_token("p1")
    assert tokens.project_of(token) == "p1"
    assert tokens.issue_token("p1") == token
    assert tokens.issue_token("p2") != token


@pytest.mark.parametrize("token", [None, "", "made-up"])
def test_unknown_token_is_refused(token):
    with pytest.raises(UploadError, match="forbidden"):
        tokens.project_of(token)


def test_expired_token_is_refused_and_replaced():
    token = tokens.issue_token("p3", lifetime_seconds=-1)
    with pytest.raises(UploadError, match="forbidden"):
        tokens.project_of(token)
    assert tokens.issue_token("p3") != token
