"""core.samples: the sets that a first-time visitor can take."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import dataset, projects, samples
from core.download import DownloadError, WrongChecksumError
from core.intake import take_sample
from core.samples import DRAWN_PER_CLASS, SAMPLES, SHAPES, draw, flowers_archive


@pytest.fixture
def project_id(workspace) -> str:
    return projects.create_project(workspace, "First steps").id


def tar_of(members: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("flower_photos/roses/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return written.getvalue()


def jpeg(colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(written, "JPEG")
    return written.getvalue()


FLOWERS = tar_of(
    {
        "flower_photos/LICENSE.txt": b"CC BY 2.0",
        "flower_photos/roses/1.jpg": jpeg("red"),
        "flower_photos/roses/2.jpg": jpeg("pink"),
        "flower_photos/tulips/1.jpg": jpeg("yellow"),
        "flower_photos/tulips/broken.jpg": jpeg("white")[:200],
    }
)
CHECKSUM = "sha256:" + hashlib.sha256(FLOWERS).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Answers every address with the flowers."""

    def do_GET(self):
        self.server.num_requests += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(FLOWERS)))
        self.end_headers()
        self.wfile.write(FLOWERS)

    def log_message(self, *args):
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    http.num_requests = 0
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def url(server) -> str:
    return f"http://127.0.0.1:{server.server_port}/some/flowers.tgz"


def test_every_set_says_what_it_is_and_under_which_licence():
    for name, sample in SAMPLES.items():
        assert sample.name == name
        assert all([sample.title, sample.description, sample.licence, sample.source])


def test_two_sets_need_no_network_and_the_flowers_do():
    assert {name for name, sample in SAMPLES.items() if not sample.needs_network} == {"drawn", "digits"}


def test_drawn_shapes_become_four_classes_as_announced(workspace, project_id):
    told = []
    result = take_sample(workspace, project_id, "drawn", lambda *counted: told.append(counted))
    assert (result.num_taken, result.num_set_aside) == (SAMPLES["drawn"].num_images, 0)
    counts = dataset.class_counts(dataset.images(workspace, project_id))
    assert dict(zip(counts["label"], counts["images"], strict=True)) == dict.fromkeys(SHAPES, DRAWN_PER_CLASS)
    assert (result.num_taken, result.num_taken, "looking") in told


def test_a_set_taken_twice_is_there_once(workspace, project_id):
    take_sample(workspace, project_id, "drawn")
    again = take_sample(workspace, project_id, "drawn")
    assert (again.num_taken, again.num_already_there) == (0, SAMPLES["drawn"].num_images)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drawing_is_always_the_same_and_never_like_the_next(shape):
    first, again, other = (np.asarray(draw(shape, index)) for index in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_stands_out_from_its_ground(shape):
    for index in range(20):
        pixels = np.asarray(draw(shape, index), dtype=float).reshape(-1, 3)
        assert pixels.std(axis=0).max() > 20  # the noise alone is 18


def test_digits_are_named_in_words(workspace, project_id):
    result = take_sample(workspace, project_id, "digits")
    assert (result.num_taken, result.num_set_aside) == (SAMPLES["digits"].num_images, 0)
    table = dataset.images(workspace, project_id)
    assert set(table["label"]) == {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
    assert (table["split"].isna()).all()


def test_a_digit_is_dark_on_white():
    pixels = np.asarray(Image.open(io.BytesIO(samples._digit(np.eye(8) * 16))))
    assert pixels.shape == (samples.DIGIT_SIDE, samples.DIGIT_SIDE, 3)
    assert pixels[4, 4].max() < 60
    assert pixels[4, -4].min() > 240


@pytest.fixture
def flowers_here(workspace, monkeypatch):
    """The small flowers stand where the large ones would."""
    (workspace.home / "downloads").mkdir(parents=True)
    (workspace.home / "downloads" / "flower_photos.tgz").write_bytes(FLOWERS)
    monkeypatch.setattr(samples, "FLOWERS_CHECKSUM", CHECKSUM)


def test_flowers_come_from_the_tar_and_what_is_broken_is_named(workspace, project_id, flowers_here):
    result = take_sample(workspace, project_id, "flowers")
    assert (result.num_taken, result.num_set_aside) == (3, 1)
    table = dataset.images(workspace, project_id)
    assert sorted(table["label"]) == ["roses", "roses", "tulips"]
    assert list(dataset.set_aside(workspace, project_id)["name"]) == ["flower_photos/tulips/broken.jpg"]


def test_the_licence_and_links_in_the_tar_are_no_pictures_and_not_listed(workspace, project_id, flowers_here):
    take_sample(workspace, project_id, "flowers")
    names = [*dataset.images(workspace, project_id)["name"], *dataset.set_aside(workspace, project_id)["name"]]
    assert not [name for name in names if "LICENSE" in name or "link" in name]


def test_the_download_says_how_far_it_is_and_is_checked(workspace, url):
    told = []
    archive = flowers_archive(workspace, url, CHECKSUM, lambda *counted: told.append(counted))
    assert archive == workspace.home / "downloads" / "flowers.tgz"
    assert archive.read_bytes() == FLOWERS
    assert told[-1] == (len(FLOWERS), len(FLOWERS), "downloading")


def test_a_second_project_does_not_download_again(workspace, server, url):
    for _ in range(2):
        flowers_archive(workspace, url, CHECKSUM)
    assert server.num_requests == 1


def test_a_file_put_there_by_hand_needs_no_network(workspace):
    by_hand = workspace.home / "downloads" / "flowers.tgz"
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(FLOWERS)
    assert flowers_archive(workspace, "http://127.0.0.1:9/flowers.tgz", CHECKSUM) == by_hand


def test_a_damaged_file_there_is_downloaded_anew(workspace, url):
    damaged = workspace.home / "downloads" / "flowers.tgz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(FLOWERS[:100])
    assert flowers_archive(workspace, url, CHECKSUM).read_bytes() == FLOWERS


def test_what_is_not_the_published_file_is_refused(workspace, url):
    with pytest.raises(WrongChecksumError):
        flowers_archive(workspace, url, "sha256:" + "0" * 64)
    assert not (workspace.home / "downloads" / "flowers.tgz").exists()


def test_offline_the_sentence_says_what_to_put_where(workspace, project_id, monkeypatch):
    monkeypatch.setattr(samples, "FLOWERS_URL", "http://127.0.0.1:9/flower_photos.tgz")
    with pytest.raises(DownloadError) as caught:
        take_sample(workspace, project_id, "flowers")
    assert "http://127.0.0.1:9/flower_photos.tgz" in str(caught.value)
    assert str(Path(workspace.home) / "downloads") in str(caught.value)


def test_the_flowers_checksum_is_a_sha256():
    kind, value = samples.FLOWERS_CHECKSUM.split(":")
    assert (kind, len(bytes.fromhex(value))) == ("sha256", 32)
