"""Soundness: whether values that came from elsewhere are such as Headstart writes, one by one."""

import base64
import json
import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.curation import SENTENCES
from core.finding import KINDS
from core.layout import SPLITS, clean_label
from core.likeness import LENGTH_BYTES
from core.projects import MAX_NAME_LENGTH
from core.runs import State
from core.saved.parcel import COLUMNS, FORMAT, ID, PICTURE, BadParcelError, renumbered

MAX_TEXT = 1000
MAX_NUMBER = 2**53
MAX_RUNS = 10_000
MAX_PATH = 5_000
MAX_SIDE = 1_000_000
SHA256 = re.compile(r"[0-9a-f]{64}")


class UnsoundError(Exception):
    """What came is not what Headstart writes."""


def require(holds: bool) -> None:
    """Ends the reading of what does not hold up.

    Raises:
        UnsoundError: It does not.
    """
    if not holds:
        raise UnsoundError


def is_text(value: object, *, most: int = MAX_TEXT) -> bool:
    """Whether it is a text of a sensible length that a database and a page can take."""
    if not isinstance(value, str) or len(value) > most:
        return False
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def is_number(value: object, least: float = -MAX_NUMBER, most: float = MAX_NUMBER) -> bool:
    """Whether it is a number within bounds, and neither infinite nor none at all."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def is_count(value: object, most: int = MAX_NUMBER) -> bool:
    """Whether it is a whole number from 0 on."""
    return isinstance(value, int) and is_number(value, 0, most)


def is_sentence(sentence: object, values: object) -> bool:
    """Whether a sentence can be filled with its values, each as it is: no place asks for a part or a width of one."""
    if not (is_text(sentence) and isinstance(values, dict)):
        return False
    if not all(name.isidentifier() and name != "message" and _is_simple(value) for name, value in values.items()):
        return False
    try:
        places = [place[1:] for place in string.Formatter().parse(str(sentence)) if place[1] is not None]
    except ValueError:
        return False
    return all(name in values and not form and not turned for name, form, turned in places)


def _is_simple(value: object) -> bool:
    return value is None or isinstance(value, bool) or is_number(value) or is_text(value)


def checked_path(name: str, project_id: str) -> str:
    """Returns the path of a picture in the workspace.

    Raises:
        UnsoundError: No picture of a project is called so.
    """
    require(PICTURE.fullmatch(name) is not None)
    return f"projects/{project_id}/{name}"


def checked_state(value: object) -> State:
    """Returns a run's state; one that was not over when it was written down broke off since."""
    try:
        state = State(str(value))
    except ValueError:
        return State.LOST
    return state if state.is_over else State.LOST


@contextmanager
def told_as(part: str) -> Iterator[None]:
    """Says of which part of the file it is that something does not hold up.

    Raises:
        BadParcelError: It does not.
    """
    try:
        yield
    except (UnsoundError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise BadParcelError(part=part) from error


def project(manifest: dict[str, Any]) -> dict[str, Any]:
    """Returns id, name and time of the project."""
    require(manifest["format"] == FORMAT)
    told = manifest["project"]
    require(ID.fullmatch(told["id"]) is not None and is_number(told["created"]))
    require(is_text(told["name"], most=MAX_NAME_LENGTH) and told["name"] == " ".join(told["name"].split()) != "")
    return told


def runs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns id, name, time and state of each run."""
    told = manifest["runs"]
    require(isinstance(told, list) and len(told) <= MAX_RUNS)
    require(all(ID.fullmatch(run["id"]) is not None and is_number(run["created"]) for run in told))
    require(all(is_text(run["name"]) and is_text(run["state"]) for run in told))
    require(len({run["id"] for run in told}) == len(told))
    return told


def image(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the row of a picture, or of a file that was set aside, value by value."""
    is_kept = row["file"] is not None
    require(is_text(row["name"], most=MAX_PATH) and is_count(row["size_bytes"]))
    require(row["split"] is None or row["split"] in SPLITS)
    require(is_kept == (row["problem"] is None))
    if is_kept:
        require(PICTURE.fullmatch(row["file"]) is not None and bool(row["label"]))
        require(is_count(row["width"], MAX_SIDE) and is_count(row["height"], MAX_SIDE))
    else:
        problem = json.loads(row["problem"])
        require(is_sentence(problem["sentence"], problem["values"]))
    for name, is_sound in OPTIONAL.items():
        require(row[name] is None or is_sound(row[name]))
    likeness = None
    if row["likeness"] is not None:
        likeness = base64.b64decode(row["likeness"], validate=True)
        require(len(likeness) == LENGTH_BYTES)
    return {name: row[name] for name in COLUMNS} | {"likeness": likeness}


def change(row: dict[str, Any], numbers: dict[int, int]) -> tuple[float, str, str, str | None]:
    """Returns what was done to pictures, with the numbers that they have now."""
    told, before = json.loads(row["sentence"]), json.loads(row["before"])
    require(is_number(row["made"]) and is_count(told["num_images"]) and told.keys() == {"kind", "num_images", "names"})
    require(all(is_text(name) for name in told["names"].values()))
    SENTENCES[told["kind"]](told["num_images"], **told["names"])  # or it cannot be told
    states = {}
    for number, (label, split, removed) in before.items():
        require(label is None or is_text(label))
        require(split is None or split in SPLITS)
        require(removed is None or is_number(removed))
        if int(number) in numbers:
            states[numbers[int(number)]] = [label, split, removed]
    kept = None if row["fine"] is None else json.dumps(fine(json.loads(row["fine"]), numbers), ensure_ascii=False)
    return row["made"], json.dumps(told, ensure_ascii=False), json.dumps(states, ensure_ascii=False), kept


def fine(told: Any, numbers: dict[int, int]) -> list[tuple[str, str]]:
    """Returns what was said to be fine, with the numbers that pictures have now."""
    require(isinstance(told, list))
    found = {}
    for kind, subject in told:
        require(kind in KINDS and is_text(subject))
        if KINDS[kind].one is None or int(subject.partition(" ")[0]) in numbers:
            found[kind, renumbered(kind, subject, numbers)] = True
    return list(found)


def _is_share(value: object) -> bool:
    return is_number(value, -1, 2)


def _is_sum(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def _is_label(value: object) -> bool:
    return isinstance(value, str) and value == clean_label(value) != ""


OPTIONAL = {
    "label": _is_label,
    "brought": _is_label,
    "width": is_count,
    "height": is_count,
    "sha256": _is_sum,
    "similar": is_count,
    "brightness": _is_share,
    "contrast": _is_share,
    "sharpness": _is_share,
    "removed": is_number,
    "withdrawn": is_number,
}
