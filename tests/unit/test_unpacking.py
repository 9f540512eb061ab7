"""core.saved: a project goes out and comes in the same; what was made up or damaged does not."""

import base64
import hashlib
import io
import json
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from core import (
    checks,
    crew,
    curation,
    dataset,
    events,
    features,
    fingerprints,
    history,
    jobs,
    metrics,
    predict,
    processes,
    projects,
    runs,
)
from core.errors import AppError
from core.freshness import changes_since
from core.incoming import BrokenZipError
from core.limits import Limits
from core.projects import ProjectNotFoundError
from core.runs import State
from core.saved import packing, unpacking
from core.saved.keeping import Kept
from core.saved.parcel import BadParcelError, CrashedPictureError, LargeParcelError, NewerParcelError, NoRoomError
from core.saved.settling import bring_home
from core.saved.unpacking import Brought, unpack
from core.workspace import Workspace
from tests import parcels
from tests.parcels import changed, names_in, packed


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> tuple[Workspace, str]:
    """A workspace with a project and a run that is over; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("origin")
    workspace = Workspace(folder / "home")
    project_id = parcels.make_project(workspace, folder / "pictures")
    parcels.make_run(workspace, project_id)
    return workspace, project_id


@pytest.fixture(scope="module")
def whole(origin, tmp_path_factory) -> Path:
    return packed(*origin, tmp_path_factory.mktemp("whole") / "project.zip")


@pytest.fixture
def parcel(whole, tmp_path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "project.zip"))


def bring(workspace: Workspace, file: Path, limits: Limits = Limits()) -> Brought:  # noqa: B008 (frozen)
    """Brings a file into a workspace, in this process."""
    folder, brought = lay_ready(workspace, file, f"laid-{file.stem}-{len(projects.list_projects(workspace))}", limits)
    bring_home(workspace, folder, brought.project_id)
    return brought


def lay_ready(workspace: Workspace, file: Path, name: str, limits: Limits = Limits()) -> tuple[Path, Brought]:  # noqa: B008 (frozen)
    """Lays a file ready in a folder of that name beside it, in this process."""
    workspace.home.mkdir(exist_ok=True, parents=True)
    folder = file.with_name(name)
    folder.mkdir()
    with ThreadPoolExecutor(1) as workers:
        return folder, unpack(workspace, file, folder, limits, lambda done, total: None, workers)


def is_empty(workspace: Workspace) -> bool:
    """Whether nothing of a project is anywhere."""
    left = [path for path in workspace.home.rglob("*") if path.is_file() and "headstart.db" not in path.name]
    return not left and projects.list_projects(workspace) == [] and runs.list_runs(workspace) == []


def told(workspace: Workspace, project_id: str):
    """What is said to be fine, and what can be undone, by the names of the pictures."""
    with workspace.database() as database:
        rows = database.execute("SELECT id, name FROM images WHERE project_id = ?", (project_id,)).fetchall()
        names = {row["id"]: row["name"] for row in rows}
        fine = database.execute("SELECT kind, subject FROM fine WHERE project_id = ?", (project_id,)).fetchall()
        changes = database.execute(
            "SELECT made, sentence, before, fine FROM changes WHERE project_id = ? ORDER BY id", (project_id,)
        ).fetchall()
    undoable = [
        (row["made"], json.loads(row["sentence"]), {names[int(k)]: v for k, v in json.loads(row["before"]).items()})
        for row in changes
    ]
    return {(row["kind"], names[int(row["subject"])]) for row in fine}, undoable


def test_project_comes_in_as_it_went_out(origin, workspace, parcel):
    home, project_id = origin
    # So that numbers and places differ.
    projects.rename_project(workspace, parcels.make_project(workspace, parcel.with_name("other")), "Other")
    brought = bring(workspace, parcel)
    new_id = brought.project_id
    assert brought.name == "Colours & <b>more</b>"
    assert (brought.num_set_aside, brought.num_runs, brought.runs_left_out) == (0, 1, ())
    ours, theirs = projects.open_project(workspace, new_id), projects.open_project(home, project_id)
    assert (ours.name, ours.created) == (theirs.name, theirs.created)
    assert parcels.images(workspace, new_id).equals(parcels.images(home, project_id))
    assert told(workspace, new_id) == told(home, project_id)
    assert told(home, project_id)[0]
    ours, theirs = dataset.images(workspace, new_id), dataset.images(home, project_id)
    assert ours.drop(columns=["id", "path"]).equals(theirs.drop(columns=["id", "path"]))
    assert ours["path"].str.replace(new_id, project_id).equals(theirs["path"])
    for image, path in zip(ours.itertuples(), theirs["path"], strict=True):
        assert (workspace.home / image.path).read_bytes() == (home.home / path).read_bytes()
        assert dataset.thumbnail_path(workspace, image).exists()


def test_pictures_that_come_in_are_known_by_what_their_own_bytes_add_up_to(workspace, parcel, monkeypatch):
    with zipfile.ZipFile(parcel, "a") as archive:
        archive.writestr("features/digests.parquet", b"what a stranger says")
    paths = list(dataset.images(workspace, bring(workspace, parcel).project_id)["path"])
    truth = [fingerprints.of((workspace.home / path).read_bytes()) for path in paths]
    monkeypatch.setattr(fingerprints, "of", lambda data: pytest.fail("read again"))
    assert fingerprints.of_pictures(workspace.home / features.FOLDER, workspace.home, paths) == truth


def test_pictures_that_were_known_stay_so_where_others_come_in(workspace, parcel):
    before = bring(workspace, parcel).project_id
    after = bring(workspace, changed(parcel, "nothing", lambda data: data)).project_id
    known = fingerprints.remembered(workspace.home / features.FOLDER)
    ours, theirs = (list(dataset.images(workspace, project_id)["path"]) for project_id in (before, after))
    assert [known[path] for path in ours] == [known[path] for path in theirs]


def test_findings_are_the_same(origin, workspace, parcel):
    brought = bring(workspace, parcel)
    said = []
    for where, project_id in ((workspace, brought.project_id), origin):
        table, fine = dataset.images(where, project_id), curation.what_is_fine(where, project_id)
        names = table.set_index("id")["name"]
        found = [*checks.find(table, fine), *checks.hidden(table, fine)]
        said.append([(one.kind, one.count, [names[image] for image in one.ids]) for one in found])
    assert said[0] == said[1]
    assert any(kind == "duplicates" for kind, *_ in said[0])


def test_last_change_can_be_undone_there(workspace, parcel):
    project_id = bring(workspace, parcel).project_id
    for _kind in ("fine", "set_aside"):
        curation.undo(workspace, project_id)
    assert "blue/0.png" in set(dataset.images(workspace, project_id)["name"])


def test_run_comes_with_its_models_its_epochs_and_its_results(origin, workspace, parcel):
    project_id = bring(workspace, parcel).project_id
    (ours,), (theirs,) = runs.list_runs(workspace, project_id), runs.list_runs(*origin)
    assert (ours.name, ours.created, ours.state) == (theirs.name, theirs.created, State.FINISHED)
    assert ours.has_model and ours.has_epochs
    for name in ("model.keras", "model.tflite", "checkpoint/last.npz", "checkpoint/best.npz"):
        assert (ours.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    assert runs.read_config(ours) == runs.read_config(theirs)
    assert history.history(ours).all[1:] == history.history(theirs).all[1:]  # the first names a process
    assert changes_since(ours, dataset.images(workspace, project_id)) == changes_since(
        theirs, dataset.images(origin[0], origin[1])
    )
    ours_said, theirs_said = (metrics.read_predictions(run.folder, "validation") for run in (ours, theirs))
    assert ours_said["path"].str.replace(project_id, origin[1]).equals(theirs_said["path"])
    ours_said, theirs_said = (
        said.drop(columns="path").astype({"probabilities": str}) for said in (ours_said, theirs_said)
    )
    assert ours_said.equals(theirs_said)
    picture = parcels.picture((220, 20, 20))
    assert np.array_equal(predict.predict(ours.folder, [picture]), predict.predict(theirs.folder, [picture]))


def test_project_comes_in_as_often_as_it_is_brought_each_time_with_names_of_its_own(origin, workspace, parcel):
    laid = [lay_ready(workspace, parcel, name) for name in ("first", "second")]  # by two readers at once
    for folder, brought in laid:
        bring_home(workspace, folder, brought.project_id)
    second = laid[1][1]
    assert len({brought.project_id for _, brought in laid} | {origin[1]}) == 3
    assert len({run.id for run in (*runs.list_runs(workspace), *runs.list_runs(*origin))}) == 3
    (run,) = runs.list_runs(workspace, second.project_id)
    table = dataset.images(workspace, second.project_id)
    assert table["path"].str.startswith(f"projects/{second.project_id}/").all()
    changes = changes_since(run, table)
    assert (changes.added, changes.moved) == (0, 0)
    assert all((workspace.home / path).exists() for path in table["path"])


def contents(workspace: Workspace) -> list[str]:
    """What lies in the folders of projects and runs, and what the index says of both."""
    lies = sorted(str(path) for part in ("projects", "runs") for path in (workspace.home / part).rglob("*"))
    with workspace.database() as database:
        said = [
            str(tuple(row))
            for table in ("projects", "images", "runs")
            for row in database.execute(f"SELECT * FROM {table}")
        ]
    return lies + said


def test_what_is_home_already_is_not_brought_home_again(workspace, parcel):
    folder, brought = lay_ready(workspace, parcel, "laid")
    bring_home(workspace, folder, brought.project_id)
    before = contents(workspace)
    bring_home(workspace, folder, brought.project_id)
    assert contents(workspace) == before


def test_what_was_moved_before_the_server_died_is_taken_as_moved(workspace, parcel):
    folder, brought = lay_ready(workspace, parcel, "laid")
    for kind in ("projects", "runs"):
        (source,) = (folder / "home" / kind).iterdir()
        (workspace.home / kind).mkdir()
        source.rename(workspace.home / kind / source.name)
    bring_home(workspace, folder, brought.project_id)
    assert all((workspace.home / path).exists() for path in dataset.images(workspace, brought.project_id)["path"])
    assert runs.list_runs(workspace)[0].has_model


def test_what_could_not_be_brought_home_can_be_later(workspace, parcel, monkeypatch):
    folder, brought = lay_ready(workspace, parcel, "laid")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.parent.name == "runs":  # the project itself has its place by then
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="the disk is gone"):
        bring_home(workspace, folder, brought.project_id)
    monkeypatch.undo()
    assert is_empty(workspace)
    bring_home(workspace, folder, brought.project_id)
    assert all((workspace.home / path).exists() for path in dataset.images(workspace, brought.project_id)["path"])


def test_stored_features_thumbnails_and_logs_stay_behind(origin, whole):
    home, project_id = origin
    assert not [name for name in names_in(whole) if "thumbnails" in name or name.endswith(".log") or "features" in name]
    pictures = {name for name in names_in(whole) if name.startswith("pictures/")}
    assert len(pictures) == len(parcels.images(home, project_id)["file"].dropna())


def test_run_names_no_process_that_may_be_somebody_elses_here(origin, workspace, parcel, own_process):
    pid, created = own_process
    one, other = b'"pid": 1, "process_created": 0.0', f'"pid": {pid}, "process_created": {created}'.encode()
    made = changed(parcel, in_run(origin, "events.jsonl"), lambda data: data.replace(one, other))
    project_id = bring(workspace, made).project_id
    (run,) = runs.list_runs(workspace)
    started = runs.started_by(run.folder)
    assert not processes.Worker(started.pid, started.process_created).is_alive
    jobs.delete_project(workspace, project_id)  # or this test would end here
    projects.recover_project(workspace, project_id)


def test_run_whose_folder_is_gone_is_not_saved(workspace, tmp_path):
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    shutil.rmtree(parcels.make_run(workspace, project_id).folder)
    other = Workspace(tmp_path / "other")
    assert bring(other, packed(workspace, project_id, tmp_path / "project.zip")).num_runs == 0


def test_project_that_is_not_there_cannot_be_packed(origin, tmp_path):
    with pytest.raises(ProjectNotFoundError):
        packed(origin[0], "p404", tmp_path / "project.zip")


def under_way(workspace: Workspace, project_id: str, own_process) -> runs.Run:
    table = dataset.images(workspace, project_id).assign(split="train")
    run = runs.create_run(workspace, project_id, "under way", parcels.CONFIG, table)
    runs.record_process(workspace, run.id, *own_process)
    return run


@pytest.fixture
def own_process():
    return os.getpid(), psutil.Process().create_time()


def test_run_under_way_is_packed_as_of_its_last_whole_epoch_and_can_go_on(workspace, tmp_path, own_process):
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    run = under_way(workspace, project_id, own_process)
    parcels.epochs(run, 2, kept=1)  # the second was kept after the first had been opened
    assert runs.open_run(workspace, run.id).state == State.RUNNING
    other = Workspace(tmp_path / "other")
    bring(other, packed(workspace, project_id, tmp_path / "project.zip"))
    (ours,) = runs.list_runs(other)
    assert ours.state == State.PAUSED and ours.has_epochs
    said, _ = events.read(ours.folder / "events.jsonl")
    assert [event.epoch for event in said if isinstance(event, events.EpochEnded)] == [1]
    assert isinstance(said[-1], events.Paused)
    assert runs.open_run(workspace, run.id).state == State.RUNNING


def test_run_under_way_without_a_whole_epoch_comes_in_as_broken_off(workspace, tmp_path, own_process):
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    under_way(workspace, project_id, own_process)
    other = Workspace(tmp_path / "other")
    bring(other, packed(workspace, project_id, tmp_path / "project.zip"))
    (ours,) = runs.list_runs(other)
    assert ours.state == State.LOST and not ours.has_epochs


def test_run_that_only_waits_is_saved_as_one_that_was_stopped_before_it_began(workspace, tmp_path):
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    table = dataset.images(workspace, project_id).assign(split="train")
    run = runs.create_run(workspace, project_id, "waits", parcels.CONFIG, table)
    other = Workspace(tmp_path / "other")
    bring(other, packed(workspace, project_id, tmp_path / "project.zip"))
    (ours,) = runs.list_runs(other)
    assert (ours.name, ours.state, ours.is_cut_short) == ("waits", State.STOPPED, False)
    assert runs.open_run(workspace, run.id).state == State.QUEUED


@pytest.mark.parametrize("moment", ["counted", "tables", "config.json"])
def test_run_that_is_deleted_while_its_project_is_packed_is_left_out(workspace, tmp_path, monkeypatch, moment):
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    kept, deleted = (parcels.make_run(workspace, project_id, name) for name in ("kept", "deleted"))

    def delete(*_given) -> None:
        runs.delete_run(workspace, deleted.id)

    if moment == "config.json":  # its other files are written by then
        read_bytes = Path.read_bytes
        monkeypatch.setattr(
            Path,
            "read_bytes",
            lambda self: (self == deleted.folder / moment and delete()) or read_bytes(self),
        )
    elif moment == "tables":
        tables = packing._Packing.tables
        monkeypatch.setattr(packing._Packing, "tables", lambda self: (delete(), tables(self)))
    else:
        pictures = packing._pictures
        monkeypatch.setattr(packing, "_pictures", lambda *given: (delete(), pictures(*given))[1])
    file = packed(workspace, project_id, tmp_path / "project.zip")
    monkeypatch.undo()
    brought = bring(Workspace(tmp_path / "other"), file)
    assert (brought.num_runs, brought.runs_left_out) == (1, ())
    assert [run.name for run in runs.list_runs(Workspace(tmp_path / "other"))] == [kept.name]


def test_packing_waits_for_nobody_who_writes_in_the_index(origin, tmp_path):
    workspace, _project_id = origin
    with workspace.database():
        assert packed(*origin, tmp_path / "project.zip").exists()


def test_packing_says_how_far_it_is_and_ends_when_it_is_told(origin, tmp_path):
    said = []
    parcels.pack(*origin, tmp_path / "project.zip", lambda done, total: said.append((done, total)))
    assert said[0][0] == 0 and said[-1][0] == said[-1][1] > 0
    assert said == sorted(said)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parcels.pack(*origin, tmp_path / "stopped.zip", stop)


def test_full_disk_is_told_before_anything_is_written(origin, workspace, parcel, monkeypatch):
    workspace.home.mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(NoRoomError, match="MB are needed"):
        packed(*origin, parcel.with_name("again.zip"))
    with pytest.raises(NoRoomError):
        bring(workspace, parcel)
    assert is_empty(workspace)


# What was made up or damaged. Each case: the part, what is done to it, and what is said.


def as_json(change: Callable[[dict], object]) -> Callable[[bytes], bytes]:
    """A change of the values in the first line of a table, or of the whole of a manifest."""

    def made(data: bytes) -> bytes:
        first, newline, rest = (data, b"", b"") if data.startswith(b"{\n") else data.partition(b"\n")
        values = json.loads(first)
        change(values)
        return json.dumps(values).encode() + newline + rest

    return made


def setting(**values: object) -> Callable[[bytes], bytes]:
    return as_json(lambda told: told.update(values))


MANIFEST = "headstart-project.json"


NONSENSE = {
    "no manifest": (MANIFEST, lambda data: None),
    "no JSON": (MANIFEST, lambda data: b"\x80\x04pickle"),
    "deep JSON": (MANIFEST, lambda data: b"[" * 100_000),
    "a list": (MANIFEST, lambda data: b"[]"),
    "an older form than any": (MANIFEST, setting(format=0)),
    "a form that is no number": (MANIFEST, setting(format="1")),
    "no project": (MANIFEST, setting(project=None)),
    "an id that leads out": (MANIFEST, as_json(lambda told: told["project"].update(id="../../x"))),
    "a name that is none": (MANIFEST, as_json(lambda told: told["project"].update(name=" "))),
    "a name too long": (MANIFEST, as_json(lambda told: told["project"].update(name="x" * 1000))),
    "a time that is none": (MANIFEST, as_json(lambda told: told["project"].update(created=float("nan")))),
    "a run that leads out": (MANIFEST, as_json(lambda told: told["runs"][0].update(id="../../../x"))),
    "a run twice": (MANIFEST, as_json(lambda told: told["runs"].append(told["runs"][0]))),
    "runs that are none": (MANIFEST, setting(runs=7)),
    "fine that is none": (MANIFEST, setting(fine=[["duplicates", "x"]])),
    "fine of an unknown kind": (MANIFEST, setting(fine=[["nothing", "1"]])),
    "no table of pictures": ("images.jsonl", lambda data: None),
    "half a table": ("images.jsonl", lambda data: data[:-20]),
    "a picture that leads out": ("images.jsonl", setting(file="../../../etc/passwd")),
    "a picture without a class": ("images.jsonl", setting(label=None)),
    "a class that is no text": ("images.jsonl", setting(label={"a": 1})),
    "a class that turns what follows": ("images.jsonl", setting(label="bees\u202e")),
    "a split that is none": ("images.jsonl", setting(split="everything")),
    "a width that is none": ("images.jsonl", setting(width=-1)),
    "a size beyond all numbers": ("images.jsonl", setting(size_bytes=2**70)),
    "a sum that is none": ("images.jsonl", setting(sha256="x")),
    "a likeness too short": ("images.jsonl", setting(likeness=base64.b64encode(b"x").decode())),
    "a likeness that is none": ("images.jsonl", setting(likeness="$")),
    "a brightness that is none": ("images.jsonl", setting(brightness="bright")),
    "a time that is no time": ("images.jsonl", setting(removed=True)),
    "a number twice": ("images.jsonl", lambda data: data + data[: data.index(b"\n") + 1]),
    "a column less": ("images.jsonl", as_json(lambda told: told.pop("similar"))),
    "a reason that is none": ("images.jsonl", setting(file=None, problem="[]")),
    "a reason that asks for what is not told": (
        "images.jsonl",
        setting(file=None, problem=json.dumps({"sentence": "{secret}", "values": {}})),
    ),
    "a reason that asks for much room": (
        "images.jsonl",
        setting(file=None, problem=json.dumps({"sentence": "{a:>999999999}", "values": {"a": "x"}})),
    ),
    "a reason that looks into an object": (
        "images.jsonl",
        setting(file=None, problem=json.dumps({"sentence": "{a.__class__}", "values": {"a": "x"}})),
    ),
    "a change of an unknown kind": (
        "changes.jsonl",
        setting(sentence=json.dumps({"kind": "x", "num_images": 1, "names": {}})),
    ),
    "a change that lacks a name": (
        "changes.jsonl",
        setting(sentence=json.dumps({"kind": "moved", "num_images": 1, "names": {}})),
    ),
    "a change that touched nonsense": ("changes.jsonl", setting(before='{"1": 7}')),
    "a sum of a picture that leads out": ("files.jsonl", setting(file="images/../../../../x.png")),
    "a picture listed twice": ("files.jsonl", lambda data: data + data[: data.index(b"\n") + 1]),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_refused_and_leaves_nothing(workspace, parcel, kind):
    part, change = NONSENSE[kind]
    with pytest.raises(BadParcelError) as refused:
        bring(workspace, changed(parcel, part, change))
    assert refused.value.values == {"part": part}
    assert is_empty(workspace)


def test_saved_by_a_newer_version_is_told(workspace, parcel):
    with pytest.raises(NewerParcelError, match="Update Headstart"):
        bring(workspace, changed(parcel, MANIFEST, setting(format=2)))


@pytest.mark.parametrize("cut", [10, 0.3, -40])
def test_file_that_was_cut_off_is_refused(workspace, parcel, cut):
    data = parcel.read_bytes()
    parcel.write_bytes(data[: int(len(data) * cut) if isinstance(cut, float) else cut])
    with pytest.raises((BrokenZipError, BadParcelError)):  # the model at its end is a zip of its own
        bring(workspace, parcel)
    assert is_empty(workspace)


def test_zip_that_is_something_else_is_refused(workspace, tmp_path):
    other = tmp_path / "pets.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("cats/1.png", parcels.picture((1, 2, 3)))
    with pytest.raises(BadParcelError, match="headstart-project"):
        bring(workspace, other)


def first_picture(parcel: Path) -> str:
    return next(name for name in names_in(parcel) if name.startswith("pictures/"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: None, "not in the file"),
        (lambda data: data[:-30], "damaged"),
        (lambda data: parcels.picture((9, 9, 9)), "not the one that was saved"),
        (lambda data: b"#!/bin/sh\nrm -rf /\n", "not a picture"),
        (lambda data: b"", "is empty"),
    ],
)
def test_picture_that_is_not_what_was_saved_is_set_aside_with_the_reason(workspace, parcel, change, reason):
    name = first_picture(parcel)
    brought = bring(workspace, changed(parcel, name, change))
    assert brought.num_set_aside == 1
    aside = dataset.set_aside(workspace, brought.project_id)
    said = [problem.format(**values) for problem, values in zip(aside["problem"], aside["values"], strict=True)]
    assert any(reason in sentence for sentence in said)
    file = workspace.project_folder(brought.project_id) / name.removeprefix("pictures/")
    assert not file.exists()


def test_picture_whose_sum_fits_and_that_is_no_picture_is_set_aside(workspace, parcel):
    name, data = first_picture(parcel), b"<script>alert(1)</script>"
    made = changed(parcel, name, lambda _data: data)
    again = made.rename(made.with_name("again.zip"))
    sums = changed(again, "files.jsonl", setting(sha256=hashlib.sha256(data).hexdigest()))
    brought = bring(workspace, sums)
    assert brought.num_set_aside == 1
    assert not (workspace.project_folder(brought.project_id) / name.removeprefix("pictures/")).exists()


def test_what_is_kept_of_a_picture_holds_nothing_else(workspace, parcel):
    name = first_picture(parcel)
    with zipfile.ZipFile(parcel) as archive:
        data = archive.read(name) + b"<?php hidden ?>"
    made = changed(parcel, name, lambda _data: data)
    again = made.rename(made.with_name("again.zip"))
    brought = bring(workspace, changed(again, "files.jsonl", setting(sha256=hashlib.sha256(data).hexdigest())))
    assert brought.num_set_aside == 0
    kept = workspace.project_folder(brought.project_id) / name.removeprefix("pictures/")
    assert b"hidden" not in kept.read_bytes()


def test_paths_that_climb_out_write_nothing_outside(workspace, parcel, tmp_path):
    with zipfile.ZipFile(parcel, "a") as archive:
        for name in ("../outside.txt", "/tmp/outside-headstart.txt", "runs/../../outside.txt"):
            archive.writestr(name, "x")
    bring(workspace, parcel)
    assert not list(tmp_path.rglob("outside*"))
    assert not Path("/tmp/outside-headstart.txt").exists()


def test_more_than_the_limits_allow_is_refused_before_it_is_read(workspace, parcel):
    for limits in (Limits(unpacked_bytes=1000), Limits(num_files=-unpacking.MAX_RUNS)):
        with pytest.raises(LargeParcelError, match="HEADSTART_MAX"):
            bring(workspace, parcel, limits)
        shutil.rmtree(parcel.with_name("laid-project-0"))
    assert is_empty(workspace)


@pytest.mark.parametrize("table", ["images.jsonl", "changes.jsonl", "files.jsonl"])
def test_table_with_more_rows_than_files_are_allowed_is_refused(workspace, parcel, monkeypatch, table):
    monkeypatch.setattr(unpacking, "MAX_RUNS", 0)
    limits = Limits(num_files=len(names_in(parcel)))
    assert bring(workspace, parcel, limits).num_images  # as it is

    def with_many_rows(data: bytes) -> bytes:
        first = json.loads(data.partition(b"\n")[0])
        made = [
            first | ({"id": number} if "id" in first else {"file": f"images/{number:016x}.png"})
            for number in range(limits.num_files + 1)
        ]
        return b"".join(json.dumps(row).encode() + b"\n" for row in made)

    def repeated(data: bytes) -> bytes:
        return b"".join(data.splitlines(keepends=True)[:1] * limits.num_files * 2)

    change = repeated if table == "changes.jsonl" else with_many_rows
    with pytest.raises(LargeParcelError):
        bring(workspace, changed(parcel, table, change), limits)


@pytest.mark.parametrize("name", ["config.json", "events.jsonl", "images.jsonl"])
def test_run_with_a_part_that_would_fill_the_memory_is_left_out(origin, workspace, parcel, monkeypatch, name):
    monkeypatch.setattr(unpacking, "MAX_RUNS", 0)
    limits = Limits(num_files=len(names_in(parcel)), file_bytes=200_000)
    grown = {
        "config.json": lambda data: data + b" " * 200_000,
        "events.jsonl": lambda data: data * (200_000 // len(data) + 1),
        "images.jsonl": lambda data: data * limits.num_files,
    }
    brought = bring(workspace, changed(parcel, in_run(origin, name), grown[name]), limits)
    assert brought.runs_left_out == ("First *try*",)


def test_pool_is_not_waited_for_once_nobody_wants_the_pictures(workspace, parcel, tmp_path, monkeypatch):
    monkeypatch.setattr(crew, "CHUNK_FILES", 1)
    monkeypatch.setattr(crew, "WAITING_PER_CORE", 8)
    monkeypatch.setattr(crew.os, "cpu_count", lambda: 1)
    workspace.home.mkdir()
    decoded = []

    class CancelledError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise CancelledError

    def decode(pictures, home, max_pixels):
        decoded.append(pictures)
        time.sleep(0.05)
        return [Kept()] * len(pictures)

    monkeypatch.setattr(unpacking, "keep_pictures", decode)
    with pytest.raises(CancelledError), ThreadPoolExecutor(1) as workers:
        unpack(workspace, parcel, tmp_path, Limits(), cancel, workers)
    assert len(decoded) < crew.WAITING_PER_CORE / 2


def test_bomb_is_refused(workspace, parcel):
    made = parcel.with_name("bomb.zip")
    with zipfile.ZipFile(parcel) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, b" " * 50_000_000 if name == MANIFEST else source.read(name))
    with pytest.raises(BadParcelError):
        bring(workspace, made)


def end_the_process(pictures, home, max_pixels):
    os._exit(9)


def test_picture_that_ends_the_process_that_decodes_it_is_told(workspace, parcel, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "keep_pictures", end_the_process)
    workspace.home.mkdir()
    with pytest.raises(CrashedPictureError), ProcessPoolExecutor(1) as workers:
        unpack(workspace, parcel, tmp_path, Limits(), lambda done, total: None, workers)
    assert is_empty(workspace)


# Runs that do not hold up are left out, and the rest of the project comes in.


def in_run(origin, name: str) -> str:
    (run,) = runs.list_runs(*origin)
    return f"runs/{run.id}/{name}"


def keras(layers: object, **more: bytes) -> Callable[[bytes], bytes]:
    written = io.BytesIO()
    parcels.keras_file(written, layers, **more)
    return lambda data: written.getvalue()


def npz(**arrays: np.ndarray) -> Callable[[bytes], bytes]:
    def made(data: bytes) -> bytes:
        with np.load(io.BytesIO(data)) as kept:
            told = dict(kept)
        written = io.BytesIO()
        np.savez(written, **told | arrays)
        return written.getvalue()

    return made


class Evil:
    """Would make a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (str(Path(os.environ["HEADSTART_HOME"]) / "evil"),)


