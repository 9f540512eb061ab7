import shutil
import time
import zipfile
from functools import partial

import psutil
import pytest
from PIL import Image
from streamlit import config

from core import curation, dataset, intake
from core.intake_folder import IntakeFolder
from core.limits import Limits
from core.orders import Order
from core.processes import Worker
from core.taking import IntakeResult
from core.ui import sources
from core.ui.state import Key
from core.ui.upload import FolderUpload, refuse
from core.work_folder import OUTCOME, PROGRESS
from tests.pages.conftest import LABELS
from tests.pages.reader import open_page, parameter, texts


def wait_for_intake(workspace, project_id: str) -> None:
    deadline = time.monotonic() + 20
    while not intake.intake_status(workspace, project_id).is_over:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_zip_is_taken_in_and_its_outcome_told(workspace, project, pictures, tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for index, (_, name, file) in enumerate(pictures):
            archive.write(file, f"{'ant' if index < 6 else 'bee'}/{name}")
        archive.writestr("bee/notes.txt", "not a picture")
    app = open_page("images", project=project.id, lang="en")
    app.pills(key=Key.IMAGE_SOURCE).set_value("zip").run()
    app.file_uploader(key=Key.ZIP.format(0)).upload("pictures.zip", (tmp_path / "pictures.zip").read_bytes()).run()
    app.button(key=Key.ZIP_START).click().run()
    wait_for_intake(workspace, project.id)
    app.run()
    assert "12 pictures were taken in" in app.success[0].value
    assert dict(dataset.images(workspace, project.id)["label"].value_counts()) == {"ant": 6, "bee": 6}
    app.button(key=Key.DISMISS_INTAKE).click().run()
    assert intake.intake_status(workspace, project.id) is None
    assert not app.exception


def primary_buttons(app) -> list[str]:
    return [button.key for button in app.button if button.proto.type == "primary"]


@pytest.mark.parametrize(("source", "key"), [("zip", Key.ZIP_START), ("server", Key.SERVER_START)])
def test_without_enough_pictures_the_button_that_brings_some_stands_out(workspace, filled, source, key):
    curation.remove_class(workspace, filled.id, LABELS[0])
    app = open_page("images", project=filled.id)
    app.pills(key=Key.IMAGE_SOURCE).set_value(source).run()
    assert primary_buttons(app) == [key]


@pytest.mark.parametrize("source", ["zip", "server", "files"])
def test_with_enough_pictures_only_the_button_that_leads_on_stands_out(filled, arrives, source):
    app = open_page("images", project=filled.id)
    app.pills(key=Key.IMAGE_SOURCE).set_value(source).run()
    if source == "files":
        arrives()
        app.run()
        assert Key.CLASS_START in [button.key for button in app.button]
    assert primary_buttons(app) == [Key.NEXT]


def test_a_broken_zip_is_told_in_a_sentence(workspace, project):
    app = open_page("images", project=project.id)
    app.pills(key=Key.IMAGE_SOURCE).set_value("zip").run()
    app.file_uploader(key=Key.ZIP.format(0)).upload("pictures.zip", b"not a zip").run()
    app.button(key=Key.ZIP_START).click().run()
    wait_for_intake(workspace, project.id)
    app.run()
    assert len(app.error) == 1
    assert not app.exception


def test_after_an_error_more_can_be_brought_at_once_and_a_success_takes_the_error_away(
    workspace, project, pictures, tmp_path
):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for label, name, file in pictures:
            archive.write(file, f"{label}/{name}")
    app = open_page("images", project=project.id, lang="en")
    app.pills(key=Key.IMAGE_SOURCE).set_value("zip").run()
    for number, data in enumerate((b"not a zip", (tmp_path / "pictures.zip").read_bytes())):
        app.file_uploader(key=Key.ZIP.format(number)).upload("pictures.zip", data).run()
        app.button(key=Key.ZIP_START).click().run()
        wait_for_intake(workspace, project.id)
        app.run()
        assert (len(app.error), len(app.success)) == ((1, 0), (0, 1))[number]


def test_the_file_set_aside_is_listed_by_name(filled):
    app = open_page("images", project=filled.id, lang="en")
    (table,) = [element.value for element in app.dataframe]
    assert table["File"].to_list() == ["broken [file].jpg"]
    assert table["Reason"].str.len().min() > 10


def test_with_one_class_the_page_says_what_is_missing_and_does_not_lead_on(workspace, filled):
    curation.remove_class(workspace, filled.id, LABELS[0])
    app = open_page("images", project=filled.id)
    assert len(app.error) == 1
    assert Key.NEXT not in [button.key for button in app.button]


def test_all_pictures_are_removed_after_asking(workspace, filled):
    app = open_page("images", project=filled.id)
    app.button(key=Key.REMOVE_ALL).click().run()
    app.button(key=Key.CONFIRM).click().run()
    assert dataset.images(workspace, filled.id).empty


def test_sample_sets_are_offered_to_somebody_without_pictures(project):
    said = texts(open_page("images", project=project.id, lang="en"))
    assert "no download needed" in said
    assert "needs the internet" in said


def test_the_next_button_keeps_the_project_in_the_address(filled):
    app = open_page("images", project=filled.id)
    app.button(key=Key.NEXT).click().run()
    assert parameter(app, "project") == filled.id
    assert not app.exception


@pytest.fixture
def refused_upload(workspace) -> FolderUpload:
    """An upload of which no file was taken."""
    staging = workspace.home / "uploads" / "1"
    (staging / "files").mkdir(parents=True)
    return FolderUpload("1", staging / "files", 0, (refuse("film.png", "size"),))


def test_files_that_the_upload_refused_are_listed_where_nothing_else_came(workspace, project, refused_upload):
    sources._begin_upload(workspace, project.id, refused_upload, Order("folder", str(refused_upload.folder)))
    wait_for_intake(workspace, project.id)
    assert intake.intake_status(workspace, project.id).result == IntakeResult(0, 0, 1)
    assert dataset.set_aside(workspace, project.id)["name"].to_list() == ["film.png"]
    assert not refused_upload.folder.parent.exists()


def begun(workspace, project_id: str) -> IntakeFolder:
    """An intake that goes on; this process stands for the one that does it."""
    folder = IntakeFolder.new(workspace, project_id)
    Order("sample", "flowers").write(folder.path, Limits())
    me = psutil.Process()
    folder.note_worker(Worker(me.pid, me.create_time()))
    return folder


@pytest.fixture
def going_on(workspace, filled):
    """An intake that goes on until the test is over."""
    folder = begun(workspace, filled.id)
    folder.write(PROGRESS, {"stage": "downloading", "done": 12_345_678, "total": 228_813_984, "seconds": 10.0})
    yield
    shutil.rmtree(folder.path)


def test_an_upload_that_comes_too_early_is_thrown_away(workspace, filled, going_on, refused_upload):
    sources._begin_upload(workspace, filled.id, refused_upload, Order("folder", str(refused_upload.folder)))
    assert not refused_upload.folder.parent.exists()


def test_a_download_is_told_in_megabytes_and_nothing_can_be_changed_meanwhile(workspace, filled, going_on):
    curation.rename_class(workspace, filled.id, LABELS[1], "wasp")
    app = open_page("images", project=filled.id, lang="en")
    app.selectbox(key=f"{Key.SHOWN_CLASS}_en").set_value(LABELS[0]).run()
    assert "Downloading …" in texts(app)
    (bar,) = app.get("progress")
    assert bar.proto.text.startswith("12") and bar.proto.text.endswith("left")
    change = curation.last_change(workspace, filled.id)
    locked = (Key.REMOVE_ALL, Key.REMOVE_CLASS.format(LABELS[0]), Key.RENAME_CLASS.format(LABELS[0]))
    for key in (*locked, Key.UNDO.format(change.id), Key.MOVE, Key.SET_ASIDE):
        assert app.button(key=key).disabled


def test_what_is_counted_is_told_by_its_name(workspace, filled):
    folder = begun(workspace, filled.id)
    folder.write(PROGRESS, {"stage": "looking", "done": 2_500_000, "total": 5_000_000, "seconds": 1000.0})
    (bar,) = open_page("images", project=filled.id, lang="en").get("progress")
    assert "2,500,000 of 5,000,000 · 2,500 files a second" in bar.proto.text
    folder.write(PROGRESS, {"stage": "comparing", "done": 10, "total": 100, "seconds": 2.0})
    app = open_page("images", project=filled.id, lang="en")
    assert "Looking for pictures that are nearly the same …" in texts(app)
    (bar,) = app.get("progress")
    assert bar.proto.text == "about 18 s left"
    shutil.rmtree(folder.path)


def test_other_pages_say_that_the_first_pictures_are_on_their_way(workspace, project):
    begun(workspace, project.id)
    assert "Pictures are being taken in" in texts(open_page("model", project=project.id, lang="en"))
    app = open_page("images", project=project.id, lang="en")
    assert "Getting ready …" in texts(app)
    app.button(key=Key.CANCEL_INTAKE)  # not clicked: this process stands for the one that would be ended


@pytest.fixture
def listening():
    """Sets the address that the app listens on."""
    before = config.get_option("server.address")
    yield partial(config.set_option, "server.address")
    config.set_option("server.address", before)


def test_a_folder_of_this_computer_is_taken_where_it_lies(workspace, project, pictures, tmp_path, listening):
    listening("127.0.0.1")
    for index, (_, name, file) in enumerate(pictures):
        place = tmp_path / "pets" / ("ant" if index < 6 else "bee") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    app = open_page("images", project=project.id, lang="en")
    app.pills(key=Key.IMAGE_SOURCE).set_value("server").run()
    app.text_input(key=Key.SERVER_FOLDER).set_value("no/such/folder").run()
    app.button(key=Key.SERVER_START).click().run()
    assert "There is no folder" in app.error[0].value
    app.text_input(key=Key.SERVER_FOLDER).set_value(str(tmp_path / "pets")).run()
    app.button(key=Key.SERVER_START).click().run()
    wait_for_intake(workspace, project.id)
    assert set(dataset.images(workspace, project.id)["label"]) == {"ant", "bee"}


@pytest.mark.parametrize(("address", "setting"), [("0.0.0.0", ""), (None, ""), ("127.0.0.1", "off")])
def test_folders_of_the_server_are_not_offered_to_others(project, monkeypatch, listening, address, setting):
    listening(address)
    monkeypatch.setenv(sources.SERVER_FOLDERS_VARIABLE, setting)
    app = open_page("images", project=project.id)
    assert app.pills(key=Key.IMAGE_SOURCE).options == [
        name for name, _ in sources.SOURCES.values() if name != "Type where a folder is"
    ]


def test_every_way_to_bring_a_folder_says_what_it_does(project, listening):
    listening("127.0.0.1")
    app = open_page("images", project=project.id, lang="en")
    assert app.pills(key=Key.IMAGE_SOURCE).options == [name for name, _ in sources.SOURCES.values()]
    assert "the browser sends its pictures" in texts(app)
    app.pills(key=Key.IMAGE_SOURCE).set_value("server").run()
    assert "on the computer on which Headstart runs" in texts(app)
    assert "the browser sends" not in texts(app)


def over(workspace, project_id: str, **counts: int) -> IntakeFolder:
    """An intake that is over and came to this."""
    folder = begun(workspace, project_id)
    folder.write(OUTCOME, {"result": counts})
    return folder


@pytest.mark.parametrize(
    ("counts", "kind", "sentence"),
    [
        ({"num_already_there": 40}, "info", "Nothing new: all 40 pictures were already here."),
        ({"num_already_there": 1}, "info", "Nothing new: this picture was already here."),
        (
            {"num_already_there": 2, "num_set_aside": 1},
            "warning",
            "Nothing was taken in. 2 pictures were already here. 1 file was set aside.",
        ),
        (
            {"num_removed": 3},
            "info",
            "Nothing was taken in. 3 pictures are among those that you set aside, and stay there.",
        ),
        (
            {"num_taken": 2, "num_already_there": 1},
            "success",
            "2 pictures were taken in. 1 picture was already here.",
        ),
    ],
)
def test_only_what_was_taken_in_looks_like_success(workspace, project, counts, kind, sentence):
    over(workspace, project.id, **counts)
    app = open_page("images", project=project.id, lang="en")
    assert {name: [one.value for one in getattr(app, name)] for name in ("success", "info", "warning")} == {
        "success": [],
        "info": [],
        "warning": [],
    } | {kind: [sentence]}
    assert (Key.UNDO_INTAKE in [button.key for button in app.button]) == (kind == "success")


def test_an_intake_is_undone_picture_by_picture_and_that_is_undone_too(workspace, filled, pictures):
    before = dataset.images(workspace, filled.id)["id"].to_list()
    new = [(f"new {index}.png", str(file)) for index, file in enumerate(other_pictures(pictures[0][2].parent))]
    intake.start_intake(workspace, filled.id, Order("files", label=LABELS[0], files=tuple(new)))
    wait_for_intake(workspace, filled.id)
    taken = sorted(set(dataset.images(workspace, filled.id)["id"]) - set(before))
    assert len(taken) == 3
    curation.move_images(workspace, filled.id, taken[:1], LABELS[1])
    app = open_page("images", project=filled.id, lang="en")
    intake_label, change_label = (button.label for button in app.button if button.label.startswith("Undo"))
    assert intake_label == "Undo: 3 pictures taken in"
    assert change_label.startswith("Undo: 1 picture moved to “bee")
    app.button(key=Key.UNDO_INTAKE).click().run()
    assert dataset.images(workspace, filled.id)["id"].to_list() == before
    assert dataset.removed_images(workspace, filled.id)["id"].to_list() == taken
    assert intake.intake_status(workspace, filled.id) is None
    undo = app.button(key=Key.UNDO.format(curation.last_change(workspace, filled.id).id))
    assert undo.label == "Undo: 3 new pictures set aside"
    undo.click().run()
    assert sorted(dataset.images(workspace, filled.id)["id"]) == sorted([*before, *taken])
    assert not app.exception


def other_pictures(folder) -> list:
    made = []
    for index in range(3):
        made.append(folder / f"other {index}.png")
        Image.new("RGB", (50, 40), (80 * index, 0, 90)).save(made[-1])
    return made


def test_an_intake_that_goes_on_is_not_undone(workspace, filled, going_on):
    assert intake.undo_intake(workspace, filled.id) == 0
    assert len(dataset.images(workspace, filled.id)) == 12
    assert intake.intake_status(workspace, filled.id) is not None


@pytest.fixture
def arrives(workspace, pictures, monkeypatch):
    """Lets three pictures arrive in the drop zone of the files of one class, at the next run of the page."""
    staging = workspace.home / "uploads" / "2"
    waiting = []

    def arrive() -> FolderUpload:
        (staging / "files").mkdir(parents=True)
        for _, name, file in pictures[:3]:
            shutil.copy(file, staging / "files" / name)
        waiting.append(FolderUpload("2", staging / "files", 3))
        return waiting[0]

    monkeypatch.setattr(sources, "folder_input", lambda **shown: waiting.pop() if waiting else None)
    return arrive


def files_of_one_class(project):
    app = open_page("images", project=project.id, lang="en")
    return app.pills(key=Key.IMAGE_SOURCE).set_value("files").run()


def test_a_class_is_taken_in_whose_name_comes_before_its_files(workspace, project, arrives):
    app = files_of_one_class(project)
    app.text_input(key=Key.CLASS_NAME).set_value(" bee ").run()
    arrives()
    app.run()
    wait_for_intake(workspace, project.id)
    assert dataset.images(workspace, project.id)["label"].to_list() == ["bee"] * 3
    assert not app.exception


def test_a_class_is_taken_in_whose_files_come_before_its_name(workspace, project, arrives):
    app = files_of_one_class(project)
    arrives()
    app.run()
    assert "3 files have arrived. Type the name of their class above." in texts(app)
    app.button(key=Key.CLASS_START).click().run()
    assert "needs a name" in app.error[0].value
    assert intake.intake_status(workspace, project.id) is None
    app.text_input(key=Key.CLASS_NAME).set_value("bee").run()
    wait_for_intake(workspace, project.id)
    assert dataset.images(workspace, project.id)["label"].to_list() == ["bee"] * 3
    app.run()
    app.button(key=Key.DISMISS_INTAKE).click().run()
    assert "have arrived" not in texts(app)
    assert not app.exception


def test_files_without_a_class_can_be_discarded(workspace, project, arrives):
    app = files_of_one_class(project)
    upload = arrives()
    app.run()
    app.button(key=Key.CLASS_DISCARD).click().run()
    assert not upload.folder.parent.exists()
    app.text_input(key=Key.CLASS_NAME).set_value("bee").run()
    assert intake.intake_status(workspace, project.id) is None
    assert not app.exception


def test_the_panel_stays_open_for_the_next_class_and_closes_after_a_folder(workspace, filled, arrives, monkeypatch):
    def panel(app):
        (expander,) = [expander for expander in app.expander if expander.label == "Bring in pictures"]
        return expander.proto.expanded

    app = files_of_one_class(filled)
    assert not panel(app)
    app.text_input(key=Key.CLASS_NAME).set_value("wasp").run()
    arrives()
    app.run()
    wait_for_intake(workspace, filled.id)
    app.run()
    app.button(key=Key.DISMISS_INTAKE).click().run()
    assert panel(app)
    assert app.text_input(key=Key.CLASS_NAME).value == ""
    app.pills(key=Key.IMAGE_SOURCE).set_value("samples").run()
    app.button(key=Key.SAMPLE.format("drawn")).click().run()
    wait_for_intake(workspace, filled.id)
    app.run()
    app.button(key=Key.DISMISS_INTAKE).click().run()
    assert not panel(app)


def test_what_becomes_of_pictures_that_no_folder_divides_is_told_below_the_chart(workspace, filled):
    assert "When a training starts, Headstart picks some" in texts(open_page("images", project=filled.id, lang="en"))
    with workspace.database() as database:
        database.execute("UPDATE images SET split = 'train' WHERE label = ?", (LABELS[0],))
        database.execute("UPDATE images SET split = 'validation' WHERE id IN (SELECT min(id) FROM images)")
    told = texts(open_page("images", project=filled.id, lang="en"))
    assert "“Headstart picks”: where a class has no pictures to check with" in told
    with workspace.database() as database:
        ids = "SELECT id FROM images WHERE label = ? AND problem IS NULL ORDER BY id LIMIT ?"
        database.execute("UPDATE images SET split = 'train' WHERE problem IS NULL AND split IS NULL")
        database.execute(f"UPDATE images SET split = 'validation' WHERE id IN ({ids})", (LABELS[1], 2))
    assert "Headstart picks" not in texts(open_page("images", project=filled.id, lang="en"))
