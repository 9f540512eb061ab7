import sqlite3

import pytest

from core import curation, dataset, intake, projects, runs
from core.config import Phase, RunConfig
from core.curation import (
    ClassNameError,
    last_change,
    move_images,
    remove_class,
    rename_class,
    restore_images,
    say_fine,
    set_images_aside,
    show_again,
    undo,
    what_is_fine,
)
from core.split import split_images


@pytest.fixture
def project(workspace, picture_folder):
    """Three pictures of each of two classes, and a file that is none."""
    made = projects.create_project(workspace, "Pictures")
    folder = picture_folder(classes=2, each=3)
    (folder / "class-1" / "notes.txt").write_text("not a picture")
    intake.take_folder(workspace, made.id, folder)
    return made.id


@pytest.fixture
def ids(workspace, project) -> list[int]:
    """The pictures of the first class, then those of the second."""
    return dataset.images(workspace, project)["id"].to_list()


def everything(workspace, project) -> list[tuple]:
    """Every row of the project, also what is set aside and what was never taken."""
    with workspace.database() as database:
        rows = database.execute("SELECT * FROM images WHERE project_id = ? ORDER BY id", (project,)).fetchall()
    return [tuple(row) for row in rows]


def counts(workspace, project) -> dict[str, int]:
    return dataset.images(workspace, project)["label"].value_counts().to_dict()


def files(workspace, project) -> set[str]:
    return {path.name for path in workspace.project_folder(project).rglob("*") if path.is_file()}


def test_pictures_are_moved_to_a_new_class(workspace, project, ids):
    assert move_images(workspace, project, ids[:2], "  wasps\n") == 2
    assert counts(workspace, project) == {"class-1": 1, "class-2": 3, "wasps": 2}
    assert last_change(workspace, project).shown() == "2 pictures moved to “wasps”"


def test_only_pictures_that_are_elsewhere_count_as_moved(workspace, project, ids):
    assert move_images(workspace, project, ids, "class-2") == 3
    assert counts(workspace, project) == {"class-2": 6}
    assert last_change(workspace, project).num_images == 3


def test_nothing_done_is_nothing_to_undo(workspace, project, ids):
    assert move_images(workspace, project, ids[:3], "class-1") == 0
    assert move_images(workspace, project, [], "class-2") == 0
    assert restore_images(workspace, project, ids) == 0
    assert rename_class(workspace, project, "class-1", "class-1") == 0
    assert rename_class(workspace, project, "class-9", "wasps") == 0
    assert remove_class(workspace, project, "class-9") == 0
    assert last_change(workspace, project) is None
    assert undo(workspace, project) is None


@pytest.mark.parametrize("name", ["", "  ", "\x00\n"])
def test_a_class_needs_a_name(workspace, project, ids, name):
    with pytest.raises(ClassNameError, match="needs a name"):
        move_images(workspace, project, ids, name)
    with pytest.raises(ClassNameError, match="needs a name"):
        rename_class(workspace, project, "class-1", name)
    assert counts(workspace, project) == {"class-1": 3, "class-2": 3}


def test_pictures_of_another_project_are_out_of_reach(workspace, project, ids):
    other = projects.create_project(workspace, "Other").id
    before = everything(workspace, project)
    assert move_images(workspace, other, ids, "mine") == 0
    assert set_images_aside(workspace, other, ids) == 0
    assert last_change(workspace, other) is None
    assert everything(workspace, project) == before


def test_a_file_that_is_no_picture_stays_where_it_is(workspace, project):
    every_id = [row[0] for row in everything(workspace, project)]
    assert len(every_id) == 7
    assert move_images(workspace, project, every_id, "wasps") == 6
    assert set_images_aside(workspace, project, every_id) == 6
    assert dataset.set_aside(workspace, project)["name"].to_list() == ["class-1/notes.txt"]


def test_pictures_set_aside_are_out_of_use_and_keep_their_files(workspace, project, ids):
    before = files(workspace, project)
    assert set_images_aside(workspace, project, ids[:2]) == 2
    assert counts(workspace, project) == {"class-1": 1, "class-2": 3}
    aside = dataset.removed_images(workspace, project)
    assert aside["id"].to_list() == ids[:2]
    assert list(aside.columns) == dataset.COLUMNS
    assert dataset.num_images(workspace, project) == 4
    assert files(workspace, project) == before