LAMBDA = {"class_name": "Lambda", "module": "keras.layers", "config": {"function": "evil"}, "registered_name": None}
FOREIGN = {"class_name": "Functional", "module": "evil", "config": {}, "registered_name": None}
BOMB = parcels.LAYERS | {"config": {"layers": [{"class_name": "Functional", "module": "os", "config": {}}]}}


UNSOUND = {
    "no settings": ("config.json", lambda data: None),
    "settings that are none": ("config.json", lambda data: b"7"),
    "an unknown network": ("config.json", setting(backbone="evil")),
    "classes that are no text": ("config.json", setting(labels=[1, 2, 3])),
    "a code in a layer": ("model.keras", keras(LAMBDA)),
    "a layer of another package": ("model.keras", keras(FOREIGN)),
    "such a layer deep inside": ("model.keras", keras(BOMB)),
    "another file in the model": ("model.keras", keras(parcels.LAYERS, **{"assets/evil.pkl": b"x"})),
    "a model that is none": ("model.keras", lambda data: b"no zip"),
    "a quick model that is none": ("model.tflite", lambda data: b"no model" * 100),
    "a pickle among the weights": ("checkpoint/last.npz", npz(**{"weight-1": np.array([Evil()], dtype=object)})),
    "a pickle for weights": ("checkpoint/last.npz", lambda data: pickle.dumps(Evil())),
    "an array of another name": ("checkpoint/best.npz", npz(evil=np.ones(1))),
    "a standing that is none": ("checkpoint/last.npz", npz(standing=np.frombuffer(b"{}", np.uint8))),
    "no images": ("images.jsonl", lambda data: None),
    "images elsewhere": ("images.jsonl", setting(path="projects/../../../etc/passwd")),
    "images of another class": ("images.jsonl", setting(label="evil")),
    "predictions of pictures elsewhere": ("predictions.jsonl", setting(path="/etc/passwd")),
    "probabilities that are none": ("predictions.jsonl", setting(probabilities=["a", "b", "c"])),
    "probabilities that the model does not say": (
        "predictions.jsonl",
        as_json(lambda told: told.update(probabilities=told["probabilities"][::-1])),
    ),
    "an epoch that is no number": (
        "events.jsonl",
        lambda data: data.replace(b'"val_accuracy": 0.75', b'"val_accuracy": "x"'),
    ),
    "an epoch without steps": ("events.jsonl", lambda data: data.replace(b'"steps": 2', b'"steps": 0')),
    "a note that looks into an object": (
        "events.jsonl",
        lambda data: data + b'{"event": "Note", "sentence": "{a.__class__}", "values": {"a": 1}, "time": 1.0}\n',
    ),
}


