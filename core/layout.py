"""Layout: which class and which split a file's path means, and which files nobody chose on purpose."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from core.dataset import TEST, TRAIN, VALIDATION
from core.pictures import SUFFIXES

SPLIT_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
LEFTOVERS = {"__macosx", "thumbs.db", "desktop.ini"}
MAX_LABEL_LENGTH = 100
_DRIVE = re.compile(r"[A-Za-z]:")
# Control characters, halves of letters, breaks of lines and paragraphs.
_UNSHOWN_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Those that turn the direction of what follows, and those that take no room: two names that look alike are alike. The
# joiners stay, without which Persian, Hindi and families of emoji fall apart.
_UNSHOWN = {*"\u00ad\u061c\u180e\u200b\u2060\ufeff", *map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])}

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What a path means; `split` is None where the folders do not say."""

    label: str
    split: str | None = None


def find_places(paths: Iterable[str], own_name: str | None = None) -> list[Place | None]:
    """Says for each path, relative and with `/`, which class and split it means; None when it lies in no class folder.

    Folders around everything are passed over; `train`, `val`, `test` and their like become the split, the next folder
    the class. A folder that holds pictures directly is a class itself.

    Args:
        paths: All files that were chosen together.
        own_name: Name of the folder in which `paths` begin; it becomes the class when the pictures lie right there.
    """
    split_up = [tuple(path.split("/")) for path in paths]
    pictures = [parts for parts in split_up if parts[-1].lower().endswith(SUFFIXES)] or split_up
    if own_name and _is_class_folder(pictures, 0):
        return [_place(own_name)] * len(split_up)
    depth = 0
    while _lie_in_one_folder(pictures, depth) and not _is_class_folder(pictures, depth + 1):
        depth += 1
    with_splits = _has_splits(pictures, depth)
    around = pictures[0][:depth] if pictures else ()
    return [_meaning(parts[depth:], with_splits) if parts[:depth] == around else None for parts in split_up]


def _lie_in_one_folder(pictures: list[Parts], depth: int) -> bool:
    """Whether, below `depth`, everything lies in the same folder, and that does not name a split."""
    firsts = {parts[depth] if len(parts) > depth + 1 else "" for parts in pictures}
    return len(firsts) == 1 and "" not in firsts and firsts.pop().lower() not in SPLIT_FOLDERS


def _has_splits(pictures: list[Parts], depth: int) -> bool:
    """Whether folders at `depth` are splits: one that is called so holds folders, or all are called so.

    With `test` beside `control` and pictures right inside, `test` is a class like any other.
    """
    folders = {parts[depth] for parts in pictures if len(parts) > depth + 1}
    holding = {parts[depth] for parts in pictures if len(parts) > depth + 2}
    called = {folder for folder in folders if folder.lower() in SPLIT_FOLDERS}
    return bool(called & holding) or (bool(called) and called == folders)


def _is_class_folder(pictures: list[Parts], depth: int) -> bool:
    """Whether the folder at `depth`, in which everything lies, is a class: most pictures lie in it directly.

    A few loose pictures beside class folders do not make it one.
    """
    folders = [parts[depth] for parts in pictures if len(parts) > depth + 1]
    if _has_splits(pictures, depth):
        return False
    num_loose = len(pictures) - len(folders)
    return num_loose > 0 and (len(set(folders)) < 2 or num_loose > len(folders))


def _meaning(parts: Parts, with_splits: bool) -> Place | None:
    split = SPLIT_FOLDERS.get(parts[0].lower()) if with_splits and len(parts) > 1 else None
    folders = parts[1 if split else 0 : -1]
    return _place(folders[0], split) if folders else None


def _place(name: str, split: str | None = None) -> Place | None:
    label = clean_label(name)
    return Place(label, split) if label else None


def clean_label(name: str) -> str:
    """Returns a folder's name as that of a class: as `clean_name`, on one line, at most 100 characters.

    It is empty where nothing of the name can be seen.
    """
    label = " ".join(clean_name(name).split())[:MAX_LABEL_LENGTH].strip()
    return label if any(letter.isprintable() and letter != " " for letter in label) else ""


def clean_name(name: str) -> str:
    """Returns a path as text that can be stored and shown: composed letters, and none that are not seen."""
    return unicodedata.normalize("NFC", "".join(letter for letter in name if not _is_unshown(letter)))


def _is_unshown(letter: str) -> bool:
    return letter in _UNSHOWN or unicodedata.category(letter) in _UNSHOWN_CATEGORIES


def tidy_path(path: str) -> str:
    """Returns a path with `/`, without steps that lead nowhere, as in `./cats//1.jpg`; one from the root stays so."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return ("/" if path.startswith(("/", "\\")) else "") + "/".join(parts)


def is_leftover(path: str) -> bool:
    """Whether a file was left by the operating system or is hidden: nobody chose it, so nobody misses it."""
    return any(part.startswith(".") or part.lower() in LEFTOVERS for part in path.split("/"))


def climbs_out(path: str) -> bool:
    """Whether a path leads out of the folder or zip in which it stands."""
    return path.startswith("/") or _DRIVE.match(path) is not None or ".." in path.split("/")
