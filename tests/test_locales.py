"""Every text that a reader sees is translated into every language, whole, with its places; none is made in a script."""

import ast
import re
import string

import pytest
from babel.messages.catalog import Catalog, Message

from core.text import DEFAULT_LANGUAGE, LANGUAGES
from scripts import words

OTHERS = [code for code in LANGUAGES if code != DEFAULT_LANGUAGE]
SOURCE = words.collect()
ADVICE = "run `make words`, translate what is empty in the .po file, and remove “fuzzy” where the text is right"


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (text,)


def places(text: str) -> set[str]:
    """The names between braces; text that `format` would choke on raises ValueError."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def wrong_places(message: Message) -> bool:
    """Whether a translation has other places than the original; a form for one may write the count out or not."""
    originals, translations = forms(message.id), forms(message.string)
    if not all(translations):
        return False
    every = set.union(*map(places, originals))
    exact = [places(text) == places(originals[-1]) for text in translations[len(originals) - 1 :]]
    return not all(exact) or any(places(text) - every for text in translations)


def problems(source: Catalog, translated: Catalog) -> dict[str, list[str]]:
    """What keeps `translated` from being a whole translation of `source`, message by message."""
    ids = {forms(message.id) for message in source if message.id}
    theirs = {forms(message.id): message for message in translated if message.id}
    found = {
        "missing": [key[0] for key in ids if key not in theirs],
        "empty": [key[0] for key, message in theirs.items() if not words.is_translated(message.string)],
        "fuzzy": [key[0] for key, message in theirs.items() if message.fuzzy],
        "no longer used": [key[0] for key in theirs if key not in ids] + [str(key) for key in translated.obsolete],
        "other places": [key[0] for key, message in theirs.items() if wrong_places(message)],
    }
    return {name: sorted(messages) for name, messages in found.items() if messages}


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language):
    assert problems(SOURCE, words.read(language)) == {}, ADVICE


def test_template_is_up_to_date():
    template = words.TEMPLATE
    assert template.exists(), ADVICE
    with template.open("rb") as file:
        there = words.read_po(file)
    assert {forms(message.id) for message in there} == {forms(message.id) for message in SOURCE}, ADVICE


def test_messages_are_found_in_pages_core_and_errors():
    assert "Something went wrong. Try again." in SOURCE
    assert any("pages/" in path for message in SOURCE for path, _line in message.locations)
    assert any(isinstance(message.id, tuple) for message in SOURCE)


def test_places_of_a_message_have_plain_names():
    texts = [text for message in SOURCE for text in forms(message.id) if text]
    assert [text for text in texts if not all(name.isidentifier() for name in places(text))] == []


def calls_with_made_up_text(source: str) -> list[int]:
    """The lines where a text is put together before it is looked up: no translator could ever find it."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in words.KEYWORDS]
    made_up = ast.JoinedStr | ast.BinOp
    return [call.lineno for call in ours if any(isinstance(argument, made_up) for argument in call.args[:2])]


def test_no_text_is_put_together_before_it_is_looked_up():
    found = {str(path): calls_with_made_up_text(path.read_text(encoding="utf-8")) for path in words.source_files()}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("source", ['_(f"{name} is here")', '_("a" + word)', 'ngettext("%d" % count, "b", count)'])
def test_text_put_together_is_noticed(source):
    assert calls_with_made_up_text(source) == [1]


def catalog(*entries: tuple, fuzzy: bool = False) -> Catalog:
    made = Catalog(locale="es", fuzzy=False)
    for text, translation in entries:
        made.add(text, translation, flags=["fuzzy"] if fuzzy else [])
    return made


PLURAL = ("{count} picture in {place}", "{count} pictures in {place}")


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([], "missing"),
        ([("Stop {name}", "")], "empty"),
        ([("Stop {name}", "Detener")], "other places"),
        ([("Stop {name}", "Detener {nombre}")], "other places"),
        ([("Stop {name}", "Detener {name}"), ("Old", "Viejo")], "no longer used"),
    ],
)
def test_translation_that_is_not_whole_is_noticed(entries, problem):
    assert list(problems(catalog(("Stop {name}", "")), catalog(*entries))) == [problem]


