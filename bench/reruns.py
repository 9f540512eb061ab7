"""How long pages take while a network trains, beside an idle server: the 95th percentile of their reruns.

    python -m bench.reruns

One reader goes to and fro between the Model page and the Train page of a real server, over Streamlit's own websocket,
and waits each time until the page's script is over. Both times the Train page shows a run and its charts: beside the
idle server one that was stopped, then one that trains and never rests.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from bench.reader import Reader, Rerun, connected, percentile
from core import dataset, events, intake, machines, projects, runs
from core.backbones import CATALOG
from core.config import MAX_EPOCHS, Phase, RunConfig
from core.runs import Run, State
from core.samples import SHAPES, draw
from core.split import split_images
from core.workspace import Workspace

AIM = 1.5
NUM_RERUNS = 120
NUM_WARM_UP = 10
THINK_SECONDS = 0.05
NUM_PICTURES = 400
PICTURE_SIZE = (512, 384)
EARLIER_EPOCHS = 4  # so that both runs have charts of some length
CALM_PERCENT = 15.0
CALM_SECONDS = 3
LIMIT_SECONDS = 240
POLL_SECONDS = 0.1


def reruns(reader: Reader, run: Run) -> list[Rerun]:
    """Goes to and fro between the Model page and the Train page with a run; the first pages do not count."""
    drawn = []
    for number in range(NUM_WARM_UP + NUM_RERUNS):
        if number % 2:
            drawn.append(reader.open("train", project=run.project_id, run=run.id))
        else:
            drawn.append(reader.open("model", project=run.project_id))
        time.sleep(THINK_SECONDS)
    return drawn[NUM_WARM_UP:]


def milliseconds(drawn: list[Rerun]) -> dict[str, dict[str, float]]:
    """Returns the middle and the 95th percentile of all pages, and of each with its number of elements."""
    times = {"all": drawn} | {page: [one for one in drawn if one.page == page] for page in ("model", "train")}
    return {
        name: {
            "median": round(float(np.median([one.seconds for one in some])) * 1000, 1),
            "percentile_95": round(percentile(some) * 1000, 1),
            "elements": float(np.median([one.num_elements for one in some])),
        }
        for name, some in times.items()
    }


def row(idle: list[Rerun], training: list[Rerun]) -> dict:
    """Returns the row of the table."""
    ratio = percentile(training) / percentile(idle)
    return {
        "row": "page reruns while training, 95th percentile beside an idle server",
        "ratio": round(ratio, 2),
        "aim": f"at most {AIM}",
        "met": ratio <= AIM,
        "idle_ms": milliseconds(idle),
        "training_ms": milliseconds(training),
        "num_reruns": len(training),
    }


def draw_pictures(out: Path) -> None:
    """Writes shapes as large as photos in class folders."""
    for label in SHAPES:
        (out / label).mkdir(parents=True)
        for index in range(NUM_PICTURES // len(SHAPES)):
            draw(label, index).resize(PICTURE_SIZE).save(out / label / f"{index:03}.jpg")


def endless(labels: tuple[str, ...]) -> RunConfig:
    """A run that computes all the time and does not end by itself: every epoch varies every picture anew."""
    backbone = CATALOG["residual10"]
    return RunConfig(
        backbone=backbone.name,
        image_size=backbone.image_size,
        labels=labels,
        phases=(Phase(MAX_EPOCHS, 1e-4, backbone.stages[-2].num_layers),),
        augmentation="strong",
        views=0,
        patience=0,
    )


def start_run(workspace: Workspace, project_id: str, name: str) -> Run:
    """Queues a run; the server's own watch launches it, through its engine and at low priority."""
    table = dataset.images(workspace, project_id)
    config = endless(tuple(sorted(table["label"].unique())))
    table = split_images(table, config.validation_share, config.seed)
    return runs.create_run(workspace, project_id, name, config, table)


def num_said(run: Run, kind: type[events.Event]) -> int:
    """Returns how many events of a kind a run has written."""
    said, _ = events.read(run.folder / "events.jsonl")
    return sum(isinstance(event, kind) for event in said)


def stop(workspace: Workspace, run: Run) -> None:
    """Stops a run and waits for its end."""
    (run.folder / "stop").touch()
    wait_until(lambda: runs.open_run(workspace, run.id).state.is_over, "The run does not stop.")


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Waits at most four minutes.

    Raises:
        TimeoutError: It did not come to hold, with the sentence `otherwise`.
    """
    limit = time.monotonic() + LIMIT_SECONDS
    while not holds():
        if time.monotonic() > limit:
            raise TimeoutError(otherwise)
        time.sleep(POLL_SECONDS)


def is_calm() -> bool:
    """Whether the processors have nothing to do for some seconds, one after the other."""
    return all(psutil.cpu_percent(1.0) < CALM_PERCENT for _second in range(CALM_SECONDS))


def measure() -> dict:
    """Returns the row.

    Raises:
        RuntimeError: A page shows an error, or the run was over before the last page came, so the figures are void.
        TimeoutError: The machine is busy with something else, or the server does not do what it should.
    """
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "home")
        project = projects.create_project(workspace, "reruns")
        draw_pictures(Path(folder) / "pictures")
        intake.take_folder(workspace, project.id, Path(folder) / "pictures")
        with connected(workspace) as reader:
            # By then the engine has warmed up too: the server measures the machine when it has nothing else to do.
            wait_until(lambda: machines.here(workspace.home) is not None, "The server does not measure the machine.")
            return compare(workspace, project.id, reader)


def compare(workspace: Workspace, project_id: str, reader: Reader) -> dict:
    """Measures beside the idle server, then while a run trains."""
    earlier = start_run(workspace, project_id, "earlier")
    wait_until(lambda: num_said(earlier, events.EpochEnded) >= EARLIER_EPOCHS, "The run does not train.")
    stop(workspace, earlier)
    wait_until(is_calm, "The machine is busy with something else.")
    idle = reruns(reader, earlier)
    present = start_run(workspace, project_id, "present")
    wait_until(lambda: num_said(present, events.Progress) > 0, "The run does not train.")
    training = reruns(reader, present)
    state = runs.open_run(workspace, present.id).state
    if state != State.RUNNING:
        raise RuntimeError(f"The run is {state} before the last page came; the figures are void.")
    stop(workspace, present)
    return row(idle, training)


if __name__ == "__main__":
    print(json.dumps(measure()))
