import errno
import io
import json
import os
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import crew, curation, dataset, examining, intake, jobs, projects, taking
from core.harvest import bring_home
from core.incoming import BrokenZipError, FolderNotFoundError, Incoming
from core.intake import (
    IntakeFailedError,
    IntakeResult,
    IntakeRunningError,
    adopt,
    cancel_intake,
    dismiss_intake,
    intake_status,
    start_intake,
    take_files,
    take_folder,
    take_zip,
)
from core.intake_folder import IntakeFolder
from core.limits import Limits
from core.orders import Order
from core.origins import LabelError, of_folder, of_pictures
from core.projects import ProjectNotFoundError
from core.reasons import SetAsideError
from core.taking import FullDiskError, NothingToTakeError, Taking, Target

PATIENCE_SECONDS = 20
RANDOM = np.random.default_rng(1)


def picture() -> bytes:
    file = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (24, 32, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def reasons(workspace, project_id: str) -> dict[str, str]:
    aside = dataset.set_aside(workspace, project_id)
    pairs = zip(aside["problem"], aside["values"], strict=True)
    return dict(zip(aside["name"], [problem.format(**values) for problem, values in pairs], strict=True))


def labels(workspace, project_id: str) -> dict[str, str]:
    table = dataset.images(workspace, project_id)
    return dict(zip(table["name"], table["label"], strict=True))


@pytest.fixture
def project(workspace) -> str:
    return projects.create_project(workspace, "Pets").id


@pytest.fixture
def begun(workspace, project):
    """Starts intakes in processes of their own, and sees to it that none outlives its test."""

    def start(order: Order, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        start_intake(workspace, project, order, limits)

    yield start
    cancel_intake(workspace, project)


def wait(workspace, project_id: str) -> intake.IntakeStatus:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (status := intake_status(workspace, project_id)).is_over and time.monotonic() < deadline:
        time.sleep(0.02)
    assert status.is_over
    return status


def tree(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if "headstart.db" not in path.name}


def test_folder_becomes_images_with_thumbnails(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "cats/2.png": picture(), "dogs/1.png": picture()})
    assert take_folder(workspace, project, folder) == IntakeResult(3, 0, 0)
    table = dataset.images(workspace, project)
    assert labels(workspace, project) == {"cats/1.png": "cats", "cats/2.png": "cats", "dogs/1.png": "dogs"}
    assert table["size_bytes"].iloc[0] == (folder / "cats/1.png").stat().st_size
    assert (table["width"].iloc[0], table["height"].iloc[0]) == (32, 24)
    assert table[["brightness", "contrast", "sharpness"]].iloc[0].between(0.2, 1).all()
    assert (workspace.home / table["path"].iloc[0]).read_bytes() == (folder / "cats/1.png").read_bytes()
    assert all(dataset.thumbnail_path(workspace, row).exists() for row in table.itertuples())
    assert not list(workspace.project_folder(project).rglob("*.part"))


def test_folders_of_the_split_become_the_split(workspace, project, tmp_path):
    files = {f"x/{split}/cats/{split}.png": picture() for split in ("train", "val", "test")}
    take_folder(workspace, project, write(tmp_path / "pets", files))
    table = dataset.images(workspace, project)
    assert sorted(table["split"]) == ["test", "train", "validation"]
    assert set(table["label"]) == {"cats"}


def test_good_images_stay_beside_what_is_set_aside_by_name(workspace, project, tmp_path):
    folder = write(
        tmp_path / "pets",
        {
            "cats/1.png": picture(),
            "cats/broken.png": picture()[:400],
            "cats/empty.png": b"",
            "cats/notes.txt": b"hello",
            "cats/drawing.svg": b"<svg/>",
            "cats/paper.pdf": b"%PDF-1.7",
            "cats/large.png": b"x" * 3_000_000,
            "dogs/1.png": picture(),
            "loose.png": picture(),
            "cats/more.zip": b"PK",
            "cats/.DS_Store": b"x",
        },
    )
    (folder / "cats" / "link.png").symlink_to(folder / "cats" / "1.png")
    assert take_folder(workspace, project, folder, limits=Limits(file_bytes=2 * 1024**2)) == IntakeResult(2, 0, 9)
    said = reasons(workspace, project)
    expected = {
        "cats/broken.png": "damaged",
        "cats/empty.png": "empty",
        "cats/notes.txt": "not a picture",
        "cats/drawing.svg": "not a picture",
        "cats/paper.pdf": "not a picture",
        "cats/large.png": "larger than 2 MB",
        "cats/link.png": "link",
        "loose.png": "no class folder",
        "cats/more.zip": "packed file",
    }
    assert said.keys() == expected.keys()
    for name, words in expected.items():
        assert words in said[name]


def test_too_many_pixels_are_set_aside(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture()})
    take_folder(workspace, project, folder, limits=Limits(pixels=500))
    assert "million pixels" in reasons(workspace, project)["cats/1.png"]


