"""core.projects: make, list, open, rename, delete."""

import pytest

from core.projects import (
    MAX_NAME_LENGTH,
    ProjectNameError,
    ProjectNotFoundError,
    create_project,
    delete_project,
    list_projects,
    open_project,
    rename_project,
)


def names(workspace) -> list[str]:
    return [project.name for project in list_projects(workspace)]


def test_new_workspace_has_no_projects(workspace):
    assert list_projects(workspace) == []


def test_project_is_found_again_by_its_id(workspace):
    project = create_project(workspace, "Ants and bees")
    assert open_project(workspace, project.id) == project


def test_projects_are_listed_the_newest_first(workspace):
    for name in ("first", "second", "third"):
        create_project(workspace, name)
    assert names(workspace) == ["third", "second", "first"]


def test_two_projects_may_have_the_same_name(workspace):
    assert create_project(workspace, "Ants").id != create_project(workspace, "Ants").id


def test_name_may_be_anything_a_person_writes(workspace):
    name = "Ameisen <b>& 蜂</b> '; DROP TABLE projects; --"
    assert open_project(workspace, create_project(workspace, name).id).name == name


def test_spaces_around_and_within_a_name_are_tidied(workspace):
    assert create_project(workspace, "  ants \n and\t bees ").name == "ants and bees"


@pytest.mark.parametrize("name", ["", "   ", "\n\t", "x" * (MAX_NAME_LENGTH + 1)])
def test_project_needs_a_name_of_a_sensible_length(workspace, name):
    with pytest.raises(ProjectNameError, match=f"1 to {MAX_NAME_LENGTH}"):
        create_project(workspace, name)
    assert names(workspace) == []


def test_longest_name_is_allowed(workspace):
    assert len(create_project(workspace, "x" * MAX_NAME_LENGTH).name) == MAX_NAME_LENGTH


def test_renamed_project_keeps_its_id(workspace):
    project = create_project(workspace, "Ants")
    rename_project(workspace, project.id, " Bees ")
    assert open_project(workspace, project.id).name == "Bees"


def test_name_that_is_refused_leaves_the_old_one(workspace):
    project = create_project(workspace, "Ants")
    with pytest.raises(ProjectNameError):
        rename_project(workspace, project.id, " ")
    assert names(workspace) == ["Ants"]


@pytest.mark.parametrize("act", [open_project, lambda workspace, id: rename_project(workspace, id, "Bees")])
def test_project_that_is_not_there_is_named(workspace, act):
    create_project(workspace, "Ants")
    with pytest.raises(ProjectNotFoundError, match="p404"):
        act(workspace, "p404")
    assert names(workspace) == ["Ants"]


def test_deleted_project_takes_its_folders_along_and_leaves_the_others(workspace):
    gone, kept = create_project(workspace, "Gone"), create_project(workspace, "Kept")
    with workspace.database() as database:
        for run, project in (("r1", gone), ("r2", kept)):
            database.execute(
                "INSERT INTO runs (id, project_id, name, created, state) VALUES (?, ?, 'run', 0, 'finished')",
                (run, project.id),
            )
    of_gone = [workspace.project_folder(gone.id) / "images", workspace.run_folder("r1")]
    of_kept = [workspace.project_folder(kept.id) / "images", workspace.run_folder("r2")]
    for folder in of_gone + of_kept:
        folder.mkdir(parents=True)
        (folder / "file").write_text("x", encoding="utf-8")
    delete_project(workspace, gone.id)
    assert names(workspace) == ["Kept"]
    assert not any(folder.exists() for folder in [*of_gone, workspace.project_folder(gone.id)])
    assert all((folder / "file").exists() for folder in of_kept)


# Ids come from the address bar: one that names a folder must not be followed.
@pytest.mark.parametrize("project_id", ["p404", "", ".", "..", "../runs"])
def test_deleting_a_project_that_is_not_there_touches_nothing(workspace, project_id):
    folder = workspace.project_folder(create_project(workspace, "Ants").id)
    folder.mkdir(parents=True)
    workspace.run_folder("r1").mkdir(parents=True)
    with pytest.raises(ProjectNotFoundError):
        delete_project(workspace, project_id)
    assert folder.exists()
    assert workspace.run_folder("r1").exists()
    assert names(workspace) == ["Ants"]
