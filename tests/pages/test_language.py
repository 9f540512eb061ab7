import pytest

from core import text
from core.ui import state
from core.ui.navigation import STEPS
from core.ui.state import Key
from tests.pages.reader import open_page, parameter


@pytest.fixture
def spanish(monkeypatch):
    monkeypatch.setattr("core.text._language_source", lambda: "es")


def test_the_switch_puts_the_language_into_the_address(workspace):
    app = open_page("projects")
    app.segmented_control(key=Key.LANGUAGE).set_value("es").run()
    assert parameter(app, "lang") == "es"
    assert not app.exception


def test_the_title_is_in_the_chosen_language(workspace, language, monkeypatch):
    app = open_page("images", lang=language)
    monkeypatch.setattr("core.text._language_source", lambda: language)
    assert app.title[0].value == text._(STEPS["images"].title)


def test_an_unknown_language_in_the_address_is_passed_over(workspace):
    open_page("projects", lang="xx")


def test_outside_a_page_the_language_is_the_default():
    assert state.language() == text.DEFAULT_LANGUAGE