def test_pictures_set_aside_are_not_moved(workspace, project, ids):
    set_images_aside(workspace, project, ids[:1])
    assert move_images(workspace, project, ids[:1], "wasps") == 0
    assert set_images_aside(workspace, project, ids[:1]) == 0


def test_pictures_are_brought_back_into_their_class(workspace, project, ids):
    before = everything(workspace, project)
    set_images_aside(workspace, project, ids[:3])
    assert restore_images(workspace, project, ids) == 3
    assert everything(workspace, project) == before
    assert last_change(workspace, project).shown() == "3 pictures brought back"


def test_a_class_is_removed_by_setting_it_aside(workspace, project, ids):
    before = files(workspace, project)
    assert remove_class(workspace, project, "class-1") == 3
    assert counts(workspace, project) == {"class-2": 3}
    assert dataset.removed_images(workspace, project)["id"].to_list() == ids[:3]
    assert files(workspace, project) == before
    assert last_change(workspace, project).shown() == "“class-1” set aside with its 3 pictures"


def test_a_class_is_renamed_with_what_is_set_aside_of_it(workspace, project, ids):
    set_images_aside(workspace, project, ids[:1])
    assert rename_class(workspace, project, "class-1", " wasps ") == 3
    assert counts(workspace, project) == {"wasps": 2, "class-2": 3}
    assert dataset.removed_images(workspace, project)["label"].to_list() == ["wasps"]
    assert last_change(workspace, project).shown() == "“class-1” renamed to “wasps”"


def test_a_class_renamed_to_another_is_merged_into_it(workspace, project):
    assert rename_class(workspace, project, "class-1", "class-2") == 3
    assert counts(workspace, project) == {"class-2": 6}
    assert last_change(workspace, project).shown() == "“class-1” merged into “class-2”"


def test_a_merge_is_undone_picture_by_picture(workspace, project):
    before = everything(workspace, project)
    rename_class(workspace, project, "class-1", "class-2")
    undo(workspace, project)
    assert everything(workspace, project) == before


def test_changes_are_undone_from_the_newest_to_the_oldest(workspace, project, ids):
    steps = (
        lambda: move_images(workspace, project, ids[:4], "wasps"),
        lambda: set_images_aside(workspace, project, ids[:2]),
        lambda: rename_class(workspace, project, "wasps", "hornets"),
        lambda: remove_class(workspace, project, "hornets"),
        lambda: restore_images(workspace, project, ids[1:3]),
    )
    states = []
    for step in steps:
        states.append(everything(workspace, project))
        assert step() > 0
    kinds = []
    while change := undo(workspace, project):
        kinds.append(change.kind)
        assert everything(workspace, project) == states.pop()
    assert kinds == ["restored", "removed", "renamed", "set_aside", "moved"]
    assert states == []


def test_an_undone_split_is_as_it_was(workspace, project, ids):
    with workspace.database() as database:
        database.execute("UPDATE images SET split = 'test' WHERE id = ?", (ids[0],))
    move_images(workspace, project, ids[:2], "wasps")
    undo(workspace, project)
    assert dataset.images(workspace, project)["split"].to_list() == ["test", *[None] * 5]


def test_undoing_leaves_other_projects_alone(workspace, project, ids, picture_folder):
    other = projects.create_project(workspace, "Other").id
    intake.take_folder(workspace, other, picture_folder(classes=2, each=3))
    move_images(workspace, project, ids[:1], "wasps")
    rename_class(workspace, other, "class-1", "ants")
    assert undo(workspace, project).kind == "moved"
    assert undo(workspace, project) is None
    assert counts(workspace, other) == {"ants": 3, "class-2": 3}


def test_pictures_that_arrive_between_a_change_and_its_undoing_stay(workspace, project, ids, picture_folder):
    move_images(workspace, project, ids[:3], "wasps")
    new = picture_folder(classes=3, each=4, name="more")
    num_new = intake.take_folder(workspace, project, new).num_taken
    undo(workspace, project)
    assert dataset.num_images(workspace, project) == 6 + num_new


def test_what_is_fine_is_remembered_once_and_undone_from_the_newest(workspace, project, ids):
    assert say_fine(workspace, project, "dark", ["1", "2"], "Very dark pictures") == 2
    assert say_fine(workspace, project, "dark", ["2", "3"], "Very dark pictures") == 1
    assert say_fine(workspace, project, "dark", ["3"], "Very dark pictures") == 0
    assert what_is_fine(workspace, project) == {("dark", "1"), ("dark", "2"), ("dark", "3")}
    assert last_change(workspace, project).shown() == "“Very dark pictures” hidden"
    undo(workspace, project)
    assert what_is_fine(workspace, project) == {("dark", "1"), ("dark", "2")}
    undo(workspace, project)
    assert what_is_fine(workspace, project) == frozenset()
    assert undo(workspace, project) is None


