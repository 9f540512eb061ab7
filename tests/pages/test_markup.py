import pytest

from core.ui.markup import plain
from tests.pages.reader import go_through, texts


@pytest.mark.parametrize("text", ["*a*", "_a_", "[a](b)", "<b>", "`a`", "$a$", "# a", "~~a~~", "|"])
def test_markdown_is_escaped(text):
    shown = plain(text)
    assert shown.replace("\\", "") == text
    assert all(shown[shown.index(mark) - 1] == "\\" for mark in text if not mark.isalnum() and mark != " ")


def test_short_codes_of_icons_and_emoji_are_broken():
    assert ":smile:" not in plain(":smile:").replace("\\", "")


def test_lines_become_one():
    assert plain("a\n# b") == "a \\# b"


def test_letters_of_any_language_stay():
    assert plain("Ñandú 雪") == "Ñandú 雪"


def test_names_of_classes_projects_and_runs_are_text_on_every_page(workspace, filled, finished):
    seen = ""
    for name, app in go_through(project=filled.id, run=finished.id, lang="en"):
        widgets = [one.label for kind in ("button", "checkbox", "toggle", "expander") for one in getattr(app, kind)]
        shown = "\n".join([texts(app), *widgets])
        for markup in ("*bold*", ":smile:", "<b>bees", "*try*", "[file]"):
            assert markup not in shown, (name, markup)
        seen += shown
    assert plain("bee *bold* :smile:") in seen and plain("<b>bees</b>") in seen
