"""A real worker where the disk or the memory is too small."""

import os
import subprocess
import sys
import time

import pytest

from core import events
from core.backbones import CATALOG
from core.config import Phase
from core.limits import MEMORY
from core.ml import memory, worker
from core.ml.checkpoint import read_standing
from core.processes import ROOT

LIMIT_SECONDS = 120
DISK_MB = 48
BACKBONE = CATALOG["residual10"]
LEARNING = Phase(60, 1e-4, BACKBONE.stages[-2].num_layers)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="mounts a disk of memory, and bounds memory as Linux does"
)


@pytest.fixture
def small_disk(tmp_path):
    """Lets the workspace lie on a disk of a few megabytes."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a disk; tests/ml/test_worker.py limits the size of files instead")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def begin(folder, **settings: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "core.ml.worker", str(folder)]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log)


def said(folder) -> list[events.Event]:
    return events.read(folder / "events.jsonl")[0]


def epochs(folder) -> list[int]:
    return [event.epoch for event in said(folder) if isinstance(event, events.EpochEnded)]


def fill(disk) -> None:
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        for size in (1_000_000, 1_000):
            try:
                while True:
                    ballast.write(bytes(size))
            except OSError:
                continue


def test_run_on_a_disk_that_fills_up_says_so_and_goes_on_when_there_is_room(make_run, small_disk):
    folder = make_run(phases=(LEARNING,))
    process = begin(folder)
    deadline = time.monotonic() + LIMIT_SECONDS
    while not epochs(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    fill(small_disk)
    assert process.wait(LIMIT_SECONDS) == 0
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    assert end.sentence.startswith("The disk is full")
    assert [*folder.glob("writing*"), *folder.glob("checkpoint/writing*")] == []
    kept = read_standing(folder)
    assert kept.last.epoch in (len(epochs(folder)), len(epochs(folder)) + 1)  # kept first, told then

    (small_disk / "ballast").unlink()
    assert begin(folder).wait(LIMIT_SECONDS) == 0
    assert isinstance(said(folder)[-1], events.Finished)
    assert sorted(set(epochs(folder))) == list(range(1, LEARNING.epochs + 1))


def test_run_that_asks_for_too_much_memory_ends_alone_and_names_what_to_lower(make_run):
    folder = make_run(image_size=512, batch_size=64, num_images=128, phases=(Phase(2, 1e-4, 0),))
    assert begin(folder, **{MEMORY.variable: "2000"}).wait(LIMIT_SECONDS) == 0
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    sentence = end.sentence.format(**end.values)
    assert sentence.startswith("The memory was too small for this run.")
    for named in ("64", "512 pixels", BACKBONE.title):
        assert named in sentence


def test_setting_that_is_no_number_is_told(make_run, monkeypatch):
    folder = make_run()
    monkeypatch.setenv(MEMORY.variable, "plenty")
    monkeypatch.setattr(memory, "_allow", lambda num_bytes: None)  # not this process
    worker.main(folder, is_alone=True)
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    assert end.values["variable"] == MEMORY.variable


@pytest.mark.parametrize("most, used", memory.TOLD)
def test_container_with_less_memory_than_the_machine_is_believed(tmp_path, most, used):
    for name, number in ((most, "5000"), (used, "2000")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(number)
    assert memory.free_bytes(tmp_path) == 3000
    (tmp_path / most).write_text("max")
    assert memory.free_bytes(tmp_path) > 1_000_000
