from types import SimpleNamespace

import pytest

from core.ui import navigation


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("http://127.0.0.1:8501", ""),
        ("http://127.0.0.1:8501/", ""),
        ("http://127.0.0.1:8501/learned", ""),
        ("http://127.0.0.1:8501/nowhere", "nowhere"),
        ("http://127.0.0.1:8501/caf%C3%A9", "café"),
        ("http://127.0.0.1:8501/%20", ""),
        ("http://127.0.0.1:8501/a%2Fb", "b"),
        (None, ""),
    ],
)
def test_unknown_page_is_what_the_address_names_and_is_no_step(monkeypatch, url, page):
    monkeypatch.setattr(navigation.st, "context", SimpleNamespace(url=url))
    assert navigation.unknown_page() == page


def test_there_is_a_page_for_an_unknown_address_and_only_then(monkeypatch):
    monkeypatch.setattr(navigation.st, "Page", lambda file, url_path=None, **look: (file, url_path))
    steps = [(step.file, None) for step in navigation.STEPS.values()]
    for url, more in (("http://us/images", []), ("http://us/nowhere", [("elsewhere.py", "nowhere")])):
        monkeypatch.setattr(navigation.st, "context", SimpleNamespace(url=url))
        assert navigation.pages() == steps + more
