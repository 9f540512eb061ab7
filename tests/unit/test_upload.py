import json
import os
import shutil
import time

import pytest

from core.ui import batch as batches
from core.ui import upload
from core.ui.batch import Batch, file_limit, name_on_windows, safe_path
from core.ui.upload import FolderUpload, UploadError
from core.workspace import Workspace


def packed(files: dict[str, bytes]) -> bytes:
    header = json.dumps([[name, len(data)] for name, data in files.items()]).encode()
    return len(header).to_bytes(4, "big") + header + b"".join(files.values())


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "home")


@pytest.fixture
def begun(workspace):
    return upload.begin(workspace, "p1", 2, 100)


def send(begun: upload.Upload, files: dict[str, bytes]) -> int:
    batch = Batch(begun)
    try:
        batch.write(packed(files))
        return batch.commit()
    finally:
        batch.abort()


def content(begun: upload.Upload) -> dict[str, bytes]:
    paths = [path for path in begun.files.rglob("*") if path.is_file()]
    return {path.relative_to(begun.files).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("path", ["cats/1.jpg", "Ñandú/日本 1.jpg", "1.jpg", "a/..b/c", 'it\'s "so"/1.jpg'])
def test_ordinary_path_keeps_its_name(path):
    assert str(safe_path(path)) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../1.jpg",
        "cats/../../1.jpg",
        "cats/..",
        "./1.jpg",
        "cats//1.jpg",
        "cats/",
        "a\0b",
        "a\nb",
        "\ud800.jpg",
        "a/" * 600 + "b",
    ],
)
def test_dangerous_path_has_no_place(path):
    assert safe_path(path) is None


def test_long_name_is_cut_before_its_ending():
    name = safe_path("cats/" + "ñ" * 200 + ".jpeg").name
    assert name.startswith("ñññ") and name.endswith("ñ.jpeg")
    assert len(name.encode()) <= batches.MAX_NAME_BYTES


def test_two_forms_of_a_letter_become_one():
    assert safe_path("cafe\u0301/1.jpg") == safe_path("caf\u00e9/1.jpg")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("CON", "_CON"),
        ("aux.jpg", "_aux.jpg"),
        ("Lpt1 .png", "_Lpt1 .png"),
        ("a:b?.jpg", "a_b_.jpg"),
        ("cats. ", "cats"),
        ("...", "_"),
        ("console.jpg", "console.jpg"),
        ("com10.jpg", "com10.jpg"),
    ],
)
def test_names_that_windows_keeps_for_itself_are_changed_there(name, kept):
    assert name_on_windows(name) == kept


def test_batch_recreates_the_folders(begun):
    files = {"pets/cats/1.jpg": b"one", "pets/dogs/1.jpg": b"", "pets/dogs/2.jpg": b"two"}
    assert send(begun, files) == 3
    assert content(begun) == files
    assert list(begun.staging.iterdir()) == [begun.files]


def test_batch_may_arrive_byte_by_byte(begun):
    files = {"a/1": b"one", "a/2": b"", "b/3": b"three"}
    batch = Batch(begun)
    for byte in packed(files):
        batch.write(bytes([byte]))
    batch.commit()
    assert content(begun) == files


def test_batch_sent_again_is_kept_once(begun):
    for _ in range(2):
        send(begun, {"a/1.jpg": b"one"})
    assert content(begun) == {"a/1.jpg": b"one"}
    assert begun.num_bytes == 3


@pytest.mark.parametrize("length", [0, 3, 10, 40])
def test_half_a_batch_leaves_nothing(begun, length):
    batch = Batch(begun)
    batch.write(packed({"a/1.jpg": b"one", "a/2.jpg": b"two" * 9})[:length])
    with pytest.raises(UploadError, match="malformed"):
        batch.commit()
    batch.abort()
    assert content(begun) == {}
    assert list(begun.staging.iterdir()) == [begun.files]


def test_more_bytes_than_said_are_refused(begun):
    with pytest.raises(UploadError, match="malformed"):
        Batch(begun).write(packed({"a": b"one"}) + b"x")


@pytest.mark.parametrize("header", [b"{", b"[1]", b'[["a", -1]]', b'[["a", "1"]]', b"[[1, 1]]", b'[["a", true]]'])
def test_header_that_is_not_one_is_refused(begun, header):
    with pytest.raises(UploadError, match="malformed"):
        Batch(begun).write(len(header).to_bytes(4, "big") + header)


def test_header_that_is_too_long_is_refused_unread(begun):
    with pytest.raises(UploadError, match="too_large"):
        Batch(begun).write((batches.MAX_HEADER_BYTES + 1).to_bytes(4, "big"))


def test_file_outside_its_folder_is_refused_by_name(begun):
    send(begun, {"../../evil.jpg": b"x", "/abs.jpg": b"x", "good/1.jpg": b"x"})
    assert content(begun) == {"good/1.jpg": b"x"}
    assert list(begun.refused) == ["../../evil.jpg", "/abs.jpg"]


def test_folder_and_file_of_one_name_are_refused_by_name(begun):
    send(begun, {"a": b"1", "a/b": b"2", "c/d": b"3", "c": b"4"})
    assert content(begun) == {"a": b"1", "c/d": b"3"}
    assert list(begun.refused) == ["a/b", "c"]


def test_names_that_differ_in_capitals_both_stay(begun):
    send(begun, {"a/1.jpg": b"1", "a/1.JPG": b"2"})
    assert content(begun) == {"a/1.jpg": b"1", "a/1-2.JPG": b"2"}


def test_too_many_files_in_a_batch_are_refused(begun):
    with pytest.raises(UploadError, match="too_large"):
        send(begun, {str(index): b"" for index in range(batches.MAX_BATCH_FILES + 1)})