def test_files_over_the_number_are_left_out_and_told(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {f"cats/{number}.png": picture() for number in range(5)})
    assert take_folder(workspace, project, folder, limits=Limits(num_files=2)) == IntakeResult(2, 0, 1)
    assert "3 files were left out: at most 2 are" in reasons(workspace, project)["cats/2.png"]


def test_picture_without_an_ending_is_known_by_its_bytes(workspace, project, tmp_path):
    take_folder(
        workspace, project, write(tmp_path / "pets", {"cats/1": picture(), "dogs/1.png": picture(), "2": picture()})
    )
    assert labels(workspace, project) == {"cats/1": "cats", "dogs/1.png": "dogs"}
    assert "no class folder" in reasons(workspace, project)["2"]


def test_loose_picture_without_an_ending_does_not_block_its_copy_in_a_class(workspace, project, tmp_path):
    data = picture()
    take_folder(workspace, project, write(tmp_path / "pets", {"1": data, "cats/1.png": data, "dogs/1.png": picture()}))
    assert labels(workspace, project) == {"cats/1.png": "cats", "dogs/1.png": "dogs"}


def test_folder_of_pictures_is_a_class(workspace, project, tmp_path):
    take_folder(workspace, project, write(tmp_path / "glass", {"1.png": picture()}))
    assert labels(workspace, project) == {"1.png": "glass"}


def test_folder_of_an_upload_gives_no_class_its_name(workspace, project):
    take_folder(workspace, project, write(workspace.home / "uploads" / "files", {"1.png": picture()}))
    assert "no class folder" in reasons(workspace, project)["1.png"]


def test_pictures_that_are_there_already_are_counted_and_kept_once(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "dogs/1.png": picture()})
    write(folder, {"cats/again.png": (folder / "cats/1.png").read_bytes()})
    assert take_folder(workspace, project, folder) == IntakeResult(2, 1, 0)
    assert take_folder(workspace, project, folder) == IntakeResult(0, 3, 0)
    assert len(dataset.images(workspace, project)) == 2


def test_another_project_may_have_the_same_pictures(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture()})
    take_folder(workspace, project, folder)
    other = projects.create_project(workspace, "Other").id
    assert take_folder(workspace, other, folder) == IntakeResult(1, 0, 0)


def test_picture_in_two_classes_is_kept_in_the_first_and_told(workspace, project, tmp_path):
    data = picture()
    folder = write(tmp_path / "pets", {"cats/1.png": data, "dogs/1.png": data, "dogs/2.png": picture()})
    assert take_folder(workspace, project, folder) == IntakeResult(2, 0, 1)
    assert "already in the class “cats”" in reasons(workspace, project)["dogs/1.png"]


def test_copies_of_a_broken_picture_are_all_set_aside(workspace, project, tmp_path):
    broken = picture()[:400]
    folder = write(tmp_path / "pets", {"cats/1.png": broken, "cats/2.png": broken, "cats/3.png": picture()})
    assert take_folder(workspace, project, folder) == IntakeResult(1, 0, 2)
    assert list(reasons(workspace, project)) == ["cats/1.png", "cats/2.png"]


