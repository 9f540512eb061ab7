"""Twenty people at once on one server, each with a project and a training of their own.

    python -m bench.crowd [--readers 20]

Each reader opens the pages of their project one after the other with some seconds between two, starts a training,
watches it wait and train, looks at what it learned, and goes to take it home. One reader alone does the same before, on
the same server. The last line is JSON: how long pages took and the parts of them that are drawn anew by themselves,
how many showed an error or somebody else's project, and the server's memory.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.reader import Reader, Rerun, percentile, reader_of
from bench.server import resident_mb
from core import dataset, events, intake, projects, runs
from core.backbones import CATALOG
from core.config import Phase, RunConfig
from core.projects import Project
from core.runs import Run, State
from core.samples import draw
from core.split import split_images
from core.workspace import Workspace
from scripts.server import Server, running_server

LABELS = ("circle", "square", "star")
PICTURES_PER_CLASS = 20
EPOCHS = 12
ARRIVE_SECONDS = 20.0  # within which the readers come
THINK_SECONDS = (2.0, 8.0)
PATIENCE_SECONDS = 900.0
LOOK_SECONDS = 0.25
RESULTS = ("learned", "try_it", "take_home")


@dataclass
class Seen:
    """What the readers met; filled from several threads.

    Attributes:
        pages: That were opened.
        parts: That were drawn anew by themselves.
        strangers: Pages on which somebody else's project was named.
        errors: What went wrong.
    """

    pages: list[Rerun] = field(default_factory=list)
    parts: list[Rerun] = field(default_factory=list)
    strangers: int = 0
    errors: list[str] = field(default_factory=list)


def prepare(workspace: Workspace, pictures: Path, name: str) -> Project:
    """Makes a project with a few pictures."""
    project = projects.create_project(workspace, name)
    for label in LABELS:
        files = [(path.name, path) for path in sorted((pictures / label).iterdir())]
        intake.take_files(workspace, project.id, label, files)
    return project


def draw_pictures(out: Path) -> Path:
    """Writes shapes in class folders."""
    for label in LABELS:
        (out / label).mkdir(parents=True)
        for index in range(PICTURES_PER_CLASS):
            draw(label, index).save(out / label / f"{index}.png")
    return out


def queue_run(workspace: Workspace, project: Project) -> Run:
    """Queues a short training, which the server launches."""
    backbone = CATALOG["residual10"]
    phase = Phase(EPOCHS, 1e-3, backbone.num_layers)
    config = RunConfig(backbone.name, backbone.image_size, LABELS, (phase,), patience=0)
    table = split_images(dataset.images(workspace, project.id), config.validation_share, config.seed)
    return runs.create_run(workspace, project.id, f"training of {project.name}", config, table)


class Visit:
    """One reader's way through the app."""

    def __init__(self, server: Server, project: Project, others: list[Project], seen: Seen):
        self._server, self._project, self._seen = server, project, seen
        self._others = [other.name.encode() for other in others if other != project]
        self._moments = random.Random(project.name)

    def go(self, arrive_seconds: float) -> None:
        """Goes the whole way; what goes wrong is noted."""
        time.sleep(self._moments.uniform(0, arrive_seconds))
        try:
            with reader_of(self._server) as reader:
                self._journey(reader)
        except Exception as error:  # whatever it is, it is counted
            self._seen.errors.append(f"{self._project.name}: {type(error).__name__}: {error}")

    def _journey(self, reader: Reader) -> None:
        workspace = Workspace(self._server.home)
        for page in ("images", "model", "train"):
            self._look(reader, page)
        run = queue_run(workspace, self._project)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (now := runs.open_run(workspace, run.id)).state.is_over:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The training is {now.state} after {PATIENCE_SECONDS:.0f} s.")
            self._look(reader, "train", run)
        if now.state != State.FINISHED or num_starts(now) != 1:
            raise RuntimeError(f"The training is {now.state} and was started {num_starts(now)} times.")
        for page in RESULTS:
            self._look(reader, page, run)

    def _look(self, reader: Reader, page: str, run: Run | None = None) -> None:
        place = {"project": self._project.id} | ({"run": run.id} if run else {})
        self._seen.pages.append(reader.open(page, **place))
        self._seen.strangers += any(name in reader.said for name in self._others)
        self._seen.parts += reader.stay(self._moments.uniform(*THINK_SECONDS))


def num_starts(run: Run) -> int:
    """Returns how often a worker was started for a run."""
    said, _ = events.read(run.folder / "events.jsonl")
    return sum(isinstance(event, events.Started) for event in said)


class Scales:
    """Weighs a process now and then, until the end of the block."""

    def __init__(self, pid: int):
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._weigh)
        self.largest = 0

    def _weigh(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.largest = max(self.largest, self.now())

    def now(self) -> int:
        """Returns its resident memory in MB."""
        return resident_mb(self._pid)

    def __enter__(self) -> "Scales":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def milliseconds(drawn: list[Rerun]) -> dict[str, float]:
    """Returns how many were drawn, their median and their 95th percentile."""
    median = float(np.median([one.seconds for one in drawn]))
    return {
        "count": len(drawn),
        "median_ms": round(median * 1000),
        "percentile_95_ms": round(percentile(drawn) * 1000),
    }


def told(seen: Seen) -> dict:
    """Returns the figures of what was seen."""
    return {
        "pages": milliseconds(seen.pages),
        "parts": milliseconds(seen.parts),
        "errors": len(seen.errors),
        "strangers": seen.strangers,
    }


def measure(num_readers: int, folder: Path) -> dict:
    """Returns the figures."""
    workspace = Workspace(folder / "home")
    pictures = draw_pictures(folder / "pictures")
    everybody = [prepare(workspace, pictures, f"Project {number:02} of somebody") for number in range(num_readers + 1)]
    first, *others = everybody
    alone, together = Seen(), Seen()
    with running_server(workspace.home) as server:
        Visit(server, first, everybody, alone).go(0)
        with Scales(server.process.pid) as scales, ThreadPoolExecutor(num_readers) as crowd:
            before = scales.now()
            for project in others:
                crowd.submit(Visit(server, project, everybody, together).go, ARRIVE_SECONDS)
            crowd.shutdown()
    for error in (*alone.errors, *together.errors):
        print(error, flush=True)
    return {
        "readers": num_readers,
        "alone": told(alone),
        "together": told(together),
        "ratio_of_95th_percentiles": round(percentile(together.pages) / percentile(alone.pages), 2),
        "memory_mb_before": before,
        "memory_mb_at_most": scales.largest,
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(asked.readers, Path(folder))))


if __name__ == "__main__":
    main()
