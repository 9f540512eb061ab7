"""Kills the processes of runs at random moments, lets the runs go on, and compares them with one left alone.

    python -m bench.chaos [--kills 200] [--seed 1]

A process like the web server's looks after the queue; it, its engine or the worker of the run is killed with SIGKILL.
Half of the runs keep what frozen layers say, half vary the pictures anew in every epoch. The last line is JSON: kills
by process and by phase, epochs that were told and then lost, states that were not true after five seconds, and runs
that ended with other weights or another history than the one left alone. What failed is printed with its seed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from bench import setting
from core import events, jobs, projects, runs
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.ml.checkpoint import FOLDER, LAST, read_standing
from core.ml.devices import DETERMINISTIC
from core.processes import Worker
from core.runs import Run, State
from core.split import split_images
from core.workspace import Workspace

NUM_PICTURES = 48
KILLS_PER_RUN = 5
TRUTH_SECONDS = 5.0
LIMIT_SECONDS = 600.0
LOOK_SECONDS = 0.02
BACKBONE = CATALOG["residual10"]
CONFIG = RunConfig(
    backbone="residual10",
    image_size=32,
    labels=("blue", "red"),
    phases=(Phase(4, 3e-3, BACKBONE.num_layers), Phase(4, 1e-3, BACKBONE.stages[-2].num_layers)),
    head=Head(dropout=0.5),
    batch_size=8,
    patience=0,
)
CONFIGS = {"store": CONFIG, "no store": replace(CONFIG, augmentation="light", views=0)}


def keep(home: str) -> None:
    """Looks after the queue, as the web server does, until it is killed."""
    jobs.watch(Workspace(Path(home)))
    while True:
        time.sleep(1)


@dataclass
class Ground:
    """A workspace with pictures, and the process that looks after it."""

    workspace: Workspace
    project_id: str
    table: pd.DataFrame
    keeper: subprocess.Popen | None = None

    @classmethod
    def prepare(cls, home: Path) -> "Ground":
        workspace = Workspace(home)
        project = projects.create_project(workspace, "Chaos")
        images = setting.tiny_photos(home / "projects" / project.id / "images", NUM_PICTURES)
        rows = [
            {"id": index, "name": str(path), "label": path.parent.name, "split": None}
            for index, path in enumerate(sorted(images.rglob("*.jpg")))
        ]
        table = setting.table_of(images, home, split_images(pd.DataFrame(rows), 0.25, 1))
        return cls(workspace, project.id, table)

    def start_keeper(self) -> None:
        with (self.workspace.home / "keeper.log").open("ab") as log:
            command = [sys.executable, "-m", "bench.chaos", "--keep", str(self.workspace.home)]
            self.keeper = subprocess.Popen(command, cwd=setting.ROOT, stdout=log, stderr=log, env=os.environ)

    def end_keeper(self) -> None:
        if self.keeper is not None:
            family = psutil.Process(self.keeper.pid).children(recursive=True)
            for process in [*family, psutil.Process(self.keeper.pid)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.keeper.wait()

    def begin(self, config: RunConfig) -> Run:
        return runs.create_run(self.workspace, self.project_id, "run", config, self.table)

    def now(self, run: Run) -> Run:
        return runs.open_run(self.workspace, run.id)

    def wait(self, run: Run) -> Run:
        """Waits until a run is over; asks for it again where its process was taken from it."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            run = self.now(run)
            if run.state == State.LOST:
                runs.request_again(self.workspace, run)
            elif run.state.is_over:
                return run
            time.sleep(LOOK_SECONDS)
        sys.exit(f"run {run.id} is {run.state} after {LIMIT_SECONDS:.0f} s")


@dataclass
class Tally:
    """What is counted."""

    kills: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    losses: int = 0
    untrue: int = 0
    unequal: int = 0


def told_epochs(run: Run) -> dict[int, dict]:
    """Returns what was said of each epoch, without when it was and how long it took."""
    said, _ = events.read(run.folder / "events.jsonl")
    last = {event.epoch: asdict(event) for event in said if isinstance(event, events.EpochEnded)}
    return {epoch: {k: v for k, v in one.items() if k not in ("time", "seconds")} for epoch, one in last.items()}


def weights(run: Run) -> dict[str, np.ndarray]:
    with np.load(run.folder / FOLDER / LAST) as kept:
        return {name: kept[name] for name in kept.files if name != "standing"}


def is_equal(run: Run, whole: Run) -> bool:
    """Whether two runs ended with the same bits and the same history."""
    ours, theirs = weights(run), weights(whole)
    same = ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    return same and told_epochs(run) == told_epochs(whole) and run.state == whole.state


