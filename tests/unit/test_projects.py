"""core.projects: make, list, open, rename, delete, bring back, remove for good."""

import shutil
import time

import pytest

from core import runs
from core.projects import (
    KEPT_DAYS,
    MAX_NAME_LENGTH,
    OwnerlessError,
    ProjectNameError,
    ProjectNotFoundError,
    create_project,
    delete_project,
    hand_over,
    list_deleted,
    list_projects,
    open_project,
    recover_project,
    remove_expired,
    remove_project,
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


def test_project_whose_name_another_one_has_gets_a_number(workspace):
    for name in ("Ants", " ants ", "Ants", "Ants (2)", "Trip (2024)", "Trip (2024)"):
        create_project(workspace, name)
    assert names(workspace)[::-1] == ["Ants", "ants (2)", "Ants (3)", "Ants (4)", "Trip (2024)", "Trip (2024) (2)"]


def test_number_fits_behind_the_longest_name(workspace):
    for _ in range(2):
        project = create_project(workspace, "x" * MAX_NAME_LENGTH)
    assert project.name == "x" * (MAX_NAME_LENGTH - 4) + " (2)"


def test_renamed_project_gets_a_number_where_another_one_has_the_name_and_not_for_its_own(workspace):
    create_project(workspace, "Ants")
    project = create_project(workspace, "Bees")
    assert rename_project(workspace, project.id, "Ants") == "Ants (2)"
    assert rename_project(workspace, project.id, "Ants (2)") == "Ants (2)"
    assert open_project(workspace, project.id).name == "Ants (2)"
    assert rename_project(workspace, project.id, "bees") == "bees"


def test_name_of_a_deleted_project_is_free_and_the_project_gets_a_number_when_it_comes_back(workspace):
    gone = create_project(workspace, "Ants")
    delete_project(workspace, gone.id)
    assert create_project(workspace, "Ants").name == "Ants"
    recover_project(workspace, gone.id)
    assert open_project(workspace, gone.id).name == "Ants (2)"


def test_names_of_other_readers_are_free(workspace):
    create_project(workspace.seen_by(ANA), "Ants")
    assert create_project(workspace.seen_by(BO), "Ants").name == "Ants"
    assert create_project(workspace.seen_by(ANA), "Ants").name == "Ants (2)"


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


@pytest.fixture
def with_run(workspace):
    """Makes a project with a picture and a run, each a file; returns it with its folders."""

    def make(name: str, run: str):
        project = create_project(workspace, name)
        with workspace.database() as database:
            database.execute(
                "INSERT INTO runs (id, project_id, name, created, state) VALUES (?, ?, 'run', 0, 'finished')",
                (run, project.id),
            )
        folders = [workspace.project_folder(project.id) / "images", workspace.run_folder(run)]
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "file").write_text("x", encoding="utf-8")
        return project, folders

    return make


def age(workspace, project, days: float) -> None:
    """Makes a deleted project older."""
    with workspace.database() as database:
        database.execute("UPDATE projects SET deleted = ? WHERE id = ?", (time.time() - days * 24 * 3600, project.id))


def test_deleted_project_and_its_runs_are_out_of_sight_and_keep_their_files(workspace, with_run):
    gone, folders = with_run("Gone", "r1")
    kept, _ = with_run("Kept", "r2")
    delete_project(workspace, gone.id)
    assert names(workspace) == ["Kept"]
    assert [project.id for project in list_deleted(workspace)] == [gone.id]
    assert [run.id for run in runs.list_runs(workspace)] == ["r2"]
    assert runs.list_runs(workspace, gone.id) == []
    for missing in (
        lambda: open_project(workspace, gone.id),
        lambda: rename_project(workspace, gone.id, "Here"),
        lambda: delete_project(workspace, gone.id),
    ):
        with pytest.raises(ProjectNotFoundError):
            missing()
    with pytest.raises(runs.RunNotFoundError):
        runs.open_run(workspace, "r1")
    assert all((folder / "file").exists() for folder in folders)
    assert open_project(workspace, kept.id) == kept


