"""Has the speed of this machine measured in the background, at a moment when it has nothing else to do."""

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from core import machines

ROOT = Path(__file__).resolve().parents[1]
PROBE = (sys.executable, "-m", "core.ml.probe")
PROBE_VARIABLE = "HEADSTART_PROBE"
LOG = "probe.log"
LIMIT_SECONDS = 180
LOOK_SECONDS = 1.0
CALM_LOOKS = 3  # one after the other, so that a pause between two requests is not taken for calm
CALM_PERCENT = 40.0
MAX_TRIES = 3
NICENESS = 10  # as a worker's, whose speed it foretells

logger = logging.getLogger(__name__)
_watched: set[Path] = set()


def watch(home: Path) -> None:
    """Starts a thread that has this machine measured once, unless it was; for the server, later calls do nothing.

    Args:
        home: The workspace. `HEADSTART_PROBE=off` does without.
    """
    switched_off = os.environ.get(PROBE_VARIABLE, "").lower() == "off"
    if switched_off or home in _watched or machines.here(home):
        return
    _watched.add(home)
    threading.Thread(target=_watch, args=(home,), name="headstart-probe", daemon=True).start()


def _watch(home: Path) -> None:
    for _try in range(MAX_TRIES):
        wait_for_calm()
        if probe(home):
            return
    logger.warning("The speed of this machine could not be measured; %s tells why.", home / LOG)


def wait_for_calm() -> None:
    """Waits until the processors have had little to do for some seconds."""
    calm = 0
    while calm < CALM_LOOKS:
        time.sleep(LOOK_SECONDS)
        calm = calm + 1 if psutil.cpu_percent() < CALM_PERCENT else 0


def probe(home: Path) -> bool:
    """Measures this machine in a process of its own, at low priority, and says whether that worked."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / LOG).open("wb") as log:
            child = subprocess.Popen(
                (*PROBE, str(home)),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _lower_priority(child.pid)
        child.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    except OSError:
        logger.exception("The speed of this machine could not be measured.")
    return machines.here(home) is not None


def _lower_priority(pid: int) -> None:
    with suppress(psutil.Error):
        low = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICENESS
        psutil.Process(pid).nice(low)
