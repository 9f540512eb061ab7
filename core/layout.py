"""Layout: which class and which split a file's path means, and which files nobody chose on purpose."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
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
Folders = Mapping[Parts, int]  # pictures right in a folder


@dataclass(frozen=True)
class Place:
    """What a path means; `split` is None where the folders do not say."""

    label: str
    split: str | None = None


@dataclass(frozen=True)
class Layout:
    """How the folders of files that were chosen together are to be read.

    Attributes:
        around: Folders around everything, which are passed over.
        with_splits: Whether the next folders are splits.
        only: The class of everything, where that is known.
    """

    around: Parts = ()
    with_splits: bool = False
    only: Place | None = None

    def place(self, path: str) -> Place | None:
        """Says which class and split a file means, by its path, relative and with `/`; None: no class."""
        if self.only:
            return self.only
        parts, depth = tuple(path.split("/")), len(self.around)
        return _meaning(parts[depth:], self.with_splits) if parts[:depth] == self.around else None


def lay_out(pictures: Mapping[str, int], own_name: str | None = None) -> Layout:
    """Finds out how folders are to be read.

    Folders around everything are passed over; `train`, `val`, `test` and their like become the split, the next folder
    the class. A folder that holds pictures directly is a class itself.

    Args:
        pictures: How many pictures lie right in each folder; `""` is where the paths begin.
        own_name: Name of the folder in which the paths begin; it becomes the class when the pictures lie right there.
    """
    folders = {tuple(folder.split("/")) if folder else (): count for folder, count in pictures.items()}
    if not folders:
        return Layout()
    if own_name and _is_class_folder(folders, 0):
        return Layout(only=_place(own_name))
    depth = 0
    while _lie_in_one_folder(folders, depth) and not _is_class_folder(folders, depth + 1):
        depth += 1
    return Layout(next(iter(folders))[:depth], _has_splits(folders, depth))


def _lie_in_one_folder(folders: Folders, depth: int) -> bool:
    """Whether, below `depth`, everything lies in the same folder, and that does not name a split."""
    firsts = {parts[depth] if len(parts) > depth else "" for parts in folders}
    return len(firsts) == 1 and "" not in firsts and firsts.pop().lower() not in SPLIT_FOLDERS


def _has_splits(folders: Folders, depth: int) -> bool:
    """Whether folders at `depth` are splits: one that is called so holds folders, or all are called so.

    With `test` beside `control` and pictures right inside, `test` is a class like any other.
    """
    names = {parts[depth] for parts in folders if len(parts) > depth}
    holding = {parts[depth] for parts in folders if len(parts) > depth + 1}
    called = {name for name in names if name.lower() in SPLIT_FOLDERS}
    return bool(called & holding) or (bool(called) and called == names)


def _is_class_folder(folders: Folders, depth: int) -> bool:
    """Whether the folder at `depth`, in which everything lies, is a class: most pictures lie in it directly.

    A few loose pictures beside class folders do not make it one.
    """
    if _has_splits(folders, depth):
        return False
    below = {parts[depth] for parts in folders if len(parts) > depth}
    num_loose = sum(count for parts, count in folders.items() if len(parts) <= depth)
    num_below = sum(folders.values()) - num_loose
    return num_loose > 0 and (len(below) < 2 or num_loose > num_below)


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
    if name.isascii() and name.isprintable():
        return name  # as most are, and an intake asks for hundreds of thousands
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
