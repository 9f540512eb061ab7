"""Curation: pictures are moved, set aside and brought back, classes renamed, findings hidden; all can be undone."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.errors import AppError
from core.layout import clean_label
from core.text import N_, _, ngettext
from core.workspace import Workspace

MOST_CHANGES = 100  # of a project; older ones are forgotten

SENTENCES: dict[str, Callable[..., str]] = {
    "moved": lambda count, **names: ngettext(
        "{count} picture moved to “{label}”", "{count} pictures moved to “{label}”", count, **names
    ),
    "set_aside": lambda count: ngettext("{count} picture set aside", "{count} pictures set aside", count),
    "intake": lambda count: ngettext("{count} new picture set aside", "{count} new pictures set aside", count),
    "restored": lambda count: ngettext("{count} picture brought back", "{count} pictures brought back", count),
    "removed": lambda count, **names: ngettext(
        "“{label}” set aside with its {count} picture", "“{label}” set aside with its {count} pictures", count, **names
    ),
    "renamed": lambda count, **names: _("“{label}” renamed to “{other}”", **names),
    "merged": lambda count, **names: _("“{label}” merged into “{other}”", **names),
    "fine": lambda count, title: _("“{finding}” hidden", finding=_(title)),
    "shown_again": lambda count: _("hidden findings shown again"),
}

Fine = frozenset[tuple[str, str]]  # kind of a finding, and the id of a picture or the class that it is about


class ClassNameError(AppError):
    """A class needs a name."""

    sentence = N_("The class needs a name that can be read. Type one and try again.")


@dataclass(frozen=True)
class Change:
    """What was done to pictures of a project at one time.

    Attributes:
        id: Names it among the changes of all projects that can be undone.
        kind: A key of `SENTENCES`.
        num_images: How many pictures it touched, or classes where a finding is about those.
        names: The classes that the sentence names, or the title of a finding.
    """

    id: int
    kind: str
    num_images: int
    names: dict[str, str]

    def shown(self) -> str:
        """Returns what was done, in the present reader's language, as the rest of a line and not as a sentence."""
        return SENTENCES[self.kind](self.num_images, **self.names)


def move_images(workspace: Workspace, project_id: str, ids: Iterable[int], label: str) -> int:
    """Moves pictures that are in use to another class, which need not exist; returns how many.

    Raises:
        ClassNameError: The name holds nothing that can be read.
    """
    label = _checked(label)
    with workspace.database() as database:
        rows = _chosen(database, project_id, ids, "removed IS NULL AND label != ?", label)
        _label(database, rows, label)
        return _record(database, project_id, rows, "moved", label=label)


def set_images_aside(workspace: Workspace, project_id: str, ids: Iterable[int]) -> int:
    """Takes pictures out of use and keeps them, with their files; returns how many."""
    with workspace.database() as database:
        rows = _chosen(database, project_id, ids, "removed IS NULL")
        _remove(database, rows, time.time())
        return _record(database, project_id, rows, "set_aside")


def withdraw_images(workspace: Workspace, project_id: str, contents: Iterable[str]) -> int:
    """Takes the pictures of an intake out of use, wherever they were moved since; returns how many.

    Nobody looked at them and found them bad: brought again, they come back.

    Args:
        workspace: Where the project is.
        project_id: Which it is.
        contents: The sha256 of each.
    """
    with workspace.database() as database:
        named = json.dumps(list(contents))
        rows = _found(database, project_id, "removed IS NULL AND sha256 IN (SELECT value FROM json_each(?))", named)
        now = time.time()
        _remove(database, rows, now)
        database.executemany("UPDATE images SET withdrawn = ? WHERE id = ?", [(now, row["id"]) for row in rows])
        return _record(database, project_id, rows, "intake")


def restore_images(workspace: Workspace, project_id: str, ids: Iterable[int]) -> int:
    """Brings pictures that were set aside back into their classes; returns how many."""
    with workspace.database() as database:
        rows = _chosen(database, project_id, ids, "removed IS NOT NULL")
        _remove(database, rows, None)
        return _record(database, project_id, rows, "restored")


def remove_class(workspace: Workspace, project_id: str, label: str) -> int:
    """Sets every picture of a class aside; returns how many."""
    with workspace.database() as database:
        rows = _found(database, project_id, "removed IS NULL AND label = ?", label)
        _remove(database, rows, time.time())
        return _record(database, project_id, rows, "removed", label=label)


def rename_class(workspace: Workspace, project_id: str, label: str, other: str) -> int:
    """Gives a class another name, also for those of its pictures that are set aside; returns how many there are.

    Where a class of that name is in use, the two become one.

    Raises:
        ClassNameError: The name holds nothing that can be read.
    """
    other = _checked(other)
    if other == label:
        return 0
    with workspace.database() as database:
        is_merge = bool(_found(database, project_id, "removed IS NULL AND label = ?", other))
        rows = _found(database, project_id, "label = ?", label)
        _label(database, rows, other)
        return _record(database, project_id, rows, "merged" if is_merge else "renamed", label=label, other=other)


def what_is_fine(workspace: Workspace, project_id: str) -> Fine:
    """Returns what its owner does not want to be told of any more."""
    with workspace.reading() as database:
        return frozenset(_fine(database, project_id))