def test_deleted_project_comes_back_as_it_was(workspace, with_run):
    project, _ = with_run("Ants", "r1")
    delete_project(workspace, project.id)
    recover_project(workspace, project.id)
    assert open_project(workspace, project.id) == project
    assert runs.open_run(workspace, "r1").project_id == project.id
    assert list_deleted(workspace) == []


def test_deleted_project_says_when_it_goes_for_good(workspace, with_run):
    project, _ = with_run("Ants", "r1")
    before = time.time()
    delete_project(workspace, project.id)
    (gone,) = list_deleted(workspace)
    assert before <= gone.gone_at - KEPT_DAYS * 24 * 3600 <= time.time()


def test_removed_project_takes_its_folders_along_and_leaves_the_others(workspace, with_run):
    gone, of_gone = with_run("Gone", "r1")
    _, of_kept = with_run("Kept", "r2")
    delete_project(workspace, gone.id)
    remove_project(workspace, gone.id)
    assert list_deleted(workspace) == []
    assert not any(folder.exists() for folder in [*of_gone, workspace.project_folder(gone.id)])
    assert all((folder / "file").exists() for folder in of_kept)
    with pytest.raises(ProjectNotFoundError):
        recover_project(workspace, gone.id)


def test_project_that_is_in_use_cannot_be_removed(workspace, with_run):
    project, folders = with_run("Ants", "r1")
    with pytest.raises(ProjectNotFoundError):
        remove_project(workspace, project.id)
    assert all(folder.exists() for folder in folders)


def test_deleted_projects_go_for_good_after_seven_days_and_not_before(workspace, with_run):
    old, of_old = with_run("Old", "r1")
    young, of_young = with_run("Young", "r2")
    for project, days in ((old, KEPT_DAYS + 0.01), (young, KEPT_DAYS - 0.01)):
        delete_project(workspace, project.id)
        age(workspace, project, days)
    with pytest.raises(ProjectNotFoundError):
        recover_project(workspace, old.id)
    remove_expired(workspace)
    assert not any(folder.exists() for folder in of_old)
    assert all(folder.exists() for folder in of_young)
    recover_project(workspace, young.id)
    assert names(workspace) == ["Young"]


def test_removal_that_was_cut_off_is_done_the_next_time(workspace, with_run, monkeypatch):
    project, folders = with_run("Ants", "r1")
    delete_project(workspace, project.id)
    monkeypatch.setattr(shutil, "rmtree", lambda *ignored, **options: None)
    remove_project(workspace, project.id)
    assert list_deleted(workspace) == []
    monkeypatch.undo()
    remove_expired(workspace)
    assert not any(folder.exists() for folder in folders)
    with workspace.database() as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] == 0


# Ids come from the address bar: one that names a folder must not be followed.
@pytest.mark.parametrize("project_id", ["p404", "", ".", "..", "../runs"])
def test_deleting_a_project_that_is_not_there_touches_nothing(workspace, project_id):
    folder = workspace.project_folder(create_project(workspace, "Ants").id)
    folder.mkdir(parents=True)
    workspace.run_folder("r1").mkdir(parents=True)
    for delete in (delete_project, remove_project):
        with pytest.raises(ProjectNotFoundError):
            delete(workspace, project_id)
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


def test_deleted_project_of_another_reader_is_not_found(workspace):
    project = create_project(workspace.seen_by("somebody"), "Theirs")
    delete_project(workspace.seen_by("somebody"), project.id)
    as_me = workspace.seen_by("me")
    assert list_deleted(as_me) == []
    for act in (recover_project, remove_project):
        with pytest.raises(ProjectNotFoundError):
            act(as_me, project.id)
    assert [gone.id for gone in list_deleted(workspace.seen_by("somebody"))] == [project.id]