def test_file_set_aside_twice_is_listed_once_and_a_mended_one_no_more(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": b"", "cats/2.png": b""})
    for _ in range(2):
        take_folder(workspace, project, folder)
    assert list(reasons(workspace, project)) == ["cats/1.png", "cats/2.png"]
    take_folder(workspace, project, write(folder, {"cats/1.png": picture()}))
    assert list(reasons(workspace, project)) == ["cats/2.png"]


def test_more_pictures_than_a_chunk_keep_their_order(workspace, project, tmp_path):
    names = [f"cats/{number:03}.png" for number in range(crew.CHUNK_FILES * 2 + 5)]
    told = []
    folder = write(tmp_path / "pets", {name: picture() for name in names})
    take_folder(workspace, project, folder, lambda *counted: told.append(counted))
    assert list(dataset.images(workspace, project)["name"]) == names
    looked = [(done, len(names), "looking") for done in (0, crew.CHUNK_FILES, crew.CHUNK_FILES * 2, len(names))]
    pairs = len(names) * (len(names) - 1) // 2
    assert told[: len(looked)] == looked
    assert {stage for _, _, stage in told[len(looked) :]} == {"comparing"}
    assert told[-1] == (pairs, pairs, "comparing")


def test_picture_that_its_owner_set_aside_stays_there_and_is_counted(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "cats/2.png": picture()})
    take_folder(workspace, project, folder)
    first = dataset.images(workspace, project)["id"].iloc[0]
    curation.set_images_aside(workspace, project, [int(first)])
    assert take_folder(workspace, project, folder) == IntakeResult(0, 1, 0, 1)
    write(tmp_path / "again", {"dogs/1.png": (folder / "cats/1.png").read_bytes(), "dogs/2.png": picture()})
    assert take_folder(workspace, project, tmp_path / "again") == IntakeResult(1, 0, 1)
    assert "Set aside by you" in reasons(workspace, project)["dogs/1.png"]
    curation.restore_images(workspace, project, [int(first)])
    assert list(dataset.images(workspace, project)["name"]) == ["cats/1.png", "cats/2.png", "dogs/2.png"]


def test_picture_that_its_owner_moved_is_here_already_for_the_folder_it_came_in(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "cats/2.png": picture()})
    take_folder(workspace, project, folder)
    first = int(dataset.images(workspace, project)["id"].iloc[0])
    curation.move_images(workspace, project, [first], "dogs")
    assert take_folder(workspace, project, folder) == IntakeResult(0, 2, 0)
    curation.move_images(workspace, project, [first], "birds")
    assert take_folder(workspace, project, folder) == IntakeResult(0, 2, 0)
    assert dataset.images(workspace, project).set_index("name")["label"].to_dict() == {
        "cats/1.png": "birds",
        "cats/2.png": "cats",
    }
    curation.set_images_aside(workspace, project, [first])
    assert take_folder(workspace, project, folder) == IntakeResult(0, 1, 0, 1)
    assert reasons(workspace, project) == {}


def test_folder_that_never_gave_a_picture_its_class_contradicts_also_after_a_move(workspace, project, tmp_path):
    one = picture()
    take_folder(workspace, project, write(tmp_path / "pets", {"cats/1.png": one}))
    curation.move_images(workspace, project, dataset.images(workspace, project)["id"], "dogs")
    other = write(tmp_path / "other", {"birds/1.png": one, "dogs/1.png": one})
    assert take_folder(workspace, project, other) == IntakeResult(0, 1, 1)
    assert "in the class “dogs”" in reasons(workspace, project)["birds/1.png"]


def test_move_that_was_undone_lets_the_other_folder_contradict_again(workspace, project, tmp_path):
    one = picture()
    take_folder(workspace, project, write(tmp_path / "pets", {"cats/1.png": one}))
    curation.move_images(workspace, project, dataset.images(workspace, project)["id"], "dogs")
    curation.undo(workspace, project)
    assert take_folder(workspace, project, write(tmp_path / "other", {"dogs/1.png": one})) == IntakeResult(0, 0, 1)


def test_pictures_of_an_undone_intake_come_back_in_the_class_of_their_folder_now(workspace, project, tmp_path, begun):
    one, two, three = picture(), picture(), picture()
    take_folder(workspace, project, write(tmp_path / "pets", {"cats/0.png": three}))
    wrong = write(tmp_path / "wrong", {"Downloads/1.png": one, "Downloads/2.png": two})
    begun(Order("folder", str(wrong)))
    wait(workspace, project)
    ids = dataset.images(workspace, project)["id"].to_list()
    curation.move_images(workspace, project, ids[:2], "birds")
    assert intake.undo_intake(workspace, project) == 2
    assert curation.last_change(workspace, project).kind == "intake"
    right = write(tmp_path / "right", {"cats/1.png": one, "dogs/2.png": two, "dogs/again.png": two})
    begun(Order("folder", str(right)))
    assert wait(workspace, project).result == IntakeResult(2, 1, 0)
    assert labels(workspace, project) == {"cats/0.png": "birds", "cats/1.png": "cats", "dogs/2.png": "dogs"}
    assert dataset.images(workspace, project)["id"].to_list() == ids
    # Of what was done before, only what concerns the other picture is left.
    change = curation.undo(workspace, project)
    assert (change.kind, change.num_images) == ("moved", 1)
    assert labels(workspace, project) == {"cats/0.png": "cats", "cats/1.png": "cats", "dogs/2.png": "dogs"}
    assert intake.undo_intake(workspace, project) == 2
    assert labels(workspace, project) == {"cats/0.png": "cats"}


