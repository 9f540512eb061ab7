"""Projects: a name for a set of images and the runs made with them."""

import secrets
import shutil
import time
from dataclasses import dataclass

from core.errors import AppError
from core.text import N_
from core.workspace import Workspace

MAX_NAME_LENGTH = 80


class ProjectNameError(AppError):
    """A project needs a name of a sensible length."""

    sentence = N_("A project needs a name of 1 to {limit} characters. Type one and try again.")


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
    """Makes an empty project.

    Raises:
        ProjectNameError: The name is empty or too long.
    """
    project = Project(id=secrets.token_hex(4), name=_checked(name), created=time.time())
    with workspace.database() as database:
        database.execute("INSERT INTO projects VALUES (?, ?, ?)", (project.id, project.name, project.created))
    return project


def list_projects(workspace: Workspace) -> list[Project]:
    """Returns all projects, the newest first."""
    with workspace.database() as database:
        rows = database.execute("SELECT * FROM projects ORDER BY created DESC").fetchall()
    return [Project(**row) for row in rows]


def open_project(workspace: Workspace, project_id: str) -> Project:
    """Returns one project.

    Raises:
        ProjectNotFoundError: There is none of that id.
    """
    with workspace.database() as database:
        row = database.execute("SELECT * FROM projects WHERE id = ?", (project_id,)).fetchone()
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
        changed = database.execute("UPDATE projects SET name = ? WHERE id = ?", (name, project_id)).rowcount
    if not changed:
        raise ProjectNotFoundError(project_id=project_id)


def delete_project(workspace: Workspace, project_id: str) -> None:
    """Deletes a project with its images and its runs. Running ones must have been stopped before (`core.jobs`).

    Raises:
        ProjectNotFoundError: There is none of that id.
    """
    with workspace.database() as database:
        runs = [row["id"] for row in database.execute("SELECT id FROM runs WHERE project_id = ?", (project_id,))]
        deleted = database.execute("DELETE FROM projects WHERE id = ?", (project_id,)).rowcount
    if not deleted:
        raise ProjectNotFoundError(project_id=project_id)
    for folder in [workspace.project_folder(project_id), *map(workspace.run_folder, runs)]:
        shutil.rmtree(folder, ignore_errors=True)
