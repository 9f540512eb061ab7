"""Spelling: which names of classes look like one name, written in two ways."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

SHORTEST = 5  # letters; in shorter words one letter makes another word, as in cat and bat
SAME = 0.84  # of two words; one letter in seven is another, or one in five is missing
CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
WORD = re.compile(r"[^\W\d_]+")
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class _Name:
    label: str
    words: tuple[str, ...]
    joined: str
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, label: str) -> "_Name":
        words = tuple(word.casefold() for word in WORD.findall(CAMEL.sub(" ", label)))
        return cls(label, words, "".join(words), tuple(NUMBER.findall(label)))


def misspelled(labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Finds names that look like a later one: by case, spaces, plural, or a letter wrong in a longer word.

    Names with different numbers, and words that begin differently, are different.

    Args:
        labels: Names of classes, those of the smallest classes first.

    Yields:
        A name and the one that it may have been meant to be.
    """
    alike: dict[tuple[object, ...], list[_Name]] = defaultdict(list)
    for name in map(_Name.of, labels):
        if name.words:
            alike[(name.words[0][0], name.numbers)].append(name)
    for names in alike.values():
        for index, name in enumerate(names):
            other = next((other for other in reversed(names[index + 1 :]) if _look_alike(name, other)), None)
            if other:
                yield name.label, other.label


def _look_alike(name: _Name, other: _Name) -> bool:
    if name.joined == other.joined:
        return True
    if abs(len(name.joined) - len(other.joined)) > 2 or len(name.words) != len(other.words):
        return False
    different = [pair for pair in zip(name.words, other.words, strict=True) if pair[0] != pair[1]]
    return len(different) == 1 and (_is_plural(*different[0]) or _is_slip(*different[0]))


def _is_plural(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    many = {short + "s", short + "es", short[:-1] + "ies" if short.endswith("y") else short + "s"}
    return len(short) > 2 and long in many


def _is_slip(word: str, other: str) -> bool:
    """Whether a letter is wrong, missing or too many, or two have changed places."""
    if min(len(word), len(other)) < SHORTEST or abs(len(word) - len(other)) > 1 or word[0] != other[0]:
        return False
    half = min(len(word), len(other)) // 2
    if word[:half] != other[:half] and word[-half:] != other[-half:]:
        return False
    if len(word) > SHORTEST and sorted(word) == sorted(other):
        return True
    return SequenceMatcher(None, word, other, autojunk=False).ratio() >= SAME