@pytest.mark.parametrize("kind", UNSOUND)
def test_run_that_does_not_hold_up_is_left_out_by_name(origin, workspace, parcel, kind):
    name, change = UNSOUND[kind]
    brought = bring(workspace, changed(parcel, in_run(origin, name), change))
    assert brought.runs_left_out == ("First *try*",)
    assert runs.list_runs(workspace) == []
    assert not list(workspace.home.glob("runs/*"))
    assert len(dataset.images(workspace, brought.project_id)) > 10
    assert not (workspace.home / "evil").exists()


def test_what_was_packed_anew_and_not_changed_holds_up(origin, workspace, parcel):
    brought = bring(workspace, changed(parcel, in_run(origin, "events.jsonl"), bytes))
    assert (brought.runs_left_out, brought.num_set_aside) == ((), 0)


@pytest.mark.parametrize("state", ["running", "queued", "made up", 7])
def test_run_that_says_it_runs_has_broken_off(workspace, parcel, state):
    change = as_json(lambda told: told["runs"][0].update(state=str(state)))
    bring(workspace, changed(parcel, MANIFEST, change))
    (run,) = runs.list_runs(workspace)
    assert run.state == State.LOST and run.is_cut_short and run.has_epochs


def test_every_refusal_says_what_to_do_next():
    for error in (BadParcelError(part="x"), LargeParcelError(files=1, gigabytes=1), CrashedPictureError()):
        assert isinstance(error, AppError)
        assert "othing was taken in" in str(error) or "HEADSTART_MAX" in str(error)
