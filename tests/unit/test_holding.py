import subprocess
import sys

import pytest

from core.holding import HeldError, hold, release
from core.processes import ROOT

HOLD = "import sys, time; from pathlib import Path; from core.holding import hold; hold(Path(sys.argv[1]))"


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the workspace."""
    command = [sys.executable, "-c", f"{HOLD}; print('held', flush=True); time.sleep(60)", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_server_is_told_who_is_there(tmp_path, holder):
    with pytest.raises(HeldError, match=f"process {holder.pid}"):
        hold(tmp_path)


def test_a_server_that_was_killed_holds_nothing(tmp_path, holder):
    holder.kill()
    holder.wait()
    hold(tmp_path)
    release(tmp_path)


def test_what_is_let_go_is_free_and_holding_twice_is_holding_once(tmp_path):
    hold(tmp_path)
    hold(tmp_path)
    release(tmp_path)
    done = subprocess.run([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == 0
