"""What a run was said to cost beside what it did cost, as ratios; between 2/3 and 3/2 is the promise.

    python -m bench.estimate FOLDER [--backbones residual10 mobilenet_025]

FOLDER holds class folders. Each run has a workspace of its own, in which this machine is measured first, so that
nothing is known from runs before. Weights are taken from Keras' cache folder (`KERAS_HOME`).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.headless import take_in, wait
from core import costs, dataset, jobs, machines, presets, projects
from core.backbones import CATALOG, Backbone
from core.config import RunConfig
from core.durations import Setting
from core.events import Failed, PhaseBegun
from core.history import History
from core.split import split_images
from core.workspace import Workspace

EPOCHS = 6
EXCUSED_SECONDS = 0.3  # such a difference nobody notices, however large the ratio


def cases(row: Backbone, labels: tuple[str, ...]) -> dict[str, RunConfig]:
    """The runs to foretell: all frozen, all frozen with variations, two phases."""
    quick, better = presets.quick(row, labels), presets.better(row, labels)
    quick = replace(quick, phases=tuple(replace(phase, epochs=EPOCHS) for phase in quick.phases))
    better = replace(better, phases=tuple(replace(phase, epochs=EPOCHS) for phase in better.phases))
    return {"quick": quick, "varied": replace(quick, augmentation="light", views=3), "better": better}


def foretold(workspace: Workspace, project_id: str, config: RunConfig) -> costs.Cost:
    """Returns what the page would say."""
    table = dataset.images(workspace, project_id)
    split = split_images(table, config.validation_share, config.seed)["split"].value_counts()
    machine = machines.here(workspace.home) or machines.reference()
    pixels = costs.mean_pixels(table)
    return costs.estimate(Setting(config, int(split["train"]), int(split["validation"]), pixels, machine))


def happened(story: History) -> dict[str, float]:
    """Returns the seconds of a run's parts: of each phase the first epoch and the median of those that only read."""
    parts = {"total": story.end.time - story.started.time}
    starts = [event for event in story.all if isinstance(event, PhaseBegun)]
    for phase in starts:
        epochs = [
            event for event in story.all if getattr(event, "phase", 0) == phase.phase and hasattr(event, "val_loss")
        ]
        parts[f"first_{phase.phase}"] = epochs[0].time - phase.time
        parts[f"later_{phase.phase}"] = statistics.median(
            later.time - before.time for before, later in zip(epochs[-3:], epochs[-2:], strict=False)
        )
    return parts


def compare(images: Path, backbone: str, name: str) -> dict:
    """Measures the machine, foretells a run, makes it, and returns the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        subprocess.run([sys.executable, "-m", "core.ml.probe", folder], check=True, capture_output=True)
        project = projects.create_project(workspace, name)
        take_in(workspace, project.id, images)
        labels = tuple(sorted(dataset.images(workspace, project.id)["label"].unique()))
        config = cases(CATALOG[backbone], labels)[name]
        said = foretold(workspace, project.id, config)
        run, story = wait(workspace, jobs.start_run(workspace, project.id, name, config))
        if isinstance(story.end, Failed) or not run.has_model:
            sys.exit(f"{backbone} {name}: the run is {run.state}")
        seen = happened(story)
        disk = sum(file.stat().st_size for file in (workspace.home / "features").rglob("[0-9]*.bin"))
    told = {"total": said.total_seconds}
    for number, phase in enumerate(said.phases, start=1):
        told |= {f"first_{number}": phase.first_epoch_seconds, f"later_{number}": phase.later_epoch_seconds}
    return {
        "backbone": backbone,
        "run": name,
        "seconds": {part: [round(told[part], 2), round(seen[part], 2)] for part in told},
        "ratios": {part: round(told[part] / seen[part], 2) for part in told},
        "disk_ratio": round(said.disk_bytes / disk, 3),
        "within": all(is_right(told[part], seen[part]) for part in told),
    }


def is_right(told: float, seen: float) -> bool:
    """Whether an estimate is within a factor of 1.5, or so near that it makes no difference."""
    return 2 / 3 <= told / seen <= 1.5 or abs(told - seen) < EXCUSED_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--backbones", nargs="+", choices=CATALOG, default=["residual10"])
    parser.add_argument(
        "--runs", nargs="+", choices=["quick", "varied", "better"], default=["quick", "varied", "better"]
    )
    options = parser.parse_args()
    compared = []
    for backbone in options.backbones:
        for name in options.runs:
            compared.append(compare(options.images, backbone, name))
            print(json.dumps(compared[-1]), flush=True)
    print(json.dumps(summary(compared)))


def summary(compared: list[dict]) -> dict:
    """Returns the row of the table: the estimate that was furthest off, as a factor, and every other."""
    factors = [
        max(ratio, 1 / ratio)
        for one in compared
        for part, ratio in one["ratios"].items()
        if abs(one["seconds"][part][0] - one["seconds"][part][1]) >= EXCUSED_SECONDS
    ]
    return {
        "row": "cost before the start: the estimate that was furthest off, as a factor",
        "ratio": round(max(factors, default=1.0), 2),
        "aim": "at most 1.5",
        "met": all(one["within"] for one in compared),
        "runs": compared,
    }


if __name__ == "__main__":
    main()