def test_picture_of_an_undone_intake_that_was_set_aside_by_hand_since_stays_there(workspace, project, tmp_path, begun):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "cats/2.png": picture()})
    begun(Order("folder", str(folder)))
    wait(workspace, project)
    ids = dataset.images(workspace, project)["id"].to_list()
    intake.undo_intake(workspace, project)
    curation.restore_images(workspace, project, ids[:1])
    curation.set_images_aside(workspace, project, ids[:1])
    assert take_folder(workspace, project, folder) == IntakeResult(1, 0, 0, 1)
    assert labels(workspace, project) == {"cats/2.png": "cats"}


def photo(seed: int, side: int = 400) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def jpeg(picture: Image.Image, quality: int = 95) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_near_duplicates_are_grouped_also_with_those_of_an_earlier_intake(workspace, project, tmp_path):
    pictures = {f"cats/{seed}.jpg": jpeg(photo(seed)) for seed in range(4)}
    take_folder(workspace, project, write(tmp_path / "first", pictures))
    assert dataset.images(workspace, project)["similar"].isna().all()
    again = {"cats/small.jpg": jpeg(photo(1, 200)), "dogs/other.jpg": jpeg(photo(1), 30), "dogs/9.jpg": jpeg(photo(9))}
    take_folder(workspace, project, write(tmp_path / "second", again))
    similar = dataset.images(workspace, project).set_index("name")["similar"].dropna()
    assert sorted(similar.index) == ["cats/1.jpg", "cats/small.jpg", "dogs/other.jpg"]
    assert similar.nunique() == 1


def test_intake_that_is_cut_short_leaves_the_groups_that_were_known(workspace, project, tmp_path):
    twins = {"cats/1.jpg": jpeg(photo(1)), "cats/2.jpg": jpeg(photo(1), 30)}
    take_folder(workspace, project, write(tmp_path / "first", twins))

    def fall_over(done: int, total: int, stage: str) -> None:
        if done:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_folder(workspace, project, write(tmp_path / "second", {"cats/3.jpg": jpeg(photo(3))}), fall_over)
    similar = dataset.images(workspace, project).set_index("name")["similar"]
    assert similar.notna().to_dict() == {"cats/1.jpg": True, "cats/2.jpg": True, "cats/3.jpg": False}


def test_small_picture_is_its_own_thumbnail(workspace, project, tmp_path):
    take_folder(workspace, project, write(tmp_path / "x", {"a/1.jpg": jpeg(photo(1, 100)), "a/2.jpg": jpeg(photo(2))}))
    small, large = dataset.images(workspace, project).itertuples()
    assert dataset.thumbnail_path(workspace, small) == workspace.home / small.path
    assert dataset.thumbnail_path(workspace, large).parents[1].name == "thumbnails"


