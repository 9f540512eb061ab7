"""Projects: a name for a set of images and the runs made with them."""

import secrets
import shutil
import time
from dataclasses import dataclass

from core.errors import AppError
from core.text import N_
from core.workspace import OWN, Workspace

MAX_NAME_LENGTH = 80


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
    """A project; `created` is seconds since 1970."""

    id: str
    name: str
    created: float


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise ProjectNameError(limit=MAX_NAME_LENGTH)
    return name


def create_project(workspace: Workspace, name: str) -> Project:
    """Makes an empty project, which belongs to the workspace's reader.

    Raises:
        ProjectNameError: The name is empty or too long.
    """
    project = Project(id=secrets.token_hex(4), name=_checked(name), created=time.time())
    with workspace.database() as database:
        database.execute(
            "INSERT INTO projects (id, name, created, owner) VALUES (?, ?, ?, ?)",
            (project.id, project.name, project.created, workspace.reader),
        )
    return project


def list_projects(workspace: Workspace) -> list[Project]:
    """Returns the reader's projects, the newest first."""
    with workspace.database() as database:
        rows = database.execute(
            f"SELECT id, name, created FROM projects WHERE {OWN} ORDER BY created DESC", {"reader": workspace.reader}
        ).fetchall()
    return [Project(**row) for row in rows]


def open_project(workspace: Workspace, project_id: str) -> Project:
    """Returns one project.

    Raises:
        ProjectNotFoundError: There is none of that id, or not for this reader.
    """
    with workspace.database() as database:
        row = database.execute(
            f"SELECT id, name, created FROM projects WHERE id = :id AND {OWN}",
            {"id": project_id, "reader": workspace.reader},
        ).fetchone()
    if row is None:
        raise ProjectNotFoundError(project_id=project_id)
    return Project(**row)


def rename_project(workspace: Workspace, project_id: str, name: str) -> None:
    """Gives a project another name.

    Raises:
        ProjectNameError: The name is empty or too long.
        ProjectNotFoundError: There is none of that id.
    """
    name = _checked(name)
    with workspace.database() as database:
        changed = database.execute(
            f"UPDATE projects SET name = :name WHERE id = :id AND {OWN}",
            {"name": name, "id": project_id, "reader": workspace.reader},
        ).rowcount
    if not changed:
        raise ProjectNotFoundError(project_id=project_id)


def delete_project(workspace: Workspace, project_id: str) -> None:
    """Deletes a project with its images and its runs. Running ones must have been stopped before (`core.jobs`).

    Raises:
        ProjectNotFoundError: There is none of that id.
    """
    with workspace.database() as database:
        runs = [row["id"] for row in database.execute("SELECT id FROM runs WHERE project_id = ?", (project_id,))]
        deleted = database.execute(
            f"DELETE FROM projects WHERE id = :id AND {OWN}", {"id": project_id, "reader": workspace.reader}
        ).rowcount
    if not deleted:
        raise ProjectNotFoundError(project_id=project_id)
    for folder in [workspace.project_folder(project_id), *map(workspace.run_folder, runs)]:
        shutil.rmtree(folder, ignore_errors=True)


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
