"""Workers by way of an engine that is scripted, and without one."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from core import events, processes
from core.processes import Worker

TESTS = Path(__file__).parents[1]
PATIENCE_SECONDS = 20
BY_THE_ENGINE = "By the engine."


@pytest.fixture(autouse=True)
def scripted(monkeypatch):
    """The fake worker and no engine yet; afterwards none of the processes is left."""
    monkeypatch.setattr(processes, "WORKER", (sys.executable, str(TESTS / "fake_worker.py")))
    monkeypatch.setattr(processes, "_failures", 0)
    monkeypatch.setenv("PYTHONPATH", str(processes.ROOT))
    monkeypatch.delenv(processes.ENGINE_VARIABLE, raising=False)
    yield
    processes.stop_engine()
    wait_until(lambda: processes.reap() or not processes._children)


@pytest.fixture
def start_engine(monkeypatch, tmp_path):
    """Starts an engine that plays a part; the later ones are good."""

    def start(part: str, then: str = "good") -> None:
        use(part)
        processes.start_engine(tmp_path / "engine.log")
        use(then)

    def use(part: str) -> None:
        monkeypatch.setattr(processes, "ENGINE", (sys.executable, str(TESTS / "fake_engine.py"), part))

    return start


@pytest.fixture
def folder(tmp_path):
    """A run folder whose worker waits to be stopped."""
    (tmp_path / "part").write_text("wait")
    yield tmp_path
    (tmp_path / "stop").touch()


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def wait_until_ready() -> int:
    wait_until(processes.engine_pid)
    return processes.engine_pid()


def started(folder: Path) -> list[events.Event]:
    return [event for event in events.read(folder / "events.jsonl")[0] if isinstance(event, events.Started)]


def ask(folder: Path) -> tuple[Worker, bool]:
    """Starts a worker and says whether the engine did it; the worker has begun to work, and it alone."""
    worker = processes.start_worker(folder)
    wait_until(lambda: started(folder))
    assert [event.pid for event in started(folder)] == [worker.pid]
    assert worker.is_alive
    return worker, BY_THE_ENGINE in (folder / "worker.log").read_text()


def test_nobody_gets_an_engine_unasked(folder):
    _, by_the_engine = ask(folder)
    assert not by_the_engine
    assert processes.engine_pid() is None


def test_ready_engine_starts_the_worker(start_engine, folder):
    start_engine("good")
    wait_until_ready()
    worker, by_the_engine = ask(folder)
    assert by_the_engine
    assert psutil.Process(worker.pid).ppid() != os.getpid()


def test_engine_that_warms_up_is_not_waited_for(start_engine, folder):
    start_engine("never ready")
    _, by_the_engine = ask(folder)
    assert not by_the_engine
    assert not processes._engine.is_over


def test_there_is_one_engine_however_often_it_is_asked_for(start_engine):
    start_engine("good")
    pid = wait_until_ready()
    start_engine("good")
    assert processes.engine_pid() == pid


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_engine_can_be_switched_off(start_engine, monkeypatch, word):
    monkeypatch.setenv("HEADSTART_ENGINE", word)
    start_engine("good")
    assert processes._engine is None


def test_where_there_is_no_fork_there_is_no_engine(start_engine, monkeypatch):
    monkeypatch.delattr(os, "fork")
    start_engine("good")
    assert processes._engine is None


def test_engine_that_cannot_be_started_stops_nobody(monkeypatch, folder, caplog):
    monkeypatch.setattr(processes, "ENGINE", (str(folder / "nothing"),))
    processes.start_engine(folder / "engine.log")
    assert "could not be started" in caplog.text
    _, by_the_engine = ask(folder)
    assert not by_the_engine


@pytest.mark.parametrize("part", ["die", "silent", "babble"])
def test_engine_that_does_not_answer_is_ended_and_a_fresh_one_serves_the_next(start_engine, monkeypatch, folder, part):
    start_engine(part)
    pid = wait_until_ready()
    monkeypatch.setattr(processes, "ANSWER_SECONDS", 0.1)
    worker, by_the_engine = ask(folder)
    assert not by_the_engine
    assert not psutil.pid_exists(pid)
    worker.kill()

    monkeypatch.setattr(processes, "ANSWER_SECONDS", PATIENCE_SECONDS)
    assert wait_until_ready() != pid
    (folder / "events.jsonl").unlink()
    _, by_the_engine = ask(folder)
    assert by_the_engine


def test_engine_that_was_killed_while_idle_is_replaced(start_engine, folder):
    start_engine("good")
    pid = wait_until_ready()
    psutil.Process(pid).kill()
    _, by_the_engine = ask(folder)
    assert not by_the_engine
    assert wait_until_ready() != pid


def test_worker_of_an_answer_that_came_too_late_is_ended(start_engine):
    start_engine("late")
    wait_until_ready()
    [late] = psutil.Process(processes.engine_pid()).children()
    engine = processes._engine
    wait_until(lambda: not engine._replies.empty())
    reply = engine._replies.get()
    engine._replies.put(reply)
    worker = Worker(reply["pid"], reply["created"])
    assert worker.pid == late.pid and worker.is_alive
    engine.kill()
    assert not worker.is_alive


def test_broken_engine_is_not_restarted_for_ever(start_engine, monkeypatch, folder):
    starts = []

    class Counted(processes.Engine):
        def __init__(self, log: Path):
            starts.append(log)
            super().__init__(log)

    monkeypatch.setattr(processes, "Engine", Counted)
    start_engine("break", then="break")
    for _ in range(processes.MAX_FAILURES + 2):
        if processes._engine is not None:
            wait_until(lambda: processes._engine.is_over)
        processes.start_worker(folder)
    assert len(starts) == processes.MAX_FAILURES
    start_engine("good")
    assert processes._engine is None


def test_engine_that_has_served_has_its_failures_forgiven(start_engine, monkeypatch, folder):
    monkeypatch.setattr(processes, "_failures", processes.MAX_FAILURES - 1)
    start_engine("good")
    wait_until_ready()
    ask(folder)
    assert processes._failures == 0


def test_engine_ends_when_it_is_stopped_and_its_worker_goes_on(start_engine, monkeypatch, folder):
    monkeypatch.setattr(processes, "GOODBYE_SECONDS", PATIENCE_SECONDS)
    start_engine("good")
    pid = wait_until_ready()
    worker, _ = ask(folder)
    processes.stop_engine()
    assert worker.is_alive
    assert not psutil.pid_exists(pid)
    assert processes.engine_pid() is None


def test_engine_that_does_not_end_is_ended_by_force(start_engine, monkeypatch):
    monkeypatch.setattr(processes, "GOODBYE_SECONDS", 0.1)
    start_engine("deaf")
    pid = wait_until_ready()
    processes.stop_engine()
    assert not psutil.pid_exists(pid)


def test_plain_worker_is_in_a_session_of_its_own_and_gives_way_to_the_page(folder):
    worker, _ = ask(folder)
    assert os.getsid(worker.pid) == worker.pid
    assert psutil.Process(worker.pid).nice() == max(psutil.Process().nice(), processes.NICENESS)


def test_engine_gives_way_to_the_page_and_so_do_its_workers(start_engine, folder):
    start_engine("good")
    pid = wait_until_ready()
    worker, _ = ask(folder)
    assert {psutil.Process(pid).nice(), psutil.Process(worker.pid).nice()} == {
        max(psutil.Process().nice(), processes.NICENESS)
    }


def test_log_that_cannot_be_written_is_an_error_with_and_without_an_engine(start_engine, folder):
    (folder / "worker.log").mkdir()
    with pytest.raises(OSError):
        processes.start_worker(folder)
    start_engine("good")
    wait_until_ready()
    with pytest.raises(OSError):
        processes.start_worker(folder)


def test_worker_that_is_over_leaves_no_zombie(folder):
    (folder / "part").write_text("finish")
    worker = processes.start_worker(folder)
    worker.wait()
    assert not psutil.pid_exists(worker.pid)


def test_killed_worker_leaves_no_zombie(folder):
    worker, _ = ask(folder)
    worker.kill()
    assert not psutil.pid_exists(worker.pid)


def test_process_number_that_was_given_to_another_process_is_not_ours():
    created = psutil.Process().create_time()
    assert Worker(os.getpid(), created).is_alive
    other = Worker(os.getpid(), created - 60)
    assert not other.is_alive
    other.kill()  # hits nobody