def test_zip_of_class_folders_in_an_extra_folder(workspace, project, tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr("pets/cats/1.png", picture())
        archive.writestr("pets/dogs/1.png", picture())
        archive.writestr("__MACOSX/pets/cats/._1.png", b"x")
        archive.writestr("../evil.png", picture())
    assert take_zip(workspace, project, tmp_path / "pets.zip") == IntakeResult(2, 0, 1)
    assert labels(workspace, project) == {"pets/cats/1.png": "cats", "pets/dogs/1.png": "dogs"}
    assert list(reasons(workspace, project)) == ["../evil.png"]
    assert not (tmp_path / "evil.png").exists()


def test_broken_zip_is_told_and_takes_nothing(workspace, project, tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"not a zip")
    with pytest.raises(BrokenZipError):
        take_zip(workspace, project, tmp_path / "pets.zip")
    assert dataset.images(workspace, project).empty


def test_files_become_one_class(workspace, project, tmp_path):
    folder = write(tmp_path, {"a.png": picture(), "b.png": picture(), "c.txt": b"hello"})
    files = [(name, folder / name) for name in ("a.png", "b.png", "c.txt")]
    assert take_files(workspace, project, " cats\n ", files) == IntakeResult(2, 0, 1)
    assert labels(workspace, project) == {"a.png": "cats", "b.png": "cats"}


@pytest.mark.parametrize("label", ["", "  ", "\x00\n"])
def test_files_need_a_class(workspace, project, label):
    with pytest.raises(LabelError):
        take_files(workspace, project, label, [])


def test_files_of_any_origin_are_laid_out_by_their_names(workspace, project, tmp_path):
    def refuse() -> bytes:
        raise SetAsideError("empty")

    incoming = [Incoming("x/cats/1.png", picture), Incoming("x/dogs/1.png", picture), Incoming("x/dogs/2.png", refuse)]
    target = Target(workspace, project, workspace.project_folder(project) / "intakes" / "1", Limits())
    result = Taking(target, lambda: ThreadPoolExecutor(1)).take(of_pictures(iter(incoming)), lambda *counted: None)
    assert result == IntakeResult(2, 0, 1)
    assert labels(workspace, project) == {}
    bring_home(workspace, project, target.folder)
    assert set(labels(workspace, project).values()) == {"cats", "dogs"}
    bring_home(workspace, project, target.folder)
    assert len(dataset.images(workspace, project)) == 2


def test_empty_folder_and_empty_zip_say_what_to_choose(workspace, project, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToTakeError, match="no file in there"):
        take_folder(workspace, project, tmp_path / "empty")
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    with pytest.raises(NothingToTakeError):
        take_zip(workspace, project, tmp_path / "empty.zip")


def test_missing_folder_and_missing_project_are_told(workspace, project, tmp_path):
    with pytest.raises(FolderNotFoundError):
        take_folder(workspace, project, tmp_path / "nowhere")
    with pytest.raises(ProjectNotFoundError):
        take_folder(workspace, "nobody", write(tmp_path / "pets", {"cats/1.png": picture()}))


def test_project_deleted_meanwhile_is_told_and_leaves_no_files(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "cats/2.png": picture()})
    with pytest.raises(ProjectNotFoundError):
        take_folder(workspace, project, folder, lambda *counted: projects.delete_project(workspace, project))
    assert list((workspace.project_folder(project) / "intakes").iterdir()) == []


def test_full_disk_is_told_and_what_is_recorded_stays(workspace, project, tmp_path, monkeypatch):
    names = [f"cats/{number:03}.png" for number in range(crew.CHUNK_FILES + 1)]
    folder = write(tmp_path / "pets", {name: picture() for name in names})
    last = (folder / names[-1]).read_bytes()

    class Disk(io.FileIO):
        def write(self, data: bytes) -> int:
            if data == last:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(examining.io, "FileIO", Disk)
    with pytest.raises(FullDiskError, match="The disk is full"):
        take_folder(workspace, project, folder)
    monkeypatch.undo()
    assert len(dataset.images(workspace, project)) == crew.CHUNK_FILES
    assert take_folder(workspace, project, folder) == IntakeResult(1, crew.CHUNK_FILES, 0)


def test_full_database_is_told_and_the_next_time_all_are_taken(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {f"cats/{'x' * 200}{number}.png": picture() for number in range(60)})
    # SQLite's own limit of pages answers as a full disk does.
    database = workspace.database

    class Small(type(workspace)):
        def database(self, **options):
            return limited(database(**options))

    with pytest.raises(FullDiskError):
        take_folder(Small(workspace.home), project, folder)
    assert take_folder(workspace, project, folder).num_taken == 60


class limited:  # noqa: N801 (a context manager around another)
    """A database that may not grow."""

    def __init__(self, inner):
        self.inner = inner

    def __enter__(self):
        connection = self.inner.__enter__()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    def __exit__(self, *error):
        return self.inner.__exit__(*error)


def test_picture_too_large_for_the_memory_is_set_aside_alone(workspace, project, tmp_path, monkeypatch):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "cats/2.png": picture()})
    second, working_copy = (folder / "cats/2.png").read_bytes(), examining.working_copy

    def exhaust(data: bytes, **options: int) -> object:
        if data == second:
            raise MemoryError
        return working_copy(data, **options)

    monkeypatch.setattr(examining, "working_copy", exhaust)
    assert take_folder(workspace, project, folder) == IntakeResult(1, 0, 1)
    assert "too little free memory" in reasons(workspace, project)["cats/2.png"]