def test_what_is_shown_again_can_be_hidden_again(workspace, project):
    say_fine(workspace, project, "few", ["ant"], "Classes with few pictures")
    show_again(workspace, project)
    show_again(workspace, project)  # nothing is left to show, and nothing to undo
    assert what_is_fine(workspace, project) == frozenset()
    assert last_change(workspace, project).shown() == "hidden findings shown again"
    undo(workspace, project)
    assert what_is_fine(workspace, project) == {("few", "ant")}


def test_what_is_fine_in_one_project_is_nothing_to_another(workspace, project, ids):
    other = projects.create_project(workspace, "Other").id
    say_fine(workspace, project, "dark", ["1"], "Very dark pictures")
    show_again(workspace, other)
    assert what_is_fine(workspace, other) == frozenset()
    assert what_is_fine(workspace, project) == {("dark", "1")}


def test_pictures_moved_after_something_was_hidden_are_undone_alone(workspace, project, ids):
    say_fine(workspace, project, "dark", ["1"], "Very dark pictures")
    move_images(workspace, project, ids[:1], "wasps")
    undo(workspace, project)
    assert what_is_fine(workspace, project) == {("dark", "1")}


def test_the_oldest_changes_are_forgotten_of_this_project_alone(workspace, project, ids, monkeypatch):
    other = projects.create_project(workspace, "Other").id
    with workspace.database() as database:
        database.execute("INSERT INTO changes (project_id, made, sentence, before) VALUES (?, 0, '{}', '{}')", (other,))
    monkeypatch.setattr(curation, "MOST_CHANGES", 3)
    for number in range(5):
        move_images(workspace, project, ids[:1], f"class {number}")
    names = []
    while change := undo(workspace, project):
        names.append(change.names["label"])
    assert names == ["class 4", "class 3", "class 2"]
    with workspace.database() as database:
        assert database.execute("SELECT count(*) FROM changes").fetchone()[0] == 1


def test_a_change_that_cannot_be_remembered_is_not_made(workspace, project, ids):
    before = everything(workspace, project)
    with workspace.database() as database:
        database.execute("DROP TABLE changes")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        move_images(workspace, project, ids, "wasps")
    assert everything(workspace, project) == before


def test_thousands_of_pictures_are_one_change(workspace, project):
    with workspace.database() as database:
        database.executemany(
            "INSERT INTO images (project_id, name, file, label) VALUES (?, ?, 'images/0.png', 'many')",
            [(project, f"{number}.png") for number in range(40_000)],
        )
    table = dataset.images(workspace, project)
    many = table.loc[table["label"] == "many", "id"].to_list()
    assert move_images(workspace, project, many, "others") == 40_000
    assert len(undo(workspace, project).shown()) > 0
    assert counts(workspace, project)["many"] == 40_000


def test_removing_all_forgets_the_changes_and_what_was_set_aside(workspace, project, ids):
    set_images_aside(workspace, project, ids[:2])
    say_fine(workspace, project, "dark", [str(ids[0])], "Very dark pictures")
    dataset.remove_all(workspace, project)
    assert everything(workspace, project) == []
    assert what_is_fine(workspace, project) == frozenset()  # new pictures may get the old ids
    assert files(workspace, project) == set()
    assert last_change(workspace, project) is None


def test_a_run_keeps_its_own_table_and_files(workspace, project, ids):
    table = split_images(dataset.images(workspace, project), 0.34, 1)
    config = RunConfig(
        backbone="residual10", image_size=112, labels=("class-1", "class-2"), phases=(Phase(3, 1e-3, 41),)
    )
    run = runs.create_run(workspace, project, "First", config, table)
    kept = (run.folder / "images.parquet").read_bytes()
    move_images(workspace, project, ids[:1], "class-2")
    rename_class(workspace, project, "class-2", "wasps")
    remove_class(workspace, project, "wasps")
    dataset.remove_all(workspace, project)
    assert (run.folder / "images.parquet").read_bytes() == kept
    assert all((workspace.home / path).is_file() for path in table["path"])
