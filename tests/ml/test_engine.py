"""The real engine with real workers: what it starts is as good as a worker started plainly, and outlives everything."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from core import events, processes
from core.backbones import CATALOG
from core.config import Phase
from core.processes import Worker

PATIENCE_SECONDS = 120
LONG = (Phase(900, 1e-4, CATALOG["residual10"].num_layers),)
SERVER = """
import sys, time
from pathlib import Path
from core import processes

folder = Path(sys.argv[1])
processes.start_engine(folder / "engine.log")
while processes.engine_pid() is None:
    time.sleep(0.02)
print(processes.engine_pid(), processes.start_worker(folder).pid, flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the engine needs fork")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The engine's process, warm."""
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    processes.start_engine(log)
    wait_until(processes.engine_pid)
    yield psutil.Process(processes.engine_pid())
    processes.stop_engine()


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def of_kind(folder: Path, kind: type[events.Event]) -> list[events.Event]:
    return [event for event in events.read(folder / "events.jsonl")[0] if isinstance(event, kind)]


def again(folder: Path, name: str) -> Path:
    """The same run once more, in a folder of its own."""
    other = folder.with_name(name)
    other.mkdir()
    for file in ("config.json", "images.parquet"):
        (other / file).write_bytes((folder / file).read_bytes())
    return other


def contents(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """What the trained model is made of: its layers with their names, and its weights."""
    with zipfile.ZipFile(folder / "model.keras") as parts:
        layers = json.loads(parts.read("config.json"), object_hook=without_addresses)
        parts.extract("model.weights.h5", folder)
    weights = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(lambda name, item: weights.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return layers, weights


def without_addresses(values: dict) -> dict:
    """Leaves out where an object lay in memory, which Keras writes down."""
    return {name: value for name, value in values.items() if name != "shared_object_id"}


def started_by(engine: psutil.Process, worker: Worker) -> bool:
    return worker.pid in {process.pid for process in engine.children(recursive=True)}


def test_workers_of_one_engine_train_what_a_worker_of_its_own_trains(engine, make_run):
    first = make_run(augmentation="none")  # its threads draw random numbers in any order
    second, plain = again(first, "r2"), again(first, "r3")
    for folder in (first, second):
        worker = processes.start_worker(folder)
        assert started_by(engine, worker)
        worker.wait()
        assert of_kind(folder, events.Finished)
    subprocess.run([*processes.WORKER, str(plain)], cwd=processes.ROOT, check=True, capture_output=True)

    expected_layers, expected_weights = contents(plain)
    for folder in (first, second):
        layers, weights = contents(folder)
        assert layers == expected_layers
        assert weights.keys() == expected_weights.keys()
        for name, values in weights.items():
            # Two threads may add up in another order
            np.testing.assert_allclose(values, expected_weights[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_worker_stands_on_its_own(engine, make_run):
    folder = make_run(phases=LONG)
    worker = processes.start_worker(folder)
    wait_until(lambda: of_kind(folder, events.Ready))
    process = psutil.Process(worker.pid)
    assert os.getsid(worker.pid) == worker.pid
    assert Path(process.cwd()) == processes.ROOT
    assert process.nice() == max(psutil.Process().nice(), processes.NICENESS)
    assert of_kind(folder, events.Started)[0].pid == worker.pid
    written = {file.fd for file in process.open_files() if Path(file.path) == folder / "worker.log"}
    assert written == {1, 2}
    (folder / "stop").touch()
    worker.wait()
    assert of_kind(folder, events.Stopped)


def test_log_has_what_the_worker_prints(engine, make_run):
    folder = make_run()
    (folder / "images.parquet").write_bytes(b"broken")
    (folder / "worker.log").write_text("Earlier.\n")
    processes.start_worker(folder).wait()
    log = (folder / "worker.log").read_text()
    assert log.startswith("Earlier.\n")
    assert "Traceback" in log


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_crashed_worker_leaves_no_zombie_and_an_engine_that_starts_the_next(engine, make_run, how):
    folder = make_run(phases=LONG)
    worker = processes.start_worker(folder)
    wait_until(lambda: of_kind(folder, events.Started))
    os.kill(worker.pid, how)
    worker.wait()
    wait_until(lambda: not psutil.pid_exists(worker.pid))

    following = again(folder, "r2")
    (following / "stop").touch()
    worker = processes.start_worker(following)
    assert started_by(engine, worker)
    worker.wait()
    assert of_kind(following, events.Stopped)


def test_killed_server_takes_the_engine_along_and_leaves_the_worker_to_its_end(make_run):
    folder = make_run(phases=LONG)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(folder)], cwd=processes.ROOT, stdout=subprocess.PIPE)
    with server:
        engine, worker = (psutil.Process(int(number)) for number in server.stdout.readline().split())
        helpers = engine.children()
        assert worker not in helpers and worker in engine.children(recursive=True)
        server.kill()
    wait_until(lambda: not any(process.is_running() for process in [engine, *helpers]))
    assert worker.is_running()
    wait_until(lambda: of_kind(folder, events.EpochEnded))
    (folder / "stop").touch()
    wait_until(lambda: of_kind(folder, events.Stopped))
    assert (folder / "model.keras").exists()


def test_run_of_an_engine_that_was_given_up_is_worked_on_once(engine, make_run, monkeypatch):
    """The fork server is gone, so the engine makes another one, which takes longer than anybody waits."""
    monkeypatch.setattr(processes, "ANSWER_SECONDS", 0.5)
    folder = make_run()
    (folder / "stop").touch()
    for process in engine.children():
        process.kill()
    worker = processes.start_worker(folder)
    assert not engine.is_running()
    worker.wait()
    assert [event.pid for event in of_kind(folder, events.Started)] == [worker.pid]


def run_program(program: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=processes.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_worker_that_is_not_told_to_begin_does_nothing(make_run):
    folder = make_run()
    program = (
        "import multiprocessing, sys\n"
        "from core.ml import engine\n"
        "told, go = multiprocessing.Pipe(duplex=False)\n"
        "go.close()\n"  # as when the engine is killed before it has answered
        "engine.work(sys.argv[1], sys.argv[2], told)\n"
    )
    result = run_program(program, str(folder), str(folder / "worker.log"))
    assert result.returncode == 0
    assert not (folder / "events.jsonl").exists()


def test_engine_without_its_imports_is_never_ready():
    program = "from core.ml import engine; engine.PRELOAD = ('nothing_of_this_name',); engine.main()"
    result = run_program(program)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "not preloaded: core.ml.worker" in result.stderr


def test_engine_whose_server_is_gone_when_it_is_ready_ends_quietly():
    program = "import os; from core.ml import engine; r, w = os.pipe(); os.dup2(w, 1); os.close(r); engine.main()"
    result = run_program(program)
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