def test_mistake_of_ours_keeps_what_was_recorded(workspace, project, tmp_path):
    names = [f"cats/{number}.png" for number in range(crew.CHUNK_FILES + 1)]
    folder = write(tmp_path / "pets", {name: picture() for name in names})

    def fall_over(done: int, total: int, stage: str) -> None:
        if done:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_folder(workspace, project, folder, fall_over)
    assert len(dataset.images(workspace, project)) == crew.CHUNK_FILES


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_name_that_is_no_text_is_kept_as_text(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {os.fsdecode(b"caf\xe9/1.png"): picture(), "b/1.png": picture()})
    take_folder(workspace, project, folder)
    assert set(labels(workspace, project).values()) == {"caf", "b"}


def test_problem_is_stored_as_a_sentence_and_its_values(workspace, project, tmp_path):
    folder = write(tmp_path / "pets", {"cats/1.png": b"x" * 2_000_000})
    take_folder(workspace, project, folder, limits=Limits(file_bytes=1024**2))
    with workspace.database() as database:
        problem = json.loads(database.execute("SELECT problem FROM images").fetchone()[0])
    assert problem == {
        "sentence": SetAsideError("too_large", limit_megabytes=1).sentence,
        "values": {"limit_megabytes": 1},
    }


def test_intake_in_a_process_of_its_own_is_found_again_until_dismissed(workspace, project, tmp_path, begun):
    folder = write(tmp_path / "pets", {"cats/1.png": picture(), "dogs/1.png": picture(), "dogs/2.png": b""})
    begun(Order("folder", str(folder), refused=(("a.png", SetAsideError("link").sentence, {}),)))
    status = wait(workspace, project)
    assert (status.stage, status.done, status.total, status.error) == ("comparing", 1, 1, None)
    assert status.result == IntakeResult(2, 0, 2)
    assert list(reasons(workspace, project)) == ["a.png", "dogs/2.png"]
    assert labels(workspace, project) == {"cats/1.png": "cats", "dogs/1.png": "dogs"}
    dismiss_intake(workspace, project)
    assert intake_status(workspace, project) is None
    table = dataset.images(workspace, project)
    assert all((workspace.home / path).exists() for path in table["path"])
    assert all(dataset.thumbnail_path(workspace, row).exists() for row in table.itertuples())
    assert not list(workspace.project_folder(project).rglob("*.json"))


def test_zip_is_taken_by_several_processes_and_what_it_was_made_of_is_removed(workspace, project, tmp_path, begun):
    (tmp_path / "made").mkdir()
    with zipfile.ZipFile(tmp_path / "made" / "pets.zip", "w") as archive:
        for number in range(70):
            archive.writestr(f"cats/{number}.png", picture())
    begun(Order("zip", str(tmp_path / "made" / "pets.zip"), discard=str(tmp_path / "made")))
    assert wait(workspace, project).result == IntakeResult(70, 0, 0)
    assert not (tmp_path / "made").exists()


def test_only_what_was_refused_is_listed(workspace, project, tmp_path, begun):
    (tmp_path / "empty").mkdir()
    refused = tuple((name, SetAsideError("empty").sentence, {}) for name in ("a\x00.png", "b.png"))
    begun(Order("folder", str(tmp_path / "empty"), refused=refused))
    assert wait(workspace, project).result == IntakeResult(0, 0, 2)
    assert list(reasons(workspace, project)) == ["a.png", "b.png"]


def many(folder: Path) -> Path:
    """More pictures than are taken in before the test has looked."""
    return write(folder, {f"cats/{number}.png": picture() for number in range(3000)})


def test_second_intake_waits_for_the_first(workspace, project, tmp_path, begun):
    begun(Order("folder", str(many(tmp_path / "pets"))))
    with pytest.raises(IntakeRunningError, match="Wait until that is done"):
        begun(Order("sample", "drawn"))
    dismiss_intake(workspace, project)
    assert intake_status(workspace, project) is not None


