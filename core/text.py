"""The words a user reads: English in the source, other languages from `core/locales`, numbers by Babel."""

import gettext
import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = {"en": "English", "es": "Español"}
DEFAULT_LANGUAGE = "en"


def _default_language() -> str:
    return DEFAULT_LANGUAGE


_language_source: Callable[[], str] = _default_language


def set_language_source(source: Callable[[], str]) -> None:
    """Says where the language of the present reader comes from; called at every look-up.

    Args:
        source: Returns a key of `LANGUAGES`. Streamlit reruns fragments in threads of their own, which is why this
            is a question asked each time and not a variable set once.
    """
    global _language_source
    _language_source = source


def language() -> str:
    """Returns the language of the present reader, a key of `LANGUAGES`."""
    return _language_source()


def closest_language(locale: str | None) -> str:
    """Returns the offered language for a browser's locale such as `es-MX`, English where none fits."""
    code = (locale or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else DEFAULT_LANGUAGE


@cache
def _translations(code: str) -> gettext.NullTranslations:
    path = LOCALES / code / "LC_MESSAGES" / "headstart.po"
    if code == DEFAULT_LANGUAGE or not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalog = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _(message: str, **values: object) -> str:
    """Translates `message` for the present reader and fills its `{name}` places with `values`."""
    text = _translations(language()).gettext(message)
    return text.format(**values) if values else text


def ngettext(singular: str, plural: str, count: int, **values: object) -> str:
    """Translates a message that depends on `count`, which also fills the place `{count}`, grouped by thousands."""
    text = _translations(language()).ngettext(singular, plural, count)
    return text.format(count=number(count), **values)


def N_(message: str) -> str:  # noqa: N802 (gettext's own name)
    """Marks a message for extraction where it is defined; it is translated where it is shown."""
    return message


def number(value: float, digits: int = 0) -> str:
    """Writes a number the reader's way: 14,764,866 in English, 14.764.866 in Spanish."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=language(), decimal_quantization=True)


def percent(share: float, digits: int = 0) -> str:
    """Writes a share from 0 to 1 as a percentage, the reader's way."""
    pattern = "0" + ("." + "0" * digits if digits else "") + "%"
    if language() == "es":
        pattern = pattern.replace("%", "\N{NO-BREAK SPACE}%")
    return format_percent(share, format=pattern, locale=language())


def shortened(name: str, most: int) -> str:
    """Cuts out the middle of a name that is longer than `most` letters: its ending often tells it from the others."""
    if len(name) <= most:
        return name
    end = most // 2
    return name[: most - 1 - end] + "…" + name[-end:]


def listing(parts: Sequence[str]) -> str:
    """Joins parts of a sentence the reader's way, with “and” before the last."""
    return format_list(list(parts), locale=language())
