"""core.text: languages, places in sentences, numbers the reader's way."""

import shutil

import pytest

from core import text
from core.text import N_, _, closest_language, listing, ngettext, number, percent

SPANISH = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Train {name} now"
msgstr "Entrenar {name} ahora"

#, fuzzy
msgid "Stop"
msgstr "Detener"

msgid "{count} picture in {place}"
msgid_plural "{count} pictures in {place}"
msgstr[0] "{count} imagen en {place}"
msgstr[1] "{count} imágenes en {place}"
"""


@pytest.fixture
def speak(tmp_path, monkeypatch):
    """Makes the reader's language a given one, with the few Spanish words above."""
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "headstart.po").write_text(SPANISH, encoding="utf-8")
    monkeypatch.setattr(text, "LOCALES", tmp_path)
    monkeypatch.setattr(text, "_language_source", lambda: "en")
    text._translations.cache_clear()
    yield lambda code: text.set_language_source(lambda: code)
    text._translations.cache_clear()


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        ("es", "es"),
        ("es-MX", "es"),
        ("es_419", "es"),
        ("ES-es", "es"),
        ("en-GB", "en"),
        ("fr-FR", "en"),
        ("est-EE", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_browser_locale_finds_the_closest_language(locale, code):
    assert closest_language(locale) == code


def test_message_is_translated_and_its_places_filled(speak):
    assert _("Train {name} now", name="ants") == "Train ants now"
    speak("es")
    assert _("Train {name} now", name="ants") == "Entrenar ants ahora"


def test_value_with_braces_is_not_filled_again(speak):
    assert _("Train {name} now", name="{name}") == "Train {name} now"


def test_message_without_values_may_hold_braces(speak):
    assert _("A place looks like {this}") == "A place looks like {this}"


def test_message_without_translation_stays_english(speak):
    speak("es")
    assert _("Nobody translated this") == "Nobody translated this"


def test_translation_marked_as_fuzzy_is_not_shown(speak):
    speak("es")
    assert _("Stop") == "Stop"


def test_language_without_a_file_stays_english(speak, tmp_path):
    shutil.rmtree(tmp_path / "es")
    speak("es")
    assert _("Train {name} now", name="ants") == "Train ants now"


def test_language_is_asked_anew_at_every_look_up(speak):
    codes = iter(["es", "en"])
    text.set_language_source(lambda: next(codes))
    assert [_("Train {name} now", name="x") for _time in range(2)] == ["Entrenar x ahora", "Train x now"]


@pytest.mark.parametrize(
    ("code", "count", "sentence"),
    [
        ("en", 1, "1 picture in ants"),
        ("en", 0, "0 pictures in ants"),
        ("en", 20000, "20,000 pictures in ants"),
        ("es", 1, "1 imagen en ants"),
        ("es", 20000, "20.000 imágenes en ants"),
    ],
)
def test_counted_message_takes_its_form_and_groups_the_count(speak, code, count, sentence):
    speak(code)
    assert ngettext("{count} picture in {place}", "{count} pictures in {place}", count, place="ants") == sentence


def test_marking_changes_nothing():
    assert N_("Train {name} now") == "Train {name} now"


@pytest.mark.parametrize(
    ("code", "value", "digits", "written"),
    [
        ("en", 14764866, 0, "14,764,866"),
        ("es", 14764866, 0, "14.764.866"),
        ("en", 0.126, 2, "0.13"),
        ("es", 0.126, 2, "0,13"),
        ("en", 3, 1, "3.0"),
        ("en", -1234.5, 1, "-1,234.5"),
    ],
)
def test_number_is_written_the_readers_way(speak, code, value, digits, written):
    speak(code)
    assert number(value, digits) == written


@pytest.mark.parametrize(
    ("code", "share", "digits", "written"),
    [
        ("en", 0.5, 0, "50%"),
        ("en", 1, 0, "100%"),
        ("en", 0.1234, 1, "12.3%"),
        ("es", 0.1234, 1, "12,3\N{NO-BREAK SPACE}%"),
    ],
)
def test_share_is_written_as_a_percentage(speak, code, share, digits, written):
    speak(code)
    assert percent(share, digits) == written


@pytest.mark.parametrize(("code", "expected"), [("en", "one, two, and three"), ("es", "one, two y three")])
def test_parts_are_joined_the_readers_way(monkeypatch, code, expected):
    monkeypatch.setattr(text, "_language_source", lambda: code)
    assert listing(["one"]) == "one"
    assert listing(["one", "two", "three"]) == expected


def test_a_short_name_is_shown_whole():
    assert text.shortened("bees/0013035.jpg", 16) == "bees/0013035.jpg"


@pytest.mark.parametrize(("most", "short"), [(16, "IMG_202…copy.jpg"), (15, "IMG_202…opy.jpg")])
def test_a_long_name_keeps_its_beginning_and_its_end(most, short):
    assert text.shortened("IMG_20260711_153012 (2) copy.jpg", most) == short
    assert len(short) == most
