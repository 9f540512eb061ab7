"""core.errors: a sentence built from its values, in English and in the reader's language."""

import pytest

from core import errors
from core.errors import AppError


class TooFewError(AppError):
    sentence = "“{label}” has {count} pictures, but 2 are needed. Add some."


def test_error_builds_its_sentence_from_its_values():
    assert str(TooFewError(label="ants", count=1)) == "“ants” has 1 pictures, but 2 are needed. Add some."


def test_error_keeps_sentence_and_values_apart():
    error = TooFewError(label="ants", count=1)
    assert error.values == {"label": "ants", "count": 1}
    assert error.sentence == TooFewError.sentence


def test_error_is_shown_in_the_readers_language_while_logs_stay_english(monkeypatch):
    spanish = {TooFewError.sentence: "«{label}» tiene {count} imágenes."}
    monkeypatch.setattr(errors, "_", lambda message, **values: spanish[message].format(**values))
    error = TooFewError(label="hormigas", count=1)
    assert error.shown() == "«hormigas» tiene 1 imágenes."
    assert str(error).startswith("“hormigas” has 1 pictures")


def test_value_with_braces_is_shown_as_it_is():
    assert "“{count}” has 1" in TooFewError(label="{count}", count=1).shown()


def test_forgotten_value_is_noticed_where_the_error_is_raised():
    with pytest.raises(KeyError, match="count"):
        TooFewError(label="ants")


def test_error_without_a_sentence_of_its_own_is_still_calm():
    assert str(AppError()) == "Something went wrong. Try again."
