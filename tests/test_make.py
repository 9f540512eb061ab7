import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OUTSIDE = ("sh", "dirname", "cat", "cksum", "rm", "make", "awk", "env")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="make and sh are for Linux and macOS")


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of what `make` needs, without a .venv."""
    folder = tmp_path / "a folder"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def commands(tmp_path) -> Path:
    """A folder with the few commands that a bare machine has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in OUTSIDE:
        (folder / name).symlink_to(shutil.which(name))
    return folder


def _fake_python(commands: Path, name: str, body: str) -> None:
    program = commands / name
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


def _python_of_version(version: str) -> str:
    """A fake that says it is of a version too old or too new."""
    return f'case "$2" in *print*) echo {version} ;; *) exit 1 ;; esac'


def _make(checkout: Path, commands: Path, target: str = "run", **settings: str) -> tuple[int, str]:
    done = subprocess.run(
        ["make", "--silent", "--no-print-directory", target],
        cwd=checkout,
        env={"PATH": str(commands), "LC_ALL": "C", **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make: ***")]
    return done.returncode, "\n".join(said)


@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_python_too_old_or_too_new(checkout, commands, version):
    _fake_python(commands, "python3", _python_of_version(version))
    code, said = _make(checkout, commands)
    assert code != 0
    assert said == (
        f"Headstart needs Python 3.11, 3.12 or 3.13, but python3 is {version}; "
        "install one of them, or say where it is: PYTHON=/path/to/python3.12 make run"
    )
    assert not (checkout / ".venv").exists()


def test_no_python(checkout, commands):
    code, said = _make(checkout, commands)
    assert code != 0
    assert said.startswith("Headstart needs Python 3.11, 3.12 or 3.13, and python3 is not here; install one")
    assert said.count("\n") == 0


def test_python_of_choice_that_is_not_there(checkout, commands):
    code, said = _make(checkout, commands, PYTHON="/nowhere/python")
    assert code != 0
    assert "/nowhere/python is not here" in said


def test_python_without_venv(checkout, commands):
    lacking = f'case "$2" in *ensurepip*) exit 1 ;; *) exec "{sys.executable}" "$@" ;; esac'
    _fake_python(commands, "python3", lacking)
    code, said = _make(checkout, commands)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert code != 0
    assert said == (
        f'Python {version} lacks its venv module; on Debian or Ubuntu run "sudo apt install python{version}-venv", '
        "then try again."
    )


def test_python_for_intel_macs(checkout, commands):
    intel = f'case "$2" in *platform*) echo "Darwin x86_64" ;; *) exec "{sys.executable}" "$@" ;; esac'
    _fake_python(commands, "python3", intel)
    code, said = _make(checkout, commands)
    assert code != 0
    assert said.startswith("TensorFlow does not exist for this Python, which is one for Intel Macs;")


def test_later_python_is_found_behind_an_old_one(checkout, commands):
    _fake_python(commands, "python3", _python_of_version("3.9"))
    (commands / "python3.12").symlink_to(sys.executable)
    found = subprocess.run(
        ["sh", "-c", ". scripts/python.sh; find_python"],
        cwd=checkout,
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
    )
    assert found.stdout == "python3.12\n"


def test_port_that_is_taken(checkout, commands):
    (commands / "python3").symlink_to(sys.executable)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = _make(checkout, commands, PORT=str(port))
    assert code != 0
    assert said == (
        f"Port {port} is taken, perhaps by Headstart itself; stop the program that uses it, "
        f"or choose another port: PORT={port % 65535 + 1} make run"
    )
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("port", ["eighty", "0", "65536", "-1", "80.5"])
def test_port_that_is_none(checkout, commands, port):
    (commands / "python3").symlink_to(sys.executable)
    code, said = _make(checkout, commands, PORT=port)
    assert code != 0
    assert said == f"PORT is “{port}”, but it must be a number from 1 to 65535, such as: PORT=8502 make run"


def _fake_venv(checkout: Path, pip_exit_code: int) -> Path:
    """A .venv whose pip writes down that it was called; returns where."""
    calls = checkout / "pip-calls"
    folder = checkout / ".venv" / "bin"
    folder.mkdir(parents=True)
    pip = f'case "$1 $2" in "-m pip") echo "$@" >>"{calls}"; exit {pip_exit_code} ;; esac'
    _fake_python(folder, "python", f'{pip}\nexec "{sys.executable}" "$@"')
    return calls


def _environment(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "scripts/environment.sh", "requirements.lock"],
        cwd=checkout,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_failed_installation(checkout):
    _fake_venv(checkout, pip_exit_code=1)
    done = _environment(checkout)
    assert done.returncode != 0
    assert done.stderr == (
        "The packages could not be installed (see above); check the network and that 4 GB of disk are free, "
        "then try again.\n"
    )


def test_second_time_installs_nothing(checkout):
    calls = _fake_venv(checkout, pip_exit_code=0)
    assert "happens once" in _environment(checkout).stdout
    second = _environment(checkout)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert len(calls.read_text().splitlines()) == 1


def test_changed_lock_is_installed_again(checkout):
    calls = _fake_venv(checkout, pip_exit_code=0)
    _environment(checkout)
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("another==1.0\n")
    _environment(checkout)
    assert len(calls.read_text().splitlines()) == 2


def test_failed_installation_is_tried_again(checkout):
    calls = _fake_venv(checkout, pip_exit_code=1)
    _environment(checkout)
    _environment(checkout)
    assert len(calls.read_text().splitlines()) == 2


def _folder_in_memory(memory: Path, room_kb: int, before: str = "true") -> str:
    """What the suite would use; `before` is what else the shell is told first."""
    script = f'set -eu; . scripts/memory.sh; {before}; folder_in_memory "{memory}" {room_kb}'
    return subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_tests_write_into_memory_where_there_is_room(tmp_path):
    folder = Path(_folder_in_memory(tmp_path, 1))
    assert folder.is_dir() and folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0


def test_without_room_in_memory_tests_write_where_they_always_did(tmp_path):
    assert _folder_in_memory(tmp_path, 10**12) == ""
    assert _folder_in_memory(tmp_path / "nothing", 1) == ""
    assert list(tmp_path.iterdir()) == []


def test_memory_from_which_no_program_may_be_run_is_not_used(tmp_path):
    assert _folder_in_memory(tmp_path, 1, before="chmod() { true; }") == ""
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_target(checkout, commands):
    code, said = _make(checkout, commands, "help")
    assert code == 0
    for target in ("run", "test", "check", "bench", "shots", "words", "clean"):
        assert f"make {target}" in said


def test_locks_name_no_registry():
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_locks_agree():
    pins = [
        dict(line.split(" ;")[0].split("==") for line in (ROOT / name).read_text().splitlines() if "==" in line)
        for name in ("requirements.lock", "requirements-dev.lock")
    ]
    both = pins[0].keys() & pins[1].keys()
    assert {name: pins[0][name] for name in both} == {name: pins[1][name] for name in both}
