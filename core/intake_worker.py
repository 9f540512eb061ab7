"""`python -m core.intake_worker FOLDER`: carries out the order of one intake and says how far it is."""

import multiprocessing
import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from core.errors import AppError
from core.intake import IntakeFailedError
from core.intake_folder import IntakeFolder
from core.taking import Stage, Target
from core.work_folder import END, PROGRESS, WorkFolder
from core.workspace import Workspace

TELL_SECONDS = 0.25
THREADS_OF_NUMPY = "OPENBLAS_NUM_THREADS"


class CancelledError(Exception):
    """Nobody wants what is made any more."""


class Progress:
    """Writes down how far some work is, now and then, and ends it when it is cancelled."""

    def __init__(self, folder: Path):
        self._folder = WorkFolder(folder)
        self._began = self._told = time.monotonic()
        self._stage: Stage = "looking"
        self._total = 0

    def __call__(self, done: int, total: int, stage: Stage) -> None:
        """Takes note of how far it is.

        Raises:
            CancelledError: It is to end.
        """
        now = time.monotonic()
        is_new = (stage, total) != (self._stage, self._total)  # something else is counted from now on
        if is_new:
            self._began, self._stage, self._total = now, stage, total
        if self._folder.is_cancelled:
            raise CancelledError
        if is_new or done == total or now - self._told > TELL_SECONDS:
            self._told = now
            self._folder.write(PROGRESS, {"stage": stage, "done": done, "total": total, "seconds": now - self._began})


def main(path: Path) -> None:
    """Carries out the order of an intake's folder; its harvest lies there afterwards, and how it ended."""
    folder, project = IntakeFolder(path), path.parents[1]
    order, limits = folder.order
    target = Target(Workspace(project.parents[1]), project.name, path, limits)
    try:
        end = {"result": asdict(order.carry_out(target, Progress(path), processes))}
    except CancelledError:
        return
    except AppError as error:
        end = {"error": error.said()}
    except Exception:
        traceback.print_exc()
        end = {"error": IntakeFailedError().said()}
    folder.write(END, end)


def processes() -> ProcessPoolExecutor:
    """Returns a process for each core, which leave the memory of this one alone."""
    os.environ[THREADS_OF_NUMPY] = "1"  # each core has a process already
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload(["core.examining"])
    return ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
