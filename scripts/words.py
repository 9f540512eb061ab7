"""Collects the texts that a reader sees, for translators: `make words` writes a template and updates each language."""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from core.text import DEFAULT_LANGUAGE, LANGUAGES, LOCALES

ROOT = Path(__file__).parents[1]
SOURCES = ("app.py", "core", "pages")
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
TEMPLATE = LOCALES / "headstart.pot"
HEADER = "# Texts of Headstart; `make words` collects them from the source."
# Header fields that change from run to run, or that nobody here fills in.
UNUSED_FIELDS = ("POT-", "PO-", "Generated-By", "Report-", "Last-Translator", "Language-Team", "Project-Id-Version")


def source_files() -> list[Path]:
    """Returns every Python file whose texts a reader may see."""
    found = [path for name in SOURCES for path in [ROOT / name, *(ROOT / name).rglob("*.py")] if path.is_file()]
    return sorted(found)


def messages(path: Path) -> Iterator[tuple[str | tuple[str, ...], list[str]]]:
    """Yields the messages of one file, a pair for a counted one, with the comments for translators above them."""
    with path.open("rb") as file:
        for _line, message, comments, _context in extract("python", file, KEYWORDS, ("Translators:",)):
            yield message, comments


def collect() -> Catalog:
    """Returns all messages of the source, each with the files it comes from."""
    # No line numbers and no dates: they would change with every commit and say nothing to a translator.
    catalog = Catalog(header_comment=HEADER, fuzzy=False)
    for path in source_files():
        for message, comments in messages(path):
            location = (path.relative_to(ROOT).as_posix(), 0)
            catalog.add(message, locations=[location], auto_comments=comments)
    return catalog


def po_path(language: str) -> Path:
    """Where the translations into `language` lie."""
    return LOCALES / language / "LC_MESSAGES" / "headstart.po"


def read(language: str) -> Catalog:
    """Reads the translations into `language`; an empty catalog where there are none yet."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, header_comment=HEADER, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    """Returns the translations with new messages empty, old ones gone, and nothing guessed from a similar one."""
    catalog = read(language)
    catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def write(path: Path, catalog: Catalog) -> None:
    """Writes a catalog so that two runs on the same texts write the same."""
    text = io.BytesIO()
    write_po(text, catalog, width=100, include_lineno=False, sort_by_file=True)
    unused = tuple(f'"{field}' for field in UNUSED_FIELDS)
    lines = text.getvalue().decode("utf-8").splitlines(keepends=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line for line in lines if not line.startswith(unused)), encoding="utf-8")


def main() -> None:
    """Writes the template and every language's file, and says what is left to translate."""
    template = collect()
    write(TEMPLATE, template)
    for language in LANGUAGES:
        if language == DEFAULT_LANGUAGE:
            continue
        catalog = updated(language, template)
        write(po_path(language), catalog)
        empty = sum(bool(message.id) and not is_translated(message.string) for message in catalog)
        print(f"{po_path(language).relative_to(ROOT)}: {len(catalog)} texts, {empty} to translate")


def is_translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    """Whether a translation has text, in each of its forms where it has several."""
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    main()
