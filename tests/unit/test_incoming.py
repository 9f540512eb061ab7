import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from core.incoming import (
    BrokenZipError,
    FolderNotFoundError,
    Incoming,
    Limits,
    incoming_file,
    list_folder,
    list_zip,
    opened_zip,
)
from core.reasons import SetAsideError

LIMITS = Limits()
SMALL = Limits(file_bytes=2 * 1024**2, unpacked_bytes=5 * 1024**2)


def outcome(item: Incoming) -> bytes | str:
    """The bytes, or the sentence of the reason."""
    if item.refusal:
        return str(item.refusal)
    try:
        return item.read()
    except SetAsideError as error:
        return str(error)


def outcomes(items: list[Incoming]) -> dict[str, bytes | str]:
    return {item.name: outcome(item) for item in items}


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "pets"
    (made / "cats").mkdir(parents=True)
    (made / "cats" / "1.jpg").write_bytes(b"one")
    return made


@pytest.fixture
def pack(tmp_path):
    """Makes a zip of these files."""

    def make(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        with zipfile.ZipFile(tmp_path / "pets.zip", "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return tmp_path / "pets.zip"

    return make


def unpacked(file: Path, limits: Limits = LIMITS) -> dict[str, bytes | str]:
    with opened_zip(file) as archive:
        return outcomes(list_zip(archive, limits))


def test_files_are_listed_by_name_below_the_folder(folder):
    (folder / "ants").mkdir()
    (folder / "ants" / "2.jpg").write_bytes(b"two")
    assert outcomes(list_folder(folder, LIMITS)) == {"ants/2.jpg": b"two", "cats/1.jpg": b"one"}
    assert [item.name for item in list_folder(folder, LIMITS)] == ["ants/2.jpg", "cats/1.jpg"]


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(FolderNotFoundError, match=r"There is no folder .*nowhere"):
        list(list_folder(tmp_path / "nowhere", LIMITS))


def test_leftovers_are_passed_over(folder, pack):
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "cats" / "Thumbs.db").write_bytes(b"x")
    assert list(outcomes(list_folder(folder, LIMITS))) == ["cats/1.jpg"]
    assert list(unpacked(pack({"__MACOSX/cats/._1.jpg": b"x", "cats/1.jpg": b"one"}))) == ["cats/1.jpg"]


def test_links_are_not_followed(folder, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "cats" / "2.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "dogs").symlink_to(tmp_path)
    made = outcomes(list_folder(folder, LIMITS))
    assert made["cats/1.jpg"] == b"one"
    assert "link" in made["cats/2.jpg"] and "link" in made["dogs"]
    assert len(made) == 3


def test_empty_file_is_set_aside(folder):
    (folder / "cats" / "1.jpg").write_bytes(b"")
    assert "empty" in outcomes(list_folder(folder, LIMITS))["cats/1.jpg"]


def test_large_file_is_set_aside_unread(folder):
    with (folder / "cats" / "1.jpg").open("wb") as file:
        file.truncate(60 * 1024**2)
    assert "larger than 50 MB" in outcomes(list_folder(folder, LIMITS))["cats/1.jpg"]


def test_archive_in_the_folder_is_set_aside(folder):
    (folder / "cats" / "more.ZIP").write_bytes(b"x")
    assert "packed file" in outcomes(list_folder(folder, LIMITS))["cats/more.ZIP"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_pipe_is_not_opened(folder):
    os.mkfifo(folder / "cats" / "2.jpg")
    assert "could not be opened" in outcomes(list_folder(folder, LIMITS))["cats/2.jpg"]


def test_file_that_went_away_is_set_aside(tmp_path):
    assert "could not be opened" in outcome(incoming_file("1.jpg", tmp_path / "1.jpg", LIMITS))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_locked_folder_is_set_aside(folder):
    (folder / "cats").chmod(0)
    try:
        assert "could not be opened" in outcomes(list_folder(folder, LIMITS))["cats"]
    finally:
        (folder / "cats").chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_name_that_is_no_text_becomes_text(folder):
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    assert "caf.jpg" in outcomes(list_folder(folder, LIMITS))


def test_zip_is_read_member_by_member(pack):
    files = {"cats/1.jpg": b"one", "dogs/2.jpg": b"two", "cats/3.jpg": b"three"}
    assert unpacked(pack(files)) == files


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\3\4" + b"\0" * 50])
def test_broken_zip_says_what_to_do(tmp_path, data):
    (tmp_path / "pets.zip").write_bytes(data)
    with pytest.raises(BrokenZipError, match=r"“pets\.zip” is not a zip that can be read.*add the folder"):
        unpacked(tmp_path / "pets.zip")


def test_half_a_zip_is_broken(pack):
    file = pack({"cats/1.jpg": os.urandom(5000)})
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(BrokenZipError):
        unpacked(file)


def test_damaged_member_is_set_aside_and_the_others_stay(pack):
    file = pack({"cats/1.jpg": b"one" * 99, "cats/2.jpg": b"two"}, zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace(b"oneone", b"oneOne", 1))
    made = unpacked(file)
    assert "damaged inside the zip" in made["cats/1.jpg"]
    assert made["cats/2.jpg"] == b"two"


@pytest.mark.parametrize("name", ["../1.jpg", "/etc/1.jpg", "cats/../../1.jpg", "..\\1.jpg", "C:\\1.jpg", "../.bashrc"])
def test_member_that_climbs_out_is_set_aside_by_name(pack, name):
    made = unpacked(pack({name: b"x", "cats/1.jpg": b"one"}))
    assert "leads out" in made[name.replace("\\", "/")]
    assert made["cats/1.jpg"] == b"one"


def test_link_in_a_zip_is_set_aside(tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        member = zipfile.ZipInfo("cats/1.jpg")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    assert "link" in unpacked(tmp_path / "pets.zip")["cats/1.jpg"]


def test_encrypted_member_is_set_aside(pack):
    file = pack({"cats/1.jpg": b"one"})
    data = bytearray(file.read_bytes())
    directory = data.rindex(b"PK\1\2")
    data[6] |= 1
    data[directory + 8] |= 1
    file.write_bytes(data)
    assert "password" in unpacked(file)["cats/1.jpg"]


def test_unknown_way_of_packing_is_set_aside(pack):
    file = pack({"cats/1.jpg": b"one", "cats/2.jpg": b"two"})
    data = bytearray(file.read_bytes())
    for start in (8, data.index(b"PK\1\2") + 10):
        data[start : start + 2] = struct.pack("<H", 99)
    file.write_bytes(data)
    made = unpacked(file)
    assert "packed in a way" in made["cats/1.jpg"]
    assert made["cats/2.jpg"] == b"two"


@pytest.mark.parametrize("name", ["cats/more.zip", "cats/more.tar.gz", "cats/more.RAR"])
def test_archive_in_a_zip_is_set_aside(pack, name):
    assert "packed file" in unpacked(pack({name: b"x"}))[name]


def test_empty_member_is_set_aside(pack):
    assert "empty" in unpacked(pack({"cats/1.jpg": b""}))["cats/1.jpg"]


def test_large_member_is_set_aside(pack):
    made = unpacked(pack({"cats/1.jpg": os.urandom(3 * 1024**2)}), SMALL)
    assert "larger than 2 MB" in made["cats/1.jpg"]


def test_member_that_lies_about_its_size_is_not_unpacked_whole(pack):
    file = pack({"cats/1.jpg": b"\0" * 3 * 1024**2})
    data = bytearray(file.read_bytes())
    directory = data.rindex(b"PK\1\2")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    file.write_bytes(data)
    made = unpacked(file, SMALL)["cats/1.jpg"]
    assert isinstance(made, str) or len(made) <= 100


def test_zip_bomb_is_set_aside(pack):
    made = unpacked(pack({"cats/1.bmp": b"\0" * 2 * 1024**2, "cats/1.jpg": b"one"}), Limits())
    assert "200 times as large" in made["cats/1.bmp"]
    assert made["cats/1.jpg"] == b"one"


def test_small_member_may_shrink_as_much_as_it_likes(pack):
    assert unpacked(pack({"cats/1.bmp": b"\0" * 1024**2}))["cats/1.bmp"] == b"\0" * 1024**2


def test_what_is_over_the_allowance_of_a_zip_is_set_aside(pack):
    made = unpacked(pack({f"cats/{number}.jpg": os.urandom(2 * 1024**2) for number in range(3)}), SMALL)
    assert [isinstance(value, bytes) for value in made.values()] == [True, True, False]
    assert "more than 5 MB" in made["cats/2.jpg"]


def test_folders_of_a_zip_are_not_files(pack):
    assert list(unpacked(pack({"cats/": b"", "cats/1.jpg": b"one"}))) == ["cats/1.jpg"]


def test_names_of_a_zip_made_on_a_mac_are_mended(pack):
    file = pack({"nx/1.jpg": b"one"})
    file.write_bytes(file.read_bytes().replace(b"nx/", "ñ/".encode()))
    assert list(unpacked(file)) == ["ñ/1.jpg"]


def test_names_of_an_old_zip_stay_as_they_are(pack):
    file = pack({"n/1.jpg": b"one"})
    file.write_bytes(file.read_bytes().replace(b"n/", "ñ/".encode("cp437")))
    assert list(unpacked(file)) == ["ñ/1.jpg"]
