import pytest

from core.ui.markup import plain


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
