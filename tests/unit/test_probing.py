import sys
import time
from dataclasses import replace

import pytest

from core import machines, probing

# Writes what a probe writes, without TensorFlow.
GOOD = (
    "import sys; from pathlib import Path; from dataclasses import replace; from core import machines\n"
    "name, processor, cores = machines.this_machine()\n"
    "home = Path(sys.argv[1])\n"
    "machines.keep(home, replace(machines.reference(), name=name, processor=processor, num_cores=cores))\n"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(probing, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(probing.psutil, "cpu_percent", lambda: 0.0)
    monkeypatch.delenv(probing.PROBE_VARIABLE, raising=False)
    probing._watched.clear()


def program(monkeypatch, text):
    monkeypatch.setattr(probing, "PROBE", (sys.executable, "-c", text))


def test_a_probe_leaves_the_speed_of_this_machine(tmp_path, monkeypatch):
    program(monkeypatch, GOOD)
    assert probing.probe(tmp_path / "home")
    assert machines.here(tmp_path / "home") is not None


def test_a_probe_that_fails_leaves_nothing_but_its_log(tmp_path, monkeypatch):
    program(monkeypatch, "raise SystemExit('no TensorFlow here')")
    assert not probing.probe(tmp_path)
    assert "no TensorFlow here" in (tmp_path / probing.LOG).read_text(encoding="utf-8")
    assert machines.here(tmp_path) is None


def test_a_probe_that_hangs_is_ended(tmp_path, monkeypatch):
    program(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(probing, "LIMIT_SECONDS", 0.3)
    began = time.monotonic()
    assert not probing.probe(tmp_path)
    assert time.monotonic() - began < 20


def test_a_probe_that_cannot_be_started_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(probing, "PROBE", (str(tmp_path / "nothing"),))
    assert not probing.probe(tmp_path)


def test_failures_are_not_repeated_for_ever(tmp_path, monkeypatch):
    tries = []
    monkeypatch.setattr(probing, "probe", lambda home: bool(tries.append(home)))
    probing._watch(tmp_path)
    assert len(tries) == probing.MAX_TRIES


def test_calm_is_waited_for(monkeypatch):
    loads = iter([90.0, 10.0, 80.0, 5.0, 5.0, 5.0])
    monkeypatch.setattr(probing.psutil, "cpu_percent", lambda: next(loads))
    probing.wait_for_calm()
    assert next(loads, None) is None


def started(monkeypatch, home):
    begun = []
    monkeypatch.setattr(probing, "_watch", begun.append)
    probing.watch(home)
    probing.watch(home)
    time.sleep(0.1)
    return begun


def test_a_machine_is_measured_once(tmp_path, monkeypatch):
    assert started(monkeypatch, tmp_path) == [tmp_path]


def test_a_machine_that_is_known_is_not_measured_again(tmp_path, monkeypatch):
    name, processor, num_cores = machines.this_machine()
    known = replace(machines.reference(), name=name, processor=processor, num_cores=num_cores)
    machines.keep(tmp_path, known)
    assert started(monkeypatch, tmp_path) == []


def test_measuring_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv(probing.PROBE_VARIABLE, "off")
    assert started(monkeypatch, tmp_path) == []
