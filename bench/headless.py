"""The whole journey without a browser: class folders in, trained model out, figures as one line of JSON.

    python -m bench.headless FOLDER_OR_ZIP --backbone residual10 --frozen all --head pool --epochs 20 --seed 1 --out DIR

It drives the same `core` as the pages, and is an example of it.
"""

import argparse
import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from core import dataset, history, intake, jobs, metrics, presets, projects, runs
from core.backbones import CATALOG, Backbone
from core.config import Head, RunConfig
from core.errors import AppError
from core.events import Failed, Finishing
from core.workspace import Workspace

POLL_SECONDS = 0.1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="a folder of class folders, or a zip of one")
    parser.add_argument("--backbone", choices=CATALOG, default="residual10")
    parser.add_argument("--preset", choices=["quick", "better", "scratch"], default="quick")
    parser.add_argument("--frozen", help="all, none, the name of the last frozen stage, or a number of layers")
    parser.add_argument("--head", choices=["pool", "flatten"])
    parser.add_argument("--epochs", type=int, help="epochs of the last phase")
    parser.add_argument("--learning-rate", type=float, help="learning rate of the last phase")
    parser.add_argument("--augmentation", choices=["none", "light", "strong"])
    parser.add_argument("--patience", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the workspace to make; the model lies in its runs/")
    parser.add_argument("--only-images", action="store_true", help="stop after the intake")
    return parser.parse_args()


def frozen_layers(backbone: Backbone, frozen: str) -> int:
    """Returns the number of frozen layers that `--frozen` means."""
    stages = {stage.name: stage.num_layers for stage in backbone.stages}
    choices = {"all": backbone.num_layers, "none": 0, **stages}
    if frozen in choices:
        return choices[frozen]
    if frozen.isdigit():
        return int(frozen)
    sys.exit(f"--frozen is {frozen}; it must be a number of layers or one of: {', '.join(choices)}")


def run_config(options: argparse.Namespace, labels: tuple[str, ...]) -> RunConfig:
    """Returns the preset with what the command line changes."""
    backbone = CATALOG[options.backbone]
    make = {"quick": presets.quick, "better": presets.better, "scratch": presets.from_scratch}[options.preset]
    config = make(backbone, labels)
    last = config.phases[-1]
    last = replace(
        last,
        epochs=options.epochs or last.epochs,
        learning_rate=options.learning_rate or last.learning_rate,
        frozen_layers=frozen_layers(backbone, options.frozen) if options.frozen else last.frozen_layers,
    )
    return replace(
        config,
        phases=(*config.phases[:-1], last),
        head=Head(kind="flatten") if options.head == "flatten" else config.head,
        augmentation=options.augmentation or config.augmentation,
        patience=config.patience if options.patience is None else options.patience,
        seed=options.seed,
    )


def take_in(workspace: Workspace, project_id: str, images: Path) -> None:
    """Brings the pictures into the project."""
    take = intake.take_folder if images.is_dir() else intake.take_zip
    take(workspace, project_id, images)


def wait(workspace: Workspace, run: runs.Run) -> tuple[runs.Run, history.History]:
    """Waits for the end of a run."""
    while not run.state.is_over:
        time.sleep(POLL_SECONDS)
        run = runs.open_run(workspace, run.id)
    jobs.join(run.id)  # so that its memory can be asked for
    return run, history.history(run)


def seconds_by_part(story: history.History) -> dict[str, float]:
    """Splits the worker's time into starting, training, and evaluating with export."""
    ready = story.ready.time if story.ready else story.started.time
    finishing = next(event.time for event in story.all if isinstance(event, Finishing))
    return {
        "start": ready - story.started.time,
        "training": finishing - ready,
        "evaluation_and_export": story.end.time - finishing,
    }


def main() -> None:
    options = arguments()
    workspace = Workspace(options.out)
    project = projects.create_project(workspace, options.images.stem)
    began = time.monotonic()
    take_in(workspace, project.id, options.images)
    seconds = {"intake": time.monotonic() - began}
    table = dataset.images(workspace, project.id)
    problems = dataset.set_aside(workspace, project.id)
    reasons = [p.format(**v) for p, v in zip(problems["problem"], problems["values"], strict=True)]
    report = {"num_images": len(table), "set_aside": list(zip(problems["name"], reasons, strict=True))}
    if not options.only_images:
        labels = tuple(sorted(table["label"].unique()))
        report |= train(workspace, project.id, run_config(options, labels), seconds)
    report["seconds"] = {part: round(value, 2) for part, value in seconds.items()}
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 1_000_000 if sys.platform == "darwin" else 1000  # bytes there, kilobytes elsewhere
    report["peak_memory_mb"] = {"own": own // unit, "worker": worker // unit}
    print(json.dumps(report, ensure_ascii=False))


def train(workspace: Workspace, project_id: str, config: RunConfig, seconds: dict[str, float]) -> dict:
    """Trains and returns the figures of the run."""
    run = jobs.start_run(workspace, project_id, "headless", config)
    run, story = wait(workspace, run)
    for epoch in story.epochs.itertuples():
        print(
            f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.3f}, "
            f"validation loss {epoch.val_loss:.3f}, accuracy {epoch.val_accuracy:.3f}"
        )
    if isinstance(story.end, Failed) or not run.has_model:
        sys.exit(story.end.sentence.format(**story.end.values) if story.end else f"The run is {run.state}.")
    seconds |= seconds_by_part(story)
    phase = story.phases[-1]
    return {
        "val_accuracy": round(metrics.accuracy(metrics.read_predictions(run.folder)), 4),
        "val_accuracy_last_epoch": round(float(story.epochs["val_accuracy"].iloc[-1]), 4),
        "epochs": len(story.epochs),
        "best_epoch": story.best_epoch,
        "litert_difference": story.exported.max_difference if story.exported else None,
        "parameters": {
            "trainable": phase.trainable_parameters,
            "non_trainable": phase.non_trainable_parameters,
            "total": phase.trainable_parameters + phase.non_trainable_parameters,
        },
        "model": str(run.folder / "model.keras"),
    }


if __name__ == "__main__":
    try:
        main()
    except AppError as error:
        sys.exit(str(error))