def victim(ground: Ground, run: Run, kind: str) -> psutil.Process | None:
    """Returns the process to be killed; None while there is none."""
    assert ground.keeper is not None
    with suppress(psutil.NoSuchProcess):
        if kind == "server":
            return psutil.Process(ground.keeper.pid)
        if kind == "engine":
            children = psutil.Process(ground.keeper.pid).children()
            return next((one for one in children if "core.ml.engine" in " ".join(one.cmdline())), None)
        started = runs.started_by(run.folder)
        return psutil.Process(started.pid) if started is not None else None
    return None


def where(run: Run) -> str:
    """Says in which part of a run a kill falls."""
    said, _ = events.read(run.folder / "events.jsonl")
    marks = (events.Finishing, events.PhaseBegun, events.Started)
    last = next((event for event in reversed(said) if isinstance(event, marks)), None)
    if isinstance(last, events.PhaseBegun):
        return f"phase {last.phase}"
    return "finishing" if isinstance(last, events.Finishing) else "start"


def torment(ground: Ground, run: Run, moments: random.Random, longest: float, tally: Tally, kills: int) -> Run:
    """Kills so many times, lets the run go on after each, and returns it when it is over."""
    for _ in range(kills):
        time.sleep(moments.uniform(0, longest / 2))
        kind = moments.choice(["worker", "worker", "engine", "server"])
        process = victim(ground, run, kind)
        if process is None or ground.now(run).state.is_over:
            break
        told = max(told_epochs(run), default=0)
        tally.phases[where(run)] += 1
        with suppress(psutil.NoSuchProcess):
            process.kill()
            tally.kills[kind] += 1
        if kind == "server":
            ground.keeper.wait()  # type: ignore[union-attr]
            ground.start_keeper()
        tally.untrue += not becomes_true(ground, run)
        standing = read_standing(run.folder)
        if told > (standing.last.epoch if standing else 0):
            tally.losses += 1
            print(f"lost: epoch {told} of run {run.id}", flush=True)
        if ground.now(run).state == State.LOST:
            runs.request_again(ground.workspace, run)
    return ground.wait(run)


def becomes_true(ground: Ground, run: Run) -> bool:
    """Whether within five seconds the state that is shown is that of the process: running with one, else over."""
    deadline = time.monotonic() + TRUTH_SECONDS
    while time.monotonic() < deadline:
        state = ground.now(run).state
        started = runs.started_by(run.folder)
        is_alive = started is not None and Worker(started.pid, started.process_created).is_alive
        if state in (State.QUEUED, State.RUNNING) if is_alive or started is None else state.is_over:
            return True
        time.sleep(LOOK_SECONDS)
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ[DETERMINISTIC] = "on"
    if options.keep:
        keep(options.keep)
    home = Path(tempfile.mkdtemp(prefix="headstart-chaos-"))
    ground = Ground.prepare(home)
    ground.start_keeper()
    try:
        print(json.dumps(measure(ground, options.kills, options.seed)))
    finally:
        ground.end_keeper()
        shutil.rmtree(home, ignore_errors=True)


def measure(ground: Ground, kills: int, seed: int) -> dict:
    """Returns the figures of so many kills."""
    whole: dict[str, Run] = {}
    longest: dict[str, float] = {}
    for name, config in CONFIGS.items():
        for _ in range(2):  # the first fills the store
            began = time.monotonic()
            whole[name] = ground.wait(ground.begin(config))
            longest[name] = time.monotonic() - began
    tally = Tally()
    number = 0
    while tally.kills.total() < kills:
        name = list(CONFIGS)[number % len(CONFIGS)]
        moments = random.Random(f"{seed}-{number}")
        if name == "store" and number % 4 == 0:
            shutil.rmtree(ground.workspace.home / "features", ignore_errors=True)  # so that it is filled meanwhile
        left = min(KILLS_PER_RUN, kills - tally.kills.total())
        run = torment(ground, ground.begin(CONFIGS[name]), moments, longest[name], tally, left)
        if not is_equal(run, whole[name]):
            tally.unequal += 1
            print(f"unequal: run {number} of seed {seed} ({name}), {run.state}", flush=True)
        number += 1
        print(f"{tally.kills.total()} kills, {number} runs", flush=True)
    return {
        "kills": tally.kills.total(),
        "by_process": dict(tally.kills),
        "by_phase": dict(tally.phases),
        "runs": number,
        "losses": tally.losses,
        "untrue_after_5_s": tally.untrue,
        "unequal": tally.unequal,
        "seed": seed,
    }


if __name__ == "__main__":
    main()