def test_fuzzy_translation_is_noticed():
    fuzzy = catalog(("Stop", "Detener"), fuzzy=True)
    assert list(problems(catalog(("Stop", "")), fuzzy)) == ["fuzzy"]


@pytest.mark.parametrize(
    ("translations", "expected"),
    [
        (("Una imagen en {place}", "{count} imágenes en {place}"), []),
        (("{count} imagen en {place}", "imágenes en {place}"), ["other places"]),
        (("{count} imagen en {lugar}", "{count} imágenes en {place}"), ["other places"]),
        (("{count} imagen en {place}", ""), ["empty"]),
    ],
)
def test_each_form_of_a_counted_message_is_looked_at(translations, expected):
    assert list(problems(catalog((PLURAL, ("", ""))), catalog((PLURAL, translations)))) == expected


def test_whole_translation_passes():
    assert problems(catalog(("Stop {name}", "")), catalog(("Stop {name}", "Detener {name}"))) == {}


@pytest.fixture
def locales(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "LOCALES", tmp_path)
    monkeypatch.setattr(words, "TEMPLATE", tmp_path / "headstart.pot")
    monkeypatch.setattr(words, "ROOT", tmp_path)
    (tmp_path / "app.py").write_text('_("Stop {name}")\nngettext("{count} run", "{count} runs", 2)\n', encoding="utf-8")
    return tmp_path


def test_collecting_again_keeps_translations_and_changes_nothing(locales):
    words.main()
    first = words.po_path("es").read_text(encoding="utf-8")
    assert list(problems(words.collect(), words.read("es"))) == ["empty"]
    filled = first.replace('msgid "Stop {name}"\nmsgstr ""', 'msgid "Stop {name}"\nmsgstr "Detener {name}"')
    words.po_path("es").write_text(filled, encoding="utf-8")
    for _time in range(2):
        words.main()
        assert words.po_path("es").read_text(encoding="utf-8") == filled != first


def test_collecting_drops_what_is_no_longer_said_and_guesses_nothing(locales):
    words.main()
    (locales / "app.py").write_text('_("Stop {name} now")\n', encoding="utf-8")
    words.main()
    text = words.po_path("es").read_text(encoding="utf-8")
    assert "{count} run" not in text
    assert "fuzzy" not in text
    assert 'msgid "Stop {name} now"\nmsgstr ""' in text


# Scripts of our components are handed their words by Python, where translators find them.
WORDS_IN_A_SCRIPT = re.compile(
    r"""(?:textContent|innerText|title|placeholder|alt)\s*=\s*["'`][^\W\d_]|["'`][A-Z][a-z]+[ ,.!?][^"'`\n]*["'`]"""
)


def own_words(script: str) -> list[str]:
    return WORDS_IN_A_SCRIPT.findall(re.sub(r"^\s*(//|\*|/\*).*", "", script, flags=re.MULTILINE))


def test_scripts_hold_no_words_of_their_own():
    scripts = sorted((words.ROOT / "core").rglob("*.js"))
    assert scripts
    found = {path.name: own_words(path.read_text(encoding="utf-8")) for path in scripts}
    assert {name: spoken for name, spoken in found.items() if spoken} == {}


@pytest.mark.parametrize(
    "line", ['part.textContent = "done"', "title='Zoom'", 'say("Drop a folder here")', "`Well done.`"]
)
def test_words_in_a_script_are_noticed(line):
    assert own_words(line)


@pytest.mark.parametrize(
    "line", ['part.textContent = "";', "// Says “Drop it”: 'Drop a folder'", 'name = "xaxis range"']
)
def test_what_no_reader_sees_is_left_alone(line):
    assert own_words(line) == []


def literal_messages(path):
    """First arguments of `_`, `N_` and `ngettext` that stand there as text, wherever in the syntax they stand."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in words.KEYWORDS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def test_collecting_misses_no_message_within_an_f_string():
    collected = {message.id if isinstance(message.id, str) else message.id[0] for message in words.collect()}
    missed = {(path.name, text) for path in words.source_files() for text in literal_messages(path)}
    assert {(name, text) for name, text in missed if text not in collected} == set()