def test_limits_of_the_whole_upload_hold_for_every_batch(begun, monkeypatch):
    monkeypatch.setattr(batches, "MAX_UPLOAD_BYTES", 10)
    monkeypatch.setattr(batches, "MAX_FILES", 2)
    send(begun, {"a": b"12345678"})
    send(begun, {"a": b"12345678"})
    with pytest.raises(UploadError, match="too_large"):
        send(begun, {"b": b"123"})
    send(begun, {"b": b"1"})
    with pytest.raises(UploadError, match="too_large"):
        send(begun, {"c": b""})


def test_only_a_zip_may_be_larger_than_a_picture():
    assert file_limit("cats.ZIP") > file_limit("cats.jpg")


def test_full_disk_is_told_from_a_bug(begun, monkeypatch):
    batch = Batch(begun)
    monkeypatch.setattr(type(begun.files), "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    batch.write(packed({"a": b"1"}))
    with pytest.raises(UploadError, match="disk_full"):
        batch.commit()


def test_upload_larger_than_the_disk_is_refused(workspace, monkeypatch):
    monkeypatch.setattr(upload, "FREE_BYTES_KEPT", 2**60)
    with pytest.raises(UploadError, match="disk_full"):
        upload.begin(workspace, "p1", 1, 1)


def test_upload_over_the_limits_is_refused(workspace):
    for num_files, num_bytes in [(upload.MAX_FILES + 1, 1), (1, upload.MAX_UPLOAD_BYTES + 1)]:
        with pytest.raises(UploadError, match="too_large"):
            upload.begin(workspace, "p1", num_files, num_bytes)


def test_finished_upload_is_handed_out_once(begun):
    send(begun, {"pets/cats/1.jpg": b"one"})
    assert upload.claim(begun.upload_id, "p1") is None
    assert upload.finish(begun, [("big.mov", "size")]) == 1
    assert upload.finish(begun, []) == 1
    assert upload.claim(begun.upload_id, "p2") is None
    claimed = upload.claim(begun.upload_id, "p1")
    assert claimed.files() == [("pets/cats/1.jpg", begun.files / "pets/cats/1.jpg")]
    assert [refused.name for refused in claimed.refused] == ["big.mov"]
    assert "200 MB" in claimed.refused[0].problem.format(**claimed.refused[0].values)
    assert upload.claim(begun.upload_id, "p1") is None


def test_nothing_is_added_after_the_end(begun):
    upload.finish(begun, [])
    with pytest.raises(UploadError, match="unknown"):
        send(begun, {"a": b"1"})


def test_what_is_handed_over_is_its_new_owner_s_to_remove(begun):
    send(begun, {"a/1.jpg": b"one"})
    upload.finish(begun, [])
    claimed = upload.claim(begun.upload_id, "p1")
    assert claimed.hand_over() == begun.staging
    assert (begun.staging / "files/a/1.jpg").exists()
    assert upload.claim(begun.upload_id, "p1") is None
    upload.cancel(begun)
    assert (begun.staging / "files/a/1.jpg").exists()


def test_cancelled_upload_is_gone(begun):
    send(begun, {"a": b"1"})
    upload.cancel(begun)
    assert not begun.staging.exists()
    with pytest.raises(UploadError, match="unknown"):
        upload.find(begun.upload_id, "p1")
    upload.cancel(begun)


@pytest.mark.parametrize("length", [0, 2, 30, 45])
def test_batch_that_goes_on_after_the_cancel_is_refused_and_leaves_nothing(begun, length):
    data = packed({"a/1.jpg": b"one", "a/2.jpg": b"two" * 9})
    batch = Batch(begun)
    batch.write(data[:length])
    upload.cancel(begun)
    with pytest.raises(UploadError, match="unknown"):
        batch.write(data[length:])
    batch.abort()
    assert not begun.staging.exists()


def test_batch_that_was_writing_while_the_upload_was_removed_takes_the_folder_with_it(begun):
    batch = Batch(begun)
    batch.write(packed({"a/1.jpg": b"one", "a/2.jpg": b"two"})[:40])
    upload.cancel(begun)
    # What is left when a file is made while the folder around it is being emptied.
    (begun.staging / "incoming-1").mkdir(parents=True)
    batch.abort()
    assert not begun.staging.exists()


def test_batch_that_comes_after_the_intake_leaves_nothing(begun):
    late = Batch(begun)
    upload.finish(begun, [])
    shutil.rmtree(upload.claim(begun.upload_id, "p1").hand_over())
    with pytest.raises(UploadError, match="unknown"):
        late.write(packed({"a": b"1"}))
    late.abort()
    assert not begun.staging.exists()


def test_cancel_does_not_take_files_from_the_intake(begun):
    send(begun, {"a": b"1"})
    upload.finish(begun, [])
    upload.claim(begun.upload_id, "p1")
    upload.cancel(begun)
    assert content(begun) == {"a": b"1"}


def test_upload_of_another_project_is_unknown(begun):
    with pytest.raises(UploadError, match="unknown"):
        upload.find(begun.upload_id, "p2")


def test_old_staging_is_swept_and_new_is_not(workspace, begun):
    old = workspace.home / "uploads" / "old"
    old.mkdir()
    os.utime(old, (time.time() - 2 * upload.STAGING_SECONDS,) * 2)
    upload.sweep(workspace)
    assert not old.exists()
    assert begun.files.exists()


@pytest.mark.parametrize(("names", "is_zip"), [(["a.ZIP"], True), (["a.jpg"], False), (["a.zip", "b.zip"], False)])
def test_a_single_zip_is_recognised(tmp_path, names, is_zip):
    for name in names:
        (tmp_path / name).touch()
    found = FolderUpload("id", tmp_path, len(names)).zip_file
    assert (found is not None) == is_zip
