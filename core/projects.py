"""Projects: a name for a set of images and the runs made with them."""

import re
import secrets
import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass

from core.errors import AppError
from core.text import N_
from core.workspace import OWN, Workspace

MAX_NAME_LENGTH = 80
KEPT_DAYS = 7
KEPT_SECONDS = KEPT_DAYS * 24 * 3600  # that a deleted project can be brought back
COLUMNS = "id, name, created, deleted"
NUMBER = re.compile(r" \(\d{1,2}\)$")  # at the end of a name that another project had already


class ProjectNameError(AppError):
    """A project needs a name of a sensible length."""

    sentence = N_("A project needs a name of 1 to {limit} characters. Type one and try again.")


class OwnerlessError(AppError):
    """A project was named for its owner and has none."""

    sentence = N_("The project “{project_id}” belongs to nobody itself. Sign in, make a project, and name that one.")


class ProjectNotFoundError(AppError):
    """The address names a project that is not there."""

    sentence = N_("There is no project “{project_id}” here. Choose one from the list of projects.")


@dataclass(frozen=True)
class Project:
    """A project; `created`, and `deleted` where its owner does not want it any more, are seconds since 1970."""

    id: str
    name: str
    created: float
    deleted: float | None = None

    @property
    def gone_at(self) -> float:
        """When a deleted project goes for good, in seconds since 1970."""
        return (self.deleted or 0.0) + KEPT_SECONDS


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise ProjectNameError(limit=MAX_NAME_LENGTH)
    return name


def free_name(database: sqlite3.Connection, reader: str | None, name: str, *, project_id: str = "") -> str:
    """Returns a project's name as it is, or with a number where another of the reader's projects is called like that.

    Args:
        database: In whose transaction the project gets its name.
        reader: Whose it is, as `Workspace.reader`.
        name: The wished one.
        project_id: Its own id, where it has one already.
    """
    others = database.execute(
        f"SELECT name FROM projects WHERE {OWN} AND deleted IS NULL AND id != :id", {"reader": reader, "id": project_id}
    )
    taken = {row["name"].casefold() for row in others}
    wished, number = NUMBER.sub("", name), 1
    while name.casefold() in taken:
        number += 1
        mark = f" ({number})"
        name = wished[: MAX_NAME_LENGTH - len(mark)].rstrip() + mark
    return name


def create_project(workspace: Workspace, name: str) -> Project:
    """Makes an empty project, which belongs to the workspace's reader; its name gets a number where one has it already.

    Raises:
        ProjectNameError: The name is empty or too long.
    """
    name = _checked(name)
    with workspace.database() as database:
        name = free_name(database, workspace.reader, name)
        project = Project(id=secrets.token_hex(4), name=name, created=time.time())
        database.execute(
            "INSERT INTO projects (id, name, created, owner) VALUES (?, ?, ?, ?)",
            (project.id, project.name, project.created, workspace.reader),
        )
    return project


def list_projects(workspace: Workspace) -> list[Project]:
    """Returns the reader's projects but deleted ones, the newest first."""
    return _listed(workspace, "deleted IS NULL ORDER BY created DESC")


def list_deleted(workspace: Workspace) -> list[Project]:
    """Returns the reader's deleted projects that can still be brought back, the one that goes first for good first."""
    return _listed(workspace, "deleted > :latest ORDER BY deleted")


def _listed(workspace: Workspace, condition: str) -> list[Project]:
    asked = {"reader": workspace.reader, "latest": time.time() - KEPT_SECONDS}
    with workspace.reading() as database:
        rows = database.execute(f"SELECT {COLUMNS} FROM projects WHERE {OWN} AND {condition}", asked).fetchall()
    return [Project(**row) for row in rows]


def open_project(workspace: Workspace, project_id: str) -> Project:
    """Returns one project.

    Raises:
        ProjectNotFoundError: There is none of that id, or not for this reader.
    """
    with workspace.reading() as database:
        row = database.execute(
            f"SELECT {COLUMNS} FROM projects WHERE id = :id AND {OWN} AND deleted IS NULL",
            {"id": project_id, "reader": workspace.reader},
        ).fetchone()
    if row is None:
        raise ProjectNotFoundError(project_id=project_id)
    return Project(**row)


