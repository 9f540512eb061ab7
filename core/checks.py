"""Checks: what in a project's images is worth a look before training, and what would mend it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from core import curation
from core.curation import Fine
from core.dataset import class_counts
from core.finding import KINDS, Finding
from core.layout import TEST, TRAIN, VALIDATION
from core.spelling import misspelled
from core.workspace import Workspace

# Calibrated on 997 photos of two sets, against the same photos at 512 pixels with a Gaussian blur, and at 12 % of their
# brightness. Under any of them are 4 of the photos; with a blur of 2 pixels 96 %, with one of 4 to 30, or dark, all.
BLURRED = 0.25
DARK = 0.12
UNIFORM = 0.03
TINY = 32  # pixels of the shorter side
FEW = 10
BALANCE = 10  # the largest class to the smallest
MOST = 0.5  # what more of the pictures share is how they are, and nothing to set them aside for
NAMED = 5  # classes that a sentence names

Disputed = Mapping[int, str]  # id of a picture, and the other class in whose folder it lay
UNDISPUTED: Disputed = MappingProxyType({})


@dataclass(frozen=True)
class Sieve:
    """Parts what is to be told from what its owner said is fine.

    Attributes:
        fine: What was said to be fine.
        is_reversed: What is fine comes through, and nothing else.
    """

    fine: Fine = frozenset()
    is_reversed: bool = False

    def pictures(self, kind: str, table: pd.DataFrame, rows: pd.Series, together: tuple[str, ...] = ()) -> pd.Series:
        """Returns which of some rows come through, those that are alike in the columns `together` only as a whole."""
        known = [int(subject) for one, subject in self.fine if one == kind]
        said = table["id"].isin(known)
        if together and known:
            said |= ~rows
            said = said.groupby([table[name] for name in together]).transform("all")
        return rows & (said if self.is_reversed else ~said)

    def lets_through(self, kind: str, subject: str) -> bool:
        """Whether a class, or two of them, comes through."""
        return ((kind, subject) in self.fine) == self.is_reversed


def find(table: pd.DataFrame, fine: Fine = frozenset(), disputed: Disputed = UNDISPUTED) -> list[Finding]:
    """Looks for what is worth a look, in the order of `KINDS`.

    Args:
        table: As `dataset.images` returns it.
        fine: What its owner said is fine, and is left out. A group of twins is left out as long as no picture joins it.
        disputed: As `dataset.disputed` returns it.
    """
    return _found(table, Sieve(fine), disputed)


def hidden(table: pd.DataFrame, fine: Fine, disputed: Disputed = UNDISPUTED) -> list[Finding]:
    """Returns what `find` leaves out because it is fine."""
    return _found(table, Sieve(fine, is_reversed=True), disputed) if fine else []


def _found(table: pd.DataFrame, sieve: Sieve, disputed: Disputed) -> list[Finding]:
    if table.empty:
        return []
    found = [
        *_twins(table, sieve),
        *_disputes(table, sieve, disputed),
        *_looks(table, sieve),
        *_spellings(table, sieve),
        *_sizes(table, sieve),
    ]
    return sorted(found, key=lambda finding: list(KINDS).index(finding.kind))


def dismiss(workspace: Workspace, project_id: str, finding: Finding) -> None:
    """Says that what was found is fine, which can be undone: nothing of it is found any more, only what is new."""
    subjects = finding.classes or map(str, finding.ids)
    curation.say_fine(workspace, project_id, finding.kind, subjects, KINDS[finding.kind].title)


def mend(workspace: Workspace, project_id: str, finding: Finding) -> int:
    """Does what the finding's button says, which can be undone; returns how many pictures it touched."""
    if finding.kind == "misspelled":
        names = finding.values
        return curation.rename_class(workspace, project_id, str(names["label"]), str(names["other"]))
    if finding.kind == "other_folder":
        return curation.move_images(workspace, project_id, finding.to_mend, str(finding.values["other"]))
    return curation.set_images_aside(workspace, project_id, finding.to_mend)


