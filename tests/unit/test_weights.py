import hashlib
import io
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import h5py
import numpy as np
import pytest

from core import backbones, weights
from core.backbones import CATALOG, Weights
from core.download import ClosedFolderError, WrongChecksumError
from core.weights import WrongWeightsFileError

CONTENT = b"published weights"
VGG16 = replace(
    CATALOG["vgg16"], weights=Weights("a.h5", "http://127.0.0.1:9/a.h5", "md5:" + hashlib.md5(CONTENT).hexdigest())
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "models"


def test_weights_that_are_there_are_not_downloaded(cache):
    cache.mkdir()
    (cache / "a.h5").write_bytes(CONTENT)
    assert weights.fetch_weights(VGG16) == cache / "a.h5"


def test_bundled_weights_need_nothing():
    assert weights.fetch_weights(CATALOG["residual10"]) == backbones.STARTER_WEIGHTS


@pytest.fixture
def published(tmp_path):
    """A server of one's own with files to publish; (folder, address)."""
    folder = tmp_path / "published"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_weights_that_are_missing_are_downloaded_into_the_cache(cache, published):
    folder, address = published
    (folder / "a.h5").write_bytes(CONTENT)
    row = replace(VGG16, weights=replace(VGG16.weights, url=f"{address}/a.h5"))
    told = []
    assert weights.fetch_weights(row, lambda done, total: told.append((done, total))) == cache / "a.h5"
    assert (cache / "a.h5").read_bytes() == CONTENT
    assert told == [(len(CONTENT), len(CONTENT))]


def test_page_that_comes_instead_of_weights_without_a_checksum_is_thrown_away(cache, published):
    folder, address = published
    (folder / "a.h5").write_text("<html>Sign in to this network</html>")
    row = replace(CATALOG["mobilenet"], weights=Weights("a.h5", f"{address}/a.h5", None))
    with pytest.raises(WrongChecksumError, match=r"a\.h5"):
        weights.fetch_weights(row)
    assert list(cache.iterdir()) == []


def test_file_that_was_brought_is_checked_and_kept(cache):
    assert weights.accept_weights(VGG16, io.BytesIO(CONTENT)).read_bytes() == CONTENT
    assert backbones.weights_here(VGG16)


def test_other_file_is_refused_and_leaves_nothing(cache):
    with pytest.raises(WrongWeightsFileError, match=r"a\.h5"):
        weights.accept_weights(VGG16, io.BytesIO(b"something else"))
    assert list(cache.iterdir()) == []


def write_weights(path, sizes):
    """Writes layers of that many numbers each, in the form in which Keras publishes them."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [f"layer{index}" for index in range(len(sizes))]
        for index, size in enumerate(sizes):
            layer = file.create_group(f"layer{index}")
            layer.attrs["weight_names"] = [f"layer{index}/kernel"]
            layer.create_dataset(f"layer{index}/kernel", data=np.zeros(size, np.float32))


def test_without_a_published_checksum_the_file_must_hold_as_many_numbers_as_the_network(cache, tmp_path):
    mobilenet = CATALOG["mobilenet_025"]
    right, other = tmp_path / "right.h5", tmp_path / "other.h5"
    write_weights(right, [mobilenet.parameters - 10, 10])
    write_weights(other, [mobilenet.parameters - 10, 11])
    for wrong in (b"no weights", other.read_bytes(), right.read_bytes()[:-100_000]):
        with pytest.raises(WrongWeightsFileError):
            weights.accept_weights(mobilenet, io.BytesIO(wrong))
        assert list(cache.iterdir()) == []
    assert weights.accept_weights(mobilenet, io.BytesIO(right.read_bytes())).exists()


def test_hdf5_file_of_something_else_is_refused(cache, tmp_path):
    h5py.File(tmp_path / "table.h5", "w").close()
    assert weights.num_parameters(tmp_path / "table.h5") == 0


def test_published_file_of_the_smallest_mobilenet_is_right(cache, shared_data):
    published = shared_data / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    if not published.exists():
        pytest.skip("the weights of MobileNet 0.25 are not on this machine")
    with published.open("rb") as file:
        assert weights.accept_weights(CATALOG["mobilenet_025"], file).exists()


def test_folder_that_cannot_be_written_is_told(cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(ClosedFolderError, match="models"):
        weights.accept_weights(VGG16, io.BytesIO(CONTENT))