def is_there(workspace: Workspace, project_id: str) -> bool:
    """Whether there is a project, whosever it is, which was not deleted."""
    with suppress(ProjectNotFoundError):
        open_project(workspace.seen_by(None), project_id)
        return True
    return False


def rename_project(workspace: Workspace, project_id: str, name: str) -> str:
    """Gives a project another name and returns it, with a number where one of the reader's others has it already.

    Raises:
        ProjectNameError: The name is empty or too long.
        ProjectNotFoundError: There is none of that id.
    """
    name = _checked(name)
    with workspace.database() as database:
        name = free_name(database, workspace.reader, name, project_id=project_id)
        _change(database, workspace.reader, project_id, "name = :name", "deleted IS NULL", name=name)
    return name


def delete_project(workspace: Workspace, project_id: str) -> None:
    """Puts a project out of sight with its images and its runs, which must have been stopped before (`core.jobs`).

    For `KEPT_DAYS` it can be brought back.

    Raises:
        ProjectNotFoundError: There is none of that id.
    """
    with workspace.database() as database:
        _change(database, workspace.reader, project_id, "deleted = :now", "deleted IS NULL", now=time.time())


def recover_project(workspace: Workspace, project_id: str) -> None:
    """Brings a deleted project back, as it was; its name gets a number where another has it meanwhile.

    Raises:
        ProjectNotFoundError: It is gone for good.
    """
    reader, latest = workspace.reader, time.time() - KEPT_SECONDS
    with workspace.database() as database:
        _change(database, reader, project_id, "deleted = NULL", "deleted > :latest", latest=latest)
        (name,) = database.execute("SELECT name FROM projects WHERE id = ?", (project_id,)).fetchone()
        name = free_name(database, reader, name, project_id=project_id)
        _change(database, reader, project_id, "name = :name", "deleted IS NULL", name=name)


def remove_project(workspace: Workspace, project_id: str) -> None:
    """Removes a deleted project for good, with its images, its runs and its models.

    Raises:
        ProjectNotFoundError: No deleted project has that id.
    """
    with workspace.database() as database:
        # From here on nobody can bring it back, and the next look for what is to go finds what this one left.
        _change(database, workspace.reader, project_id, "deleted = 0", "deleted IS NOT NULL")
        runs = [row["id"] for row in database.execute("SELECT id FROM runs WHERE project_id = ?", (project_id,))]
    folders = [workspace.project_folder(project_id), *map(workspace.run_folder, runs)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    if any(folder.exists() for folder in folders):
        return  # a file that another program holds open: the next look tries again
    with workspace.database() as database:
        database.execute("DELETE FROM projects WHERE id = ?", (project_id,))


def remove_expired(workspace: Workspace) -> None:
    """Removes the projects for good that were deleted more than `KEPT_DAYS` ago."""
    for project in _listed(workspace, "deleted <= :latest"):
        remove_project(workspace, project.id)


def _change(
    database: sqlite3.Connection, reader: str | None, project_id: str, change: str, condition: str, **values: object
) -> None:
    """Changes one of the reader's projects, where a condition holds.

    Raises:
        ProjectNotFoundError: There is none of that id for which it does.
    """
    asked = values | {"id": project_id, "reader": reader}
    if not database.execute(f"UPDATE projects SET {change} WHERE id = :id AND {OWN} AND {condition}", asked).rowcount:
        raise ProjectNotFoundError(project_id=project_id)


def hand_over(workspace: Workspace, project_id: str) -> int:
    """Gives the projects that belong to nobody to the owner of one project, and returns how many they were.

    Raises:
        OwnerlessError: That project has no owner.
        ProjectNotFoundError: There is none of that id.
    """
    open_project(workspace, project_id)
    with workspace.database() as database:
        (owner,) = database.execute("SELECT owner FROM projects WHERE id = ?", (project_id,)).fetchone()
        if owner is None:
            raise OwnerlessError(project_id=project_id)
        return database.execute("UPDATE projects SET owner = ? WHERE owner IS NULL", (owner,)).rowcount