def test_cancelled_intake_leaves_the_project_as_it_was(workspace, project, tmp_path, begun):
    take_folder(workspace, project, write(tmp_path / "first", {"dogs/1.png": picture(), "dogs/2.png": b""}))
    before, table = tree(workspace.home), dataset.images(workspace, project)
    pets = many(tmp_path / "pets")
    begun(Order("folder", str(pets)))
    while not intake_status(workspace, project).done:
        time.sleep(0.02)
    cancel_intake(workspace, project)
    assert intake_status(workspace, project) is None
    assert tree(workspace.home) == before
    assert dataset.images(workspace, project).equals(table)
    assert list(reasons(workspace, project)) == ["dogs/2.png"]
    assert len(list(pets.rglob("*.png"))) == 3000


def test_project_that_is_deleted_takes_its_intake_with_it(workspace, project, tmp_path, begun):
    begun(Order("folder", str(many(tmp_path / "pets"))))
    while not intake_status(workspace, project).done:
        time.sleep(0.02)
    jobs.delete_project(workspace, project)
    assert list((workspace.project_folder(project) / "intakes").iterdir()) == []


def test_cancel_of_what_is_over_changes_nothing(workspace, project, tmp_path, begun):
    begun(Order("sample", "drawn"))
    result = wait(workspace, project).result
    cancel_intake(workspace, project)
    assert intake_status(workspace, project).result == result
    assert len(dataset.images(workspace, project)) == result.num_taken


def test_killed_intake_keeps_what_was_taken_and_says_so(workspace, project, tmp_path, begun):
    begun(Order("folder", str(many(tmp_path / "pets"))))
    while not intake_status(workspace, project).done:
        time.sleep(0.02)
    os.kill(IntakeFolder.current(workspace, project).worker.pid, signal.SIGKILL)
    status = wait(workspace, project)
    assert status.error.sentence == IntakeFailedError.sentence
    taken = len(dataset.images(workspace, project))
    assert taken >= crew.CHUNK_FILES
    dismiss_intake(workspace, project)
    assert take_folder(workspace, project, tmp_path / "pets") == IntakeResult(3000 - taken, taken, 0)


def test_intake_that_an_earlier_server_began_is_brought_to_its_end(workspace, project, tmp_path, monkeypatch):
    folder = write(tmp_path / "pets", {"cats/1.png": picture()})
    with monkeypatch.context() as patch:
        patch.setattr(intake, "_follow", lambda *known: None)  # the server is gone
        start_intake(workspace, project, Order("folder", str(folder)))
    adopt(workspace)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while dataset.images(workspace, project).empty and time.monotonic() < deadline:
        time.sleep(0.02)
    assert labels(workspace, project) == {"cats/1.png": "cats"}


def test_error_of_an_intake_in_its_own_process_is_kept(workspace, project, tmp_path, begun):
    begun(Order("zip", str(tmp_path / "gone.zip")))
    assert "is not a zip that can be read" in wait(workspace, project).error.shown()


def test_mistake_of_ours_becomes_one_calm_sentence_and_a_traceback(workspace, project, begun):
    begun(Order("sample", "nothing of that name"))
    assert wait(workspace, project).error.sentence == IntakeFailedError.sentence
    assert "KeyError" in next(workspace.home.rglob("worker.log")).read_text()


def test_nothing_is_under_way_at_first(workspace, project):
    assert intake_status(workspace, project) is None
    dismiss_intake(workspace, project)
    cancel_intake(workspace, project)
    assert intake_status(workspace, project) is None
    with pytest.raises(ProjectNotFoundError):
        start_intake(workspace, "nobody", Order("sample", "drawn"))


def crash(arrivals, destination):
    """Stands for a decoder that ends its process over one of the pictures."""
    if any(arrival.name == "cats/5.png" for arrival in arrivals):
        os.kill(os.getpid(), signal.SIGKILL)
    return examining.examine(arrivals, destination)


def test_file_that_ends_the_process_that_reads_it_is_set_aside_alone(workspace, project, tmp_path, monkeypatch):
    monkeypatch.setattr(taking, "examine", crash)
    folder = write(tmp_path / "pets", {f"cats/{number}.png": picture() for number in range(8)})
    target = Target(workspace, project, workspace.project_folder(project) / "intakes" / "1", Limits())
    intaking = Taking(target, crew.processes)
    assert intaking.take(of_folder(folder, Limits()), lambda *counted: None) == IntakeResult(7, 0, 1)
    bring_home(workspace, project, target.folder)
    assert "ended without a word" in reasons(workspace, project)["cats/5.png"]
