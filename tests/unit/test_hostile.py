import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import dataset, projects
from core.incoming import BrokenZipError, list_zip, opened_zip
from core.intake import take_files, take_folder, take_zip
from core.limits import Limits
from core.pictures import UnreadablePictureError, working_copy
from core.reasons import SetAsideError
from tests import hostile
from tests.hostile import BROKEN, FILES, ZIPS, Kind

KEPT_FILE = re.compile(
    r"projects/[^/]+/intakes/[^/]+/(images/[0-9a-f]{2}/[0-9a-f]{16}\.(jpg|png)|thumbnails/[0-9a-f]{2}/[0-9a-f]{16}\.jpg)"
)
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PHOTOS = {form: hostile.photo(form) for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")}
GOOD_ZIP = hostile.good(**{"x/1.jpg": hostile.photo("JPEG")})


@pytest.fixture
def project(workspace) -> str:
    return projects.create_project(workspace, "Pets").id


def tree(folder: Path, but: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() and path.stat().st_size < 10**6 else None
        for path in folder.rglob("*")
        if not path.is_relative_to(but)
    }


def outcomes(workspace, project: str) -> dict[str, str | None]:
    aside = dataset.set_aside(workspace, project)
    told = zip(aside["name"], aside["problem"], aside["values"], strict=True)
    said: dict[str, str | None] = {name: problem.format(**values) for name, problem, values in told}
    return said | dict.fromkeys(dataset.images(workspace, project)["name"])


def check(workspace, project: str, said: dict[str, str | None]) -> None:
    """Everything is named with its reason or taken in, and the project holds nothing else."""
    made = outcomes(workspace, project)
    assert made.keys() == said.keys()
    for name, words in said.items():
        assert made[name] is None if words is None else words in made[name], name
    files = [path.relative_to(workspace.home).as_posix() for path in workspace.home.rglob("*") if path.is_file()]
    assert [file for file in files if not KEPT_FILE.fullmatch(file) and not file.startswith("headstart.db")] == []


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.name)
def test_hostile_file_in_a_folder(workspace, project, tmp_path, kind: Kind):
    folder = tmp_path / "pets"
    for name, data in {**{file: kind.make() for file in kind.said}, "good/1.png": hostile.photo()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    before = tree(tmp_path, workspace.home)
    take_folder(workspace, project, folder)
    assert tree(tmp_path, workspace.home) == before
    check(workspace, project, {**kind.said, "good/1.png": None})


@pytest.mark.parametrize("kind", ZIPS, ids=lambda kind: kind.name)
def test_hostile_zip(workspace, project, tmp_path, kind: Kind):
    (tmp_path / "pets.zip").write_bytes(kind.make())
    before = tree(tmp_path, workspace.home)
    take_zip(workspace, project, tmp_path / "pets.zip")
    assert tree(tmp_path, workspace.home) == before
    check(workspace, project, kind.said)


@pytest.mark.parametrize("kind", BROKEN)
def test_zip_that_cannot_be_opened(workspace, project, tmp_path, kind):
    (tmp_path / "pets.zip").write_bytes(BROKEN[kind]())
    with pytest.raises(BrokenZipError):
        take_zip(workspace, project, tmp_path / "pets.zip")
    assert [path.name for path in workspace.home.rglob("*") if path.suffix in (".png", ".jpg")] == []


def test_zip_with_a_swollen_directory_is_not_read(workspace, project, tmp_path, monkeypatch):
    monkeypatch.setattr("core.zip_parts.MAX_DIRECTORY_BYTES", 70_000)
    (tmp_path / "pets.zip").write_bytes(hostile.zip_of({"n" * 60_000 + str(number): b"" for number in range(2)}))
    with pytest.raises(BrokenZipError):
        take_zip(workspace, project, tmp_path / "pets.zip")


def test_seventy_thousand_empty_files(workspace, project, tmp_path):
    (tmp_path / "pets.zip").write_bytes(hostile.seventy_thousand_empty_files())
    take_zip(workspace, project, tmp_path / "pets.zip", limits=Limits(num_files=300))
    said = {f"x/{number}.png": "empty" for number in range(298)}
    check(workspace, project, {**hostile.GOOD, **said, "x/298.png": "69702 files were left out"})


def test_pictures_whose_names_differ_in_form_are_all_taken_in(workspace, project, tmp_path):
    (tmp_path / "pets.zip").write_bytes(hostile.names_in_two_forms())
    assert take_zip(workspace, project, tmp_path / "pets.zip").num_taken == 5


@pytest.mark.parametrize("label", ["CON", "aux.jpg", "../x", "<b>x</b>", "x" * 300])
def test_class_name_never_becomes_a_path(workspace, project, tmp_path, label):
    (tmp_path / "1.png").write_bytes(hostile.photo())
    before = tree(tmp_path, workspace.home)
    assert take_files(workspace, project, label, [("CON.png", tmp_path / "1.png")]).num_taken == 1
    assert tree(tmp_path, workspace.home) == before
    check(workspace, project, {"CON.png": None})


def read_all(data: bytes, file: Path) -> list[str]:
    file.write_bytes(data)
    shown = []
    with opened_zip(file) as archive:
        for item in list_zip(archive, Limits()):
            shown.append(item.name)
            try:
                working_copy(item.read() if item.refusal is None else b"")
            except (SetAsideError, UnreadablePictureError):
                continue
    return shown


@pytest.mark.filterwarnings("ignore::UserWarning")
@EXAMPLES
@given(st.lists(st.text(max_size=40), max_size=6, unique=True))
def test_any_names_in_a_zip(tmp_path, names):
    written = {}
    for name in names:
        try:
            hostile.zip_of({name: b"x"})
        except (UnicodeError, ValueError, IndexError):
            continue  # Python writes no zip with this name
        written[name] = b"x"
    for shown in read_all(hostile.zip_of(written), tmp_path / "1.zip"):
        shown.encode("utf-8")
        assert "\n" not in shown and "\0" not in shown and "\u202e" not in shown


@pytest.mark.filterwarnings("ignore::UserWarning")
@EXAMPLES
@given(st.integers(0, len(GOOD_ZIP) - 1), st.integers(0, 20))
def test_any_cut_of_a_zip(tmp_path, length, joined):
    for data in (GOOD_ZIP[:length], GOOD_ZIP[:length] + GOOD_ZIP[length + joined :]):
        try:
            read_all(data, tmp_path / "1.zip")
        except BrokenZipError:
            continue


@pytest.mark.filterwarnings("ignore::UserWarning")
@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, len(GOOD_ZIP) - 1), st.integers(0, 255)), max_size=4))
def test_any_bytes_changed_in_a_zip(tmp_path, changes):
    data = bytearray(GOOD_ZIP)
    for place, value in changes:
        data[-1 - place] = value
    with suppress(BrokenZipError):
        read_all(bytes(data), tmp_path / "1.zip")


@pytest.mark.filterwarnings("ignore::UserWarning")
@EXAMPLES
@given(st.sampled_from(sorted(PHOTOS)), st.data())
def test_any_cut_and_change_of_a_picture(form, data):
    made = bytearray(PHOTOS[form])
    for _ in range(data.draw(st.integers(0, 3))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    try:
        copy = working_copy(bytes(made[: data.draw(st.integers(0, len(made)))]))
    except UnreadablePictureError:
        return
    working_copy(copy.data)