def say_fine(workspace: Workspace, project_id: str, kind: str, subjects: Iterable[str], title: str) -> int:
    """Says that pictures or classes are as they should be, where a finding is about them; returns how many were not.

    Args:
        workspace: Where the project is.
        project_id: Which it is.
        kind: Of finding.
        subjects: Ids of pictures, or classes.
        title: Of the finding, a sentence of gettext.
    """
    with workspace.database() as database:
        before = _fine(database, project_id)
        added = {(kind, subject) for subject in subjects} - set(before)
        if added:
            _write_fine(database, project_id, [*before, *added])
            _note(database, project_id, _sentence("fine", len(added), title=title), fine=before)
    return len(added)


def show_again(workspace: Workspace, project_id: str) -> None:
    """Forgets what was said to be fine."""
    with workspace.database() as database:
        before = _fine(database, project_id)
        if before:
            _write_fine(database, project_id, [])
            _note(database, project_id, _sentence("shown_again", len(before)), fine=before)


def last_change(workspace: Workspace, project_id: str) -> Change | None:
    """Returns what `undo` would undo, None where there is nothing."""
    with workspace.reading() as database:
        row = _newest(database, project_id)
    return _change(row) if row else None


def undo(workspace: Workspace, project_id: str) -> Change | None:
    """Undoes the newest change of a project and forgets it; returns it, None where there is none."""
    with workspace.database() as database:
        row = _newest(database, project_id)
        if row is None:
            return None
        before = json.loads(row["before"])
        database.executemany(
            "UPDATE images SET brought = nullif(coalesce(brought, label), ?1), label = ?1, split = ?2, removed = ?3 "
            "WHERE project_id = ?4 AND id = ?5",
            [(*state, project_id, int(image_id)) for image_id, state in before.items()],
        )
        if row["fine"] is not None:
            _write_fine(database, project_id, json.loads(row["fine"]))
        database.execute("DELETE FROM changes WHERE id = ?", (row["id"],))
    return _change(row)


def _checked(label: str) -> str:
    label = clean_label(label)
    if not label:
        raise ClassNameError()
    return label


def _chosen(
    database: sqlite3.Connection, project_id: str, ids: Iterable[int], condition: str, *values: str
) -> list[sqlite3.Row]:
    """Finds among pictures that a browser named those that are this project's and fit the condition."""
    named = json.dumps([int(image_id) for image_id in ids])
    return _found(database, project_id, f"{condition} AND id IN (SELECT value FROM json_each(?))", *values, named)


def _found(database: sqlite3.Connection, project_id: str, condition: str, *values: str) -> list[sqlite3.Row]:
    return database.execute(
        f"SELECT id, label, split, removed FROM images WHERE project_id = ? AND problem IS NULL AND {condition}",
        (project_id, *values),
    ).fetchall()


def _label(database: sqlite3.Connection, rows: list[sqlite3.Row], label: str) -> None:
    """Gives pictures a class, and keeps in mind where it differs from the one that they were brought in."""
    database.executemany(
        "UPDATE images SET brought = nullif(coalesce(brought, label), ?1), label = ?1 WHERE id = ?2",
        [(label, row["id"]) for row in rows],
    )


def _remove(database: sqlite3.Connection, rows: list[sqlite3.Row], when: float | None) -> None:
    database.executemany("UPDATE images SET removed = ? WHERE id = ?", [(when, row["id"]) for row in rows])


def _fine(database: sqlite3.Connection, project_id: str) -> list[tuple[str, str]]:
    found = database.execute("SELECT kind, subject FROM fine WHERE project_id = ?", (project_id,))
    return [(row["kind"], row["subject"]) for row in found]


def _write_fine(database: sqlite3.Connection, project_id: str, fine: Iterable[Iterable[str]]) -> None:
    database.execute("DELETE FROM fine WHERE project_id = ?", (project_id,))
    database.executemany("INSERT INTO fine VALUES (?, ?, ?)", [(project_id, *one) for one in fine])


def _record(database: sqlite3.Connection, project_id: str, rows: list[sqlite3.Row], kind: str, **names: str) -> int:
    """Remembers how the touched rows were before, in the transaction that changes them; returns how many they are."""
    if rows:
        _note(database, project_id, _sentence(kind, len(rows), **names), rows)
    return len(rows)


def _sentence(kind: str, count: int, **names: str) -> str:
    return json.dumps({"kind": kind, "num_images": count, "names": names}, ensure_ascii=False)


def _note(
    database: sqlite3.Connection,
    project_id: str,
    sentence: str,
    rows: Sequence[sqlite3.Row] = (),
    *,
    fine: list[tuple[str, str]] | None = None,
) -> None:
    """Writes down what was done and how the touched rows were before, and what was fine where that changed."""
    before = json.dumps({row["id"]: [row["label"], row["split"], row["removed"]] for row in rows})
    database.execute(
        "INSERT INTO changes (project_id, made, sentence, before, fine) VALUES (?, ?, ?, ?, ?)",
        (project_id, time.time(), sentence, before, None if fine is None else json.dumps(fine, ensure_ascii=False)),
    )
    database.execute(
        "DELETE FROM changes WHERE project_id = ? AND id <= "
        "(SELECT id FROM changes WHERE project_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (project_id, project_id, MOST_CHANGES),
    )


def _newest(database: sqlite3.Connection, project_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = database.execute(
        "SELECT * FROM changes WHERE project_id = ? ORDER BY id DESC LIMIT 1", (project_id,)
    ).fetchone()
    return row


def _change(row: sqlite3.Row) -> Change:
    return Change(id=row["id"], **json.loads(row["sentence"]))