def _twins(table: pd.DataFrame, sieve: Sieve) -> Iterator[Finding]:
    """Finds near duplicates within a class, in two classes, and on two sides of the user's own split."""
    twins = table.dropna(subset="similar")
    twins = twins.assign(pixels=twins["width"] * twins["height"], side=twins["split"].fillna(""))
    # Twins side by side, of those the largest first, of those the sharpest.
    twins = twins.sort_values(["similar", "pixels", "sharpness", "id"], ascending=[True, False, False, True])
    held_back = twins["side"].isin([VALIDATION, TEST])
    learned, checked = twins["side"] == TRAIN, twins["similar"][held_back]
    leaking = learned & twins["similar"].isin(checked)
    leaked = held_back & twins["similar"].isin(twins["similar"][leaking])
    told = sieve.pictures("leak", twins, leaking | leaked, ("similar",))
    if told.any():
        yield Finding("leak", int((leaked & told).sum()), _ids(twins, told), _ids(twins, leaking & told))
    across = twins.groupby("similar")["label"].transform("nunique") > 1
    told = sieve.pictures("two_classes", twins, across, ("similar",))
    if told.any():
        yield Finding("two_classes", int(told.sum()), _ids(twins, told), _ids(twins, told))
    alike = ("similar", "label", "side")
    told = sieve.pictures("duplicates", twins, twins.duplicated(alike, keep=False), alike)
    copies = told & twins.duplicated(alike)
    if copies.any():
        yield Finding("duplicates", int(copies.sum()), _ids(twins, told), _ids(twins, copies))


def _ids(table: pd.DataFrame, rows: pd.Series) -> tuple[int, ...]:
    return tuple(table.loc[rows, "id"].tolist())


def _disputes(table: pd.DataFrame, sieve: Sieve, disputed: Disputed) -> Iterator[Finding]:
    """Finds pictures that lay in the folders of two classes, one finding for each two."""
    told: dict[tuple[str, str], dict[int, str]] = {}
    rows = table[table["id"].isin(list(disputed))]
    for image_id, label in zip(rows["id"].tolist(), rows["label"], strict=True):
        other = disputed[image_id]
        subject = f"{image_id} {other}"
        if sieve.lets_through("other_folder", subject):
            told.setdefault((label, other), {})[image_id] = subject
    for (label, other), subjects in sorted(told.items()):
        ids = tuple(subjects)
        values: dict[str, object] = {"label": label, "other": other}
        yield Finding("other_folder", len(ids), ids, ids, values, tuple(subjects.values()))


def _looks(table: pd.DataFrame, sieve: Sieve) -> Iterator[Finding]:
    """Finds pictures that show little, each told of once: what is dark is nearly empty, what is empty is blurred."""
    is_dark = table["brightness"] < DARK
    is_uniform = ~is_dark & (table["contrast"] < UNIFORM)
    is_tiny = table[["width", "height"]].min(axis=1) < TINY
    is_blurred = ~(is_dark | is_uniform | is_tiny) & (table["sharpness"] < BLURRED)
    ways = {"dark": is_dark, "uniform": is_uniform, "blurred": is_blurred, "tiny": is_tiny}
    for kind, rows in ways.items():
        ids = _ids(table, sieve.pictures(kind, table, rows))
        if ids:
            values: dict[str, object] = {"limit": TINY} if kind == "tiny" else {}
            yield Finding(kind, len(ids), ids, ids if rows.sum() <= MOST * len(table) else (), values)


def _spellings(table: pd.DataFrame, sieve: Sieve) -> Iterator[Finding]:
    """Finds classes whose name looks like that of a larger one."""
    counts = table["label"].value_counts()
    for label, other in misspelled(sorted(counts.index, key=lambda label: (counts[label], label))):
        # The two names in one order: which of them is the larger class may change.
        both = json.dumps(sorted((label, other)), ensure_ascii=False)
        if sieve.lets_through("misspelled", both):
            ids = _ids(table, table["label"] == label)
            yield Finding("misspelled", len(ids), ids, ids, {"label": label, "other": other}, (both,))


def _sizes(table: pd.DataFrame, sieve: Sieve) -> Iterator[Finding]:
    """Finds classes with few pictures, and a largest class that outweighs the smallest."""
    counts = class_counts(table).sort_values("images", kind="stable")
    few = [label for label in counts.loc[counts["images"] < FEW, "label"] if sieve.lets_through("few", label)]
    if few:
        named = ", ".join(few[:NAMED]) + (" …" if len(few) > NAMED else "")
        ids = _ids(table, table["label"].isin(few))
        yield Finding("few", len(few), ids, values={"limit": FEW, "labels": named}, classes=tuple(few))
    smallest, largest = counts.iloc[0], counts.iloc[-1]
    if largest["images"] > BALANCE * smallest["images"] and sieve.lets_through("balance", smallest["label"]):
        values = {"largest": largest["label"], "smallest": smallest["label"], "times": BALANCE}
        ids = _ids(table, table["label"] == smallest["label"])
        yield Finding("balance", 2, ids, values=values, classes=(smallest["label"],))
