"""core.projects: make, list, open, rename, delete."""

import pytest

from core.projects import (
    MAX_NAME_LENGTH,
    OwnerlessError,
    ProjectNameError,
    ProjectNotFoundError,
    create_project,
    delete_project,
    hand_over,
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


ANA, BO = '["i", "1"]', '["i", "2"]'


@pytest.fixture
def shared(workspace):
    """A project of Ana's, one of Bo's, and one from before anybody signed in; by the name of whose it is."""
    owners = {"Ana": ANA, "Bo": BO, "nobody": None}
    return {name: create_project(workspace.seen_by(owner), name) for name, owner in owners.items()}


@pytest.mark.parametrize(
    ("reader", "found"), [(ANA, {"Ana"}), (BO, {"Bo"}), ("", set()), (None, {"Ana", "Bo", "nobody"})]
)
def test_reader_finds_their_own_projects_alone(workspace, shared, reader, found):
    assert set(names(workspace.seen_by(reader))) == found


@pytest.mark.parametrize(
    "act", [open_project, lambda workspace, id: rename_project(workspace, id, "Taken"), delete_project]
)
@pytest.mark.parametrize("whose", ["Bo", "nobody"])
def test_anothers_project_is_as_if_it_did_not_exist(workspace, shared, act, whose):
    folder = workspace.project_folder(shared[whose].id)
    folder.mkdir(parents=True)
    with pytest.raises(ProjectNotFoundError) as theirs:
        act(workspace.seen_by(ANA), shared[whose].id)
    with pytest.raises(ProjectNotFoundError) as unknown:
        act(workspace.seen_by(ANA), "nowhere")
    assert str(theirs.value).replace(shared[whose].id, "nowhere") == str(unknown.value)
    assert open_project(workspace, shared[whose].id) == shared[whose]
    assert folder.exists()


@pytest.mark.parametrize("act", [lambda workspace, id: rename_project(workspace, id, "Bees"), delete_project])
def test_own_project_is_changed(workspace, shared, act):
    act(workspace.seen_by(ANA), shared["Ana"].id)
    assert names(workspace.seen_by(ANA)) in (["Bees"], [])


def test_projects_of_nobody_are_handed_over_to_the_owner_of_one(workspace, shared):
    assert hand_over(workspace, shared["Ana"].id) == 1
    assert set(names(workspace.seen_by(ANA))) == {"Ana", "nobody"}
    assert names(workspace.seen_by(BO)) == ["Bo"]
    assert hand_over(workspace, shared["Bo"].id) == 0


def test_projects_of_nobody_are_not_handed_over_to_nobody(workspace, shared):
    with pytest.raises(OwnerlessError, match="belongs to nobody"):
        hand_over(workspace, shared["nobody"].id)
    with pytest.raises(ProjectNotFoundError):
        hand_over(workspace, "nowhere")
