"""A project with pictures, changes and runs as a worker leaves them, and its file, to be changed by tests."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from core import checks, curation, dataset, events, intake, predict, projects, runs
from core.config import Phase, RunConfig
from core.runs import Run, State
from core.saved.packing import pack
from core.split import split_images
from core.workspace import Workspace

DATA = Path(__file__).parent / "data"
COLOURS = {"blue": (20, 20, 220), "green": (20, 220, 20), "red": (220, 20, 20)}
# As `tests/data/make_colour_model.py` made the model.
CONFIG = RunConfig(backbone="residual10", image_size=32, labels=("red", "green", "blue"), phases=(Phase(3, 0.001, 41),))
LAYERS = {"class_name": "Functional", "module": "keras.src.models.functional", "config": {"name": "headstart"}}


def make_project(workspace: Workspace, folder: Path) -> str:
    """Pictures of three colours, some of them moved, set aside, said to be fine; a file that is no picture."""
    project = projects.create_project(workspace, "Colours & <b>more</b>")
    random = np.random.default_rng(1)
    for label, colour in COLOURS.items():
        for number in range(6):
            size = (300, 220) if number == 5 else (40, 32)
            coarse = Image.fromarray(random.integers(0, 90, (6, 8), np.uint8)).resize(size, Image.Resampling.BICUBIC)
            noise = random.normal(0, 6, (*size[::-1], 3)) + np.asarray(coarse, float)[..., None]
            pixels = np.clip(np.array(colour) * 0.6 + noise, 0, 255).astype(np.uint8)
            file = folder / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
    Image.open(folder / "red" / "5.png").resize((290, 212)).save(folder / "red" / "copy.jpg")  # a near duplicate
    (folder / "red" / "broken.png").write_bytes(b"no picture")
    intake.take_folder(workspace, project.id, folder)
    table = dataset.images(workspace, project.id).set_index("name")["id"]
    curation.move_images(workspace, project.id, [table["red/0.png"]], "green")
    curation.set_images_aside(workspace, project.id, [table["blue/0.png"]])
    found = checks.find(dataset.images(workspace, project.id))
    checks.dismiss(workspace, project.id, next(one for one in found if one.kind == "duplicates"))
    return project.id


def make_run(workspace: Workspace, project_id: str, name: str = "First *try*") -> Run:
    """A run that is over, with a model that knows its colours."""
    table = split_images(dataset.images(workspace, project_id), 0.34, 1)
    run = runs.create_run(workspace, project_id, name, CONFIG, table)
    epochs(run, 3)
    for event in (events.Finishing(best_epoch=3), events.Exported(max_difference=1e-7, agrees=True)):
        say(run, event)
    say(run, events.Finished(best_epoch=3, val_accuracy=0.75))
    runs.record_state(workspace, run.id, State.FINISHED)
    keras_file(run.folder / "model.keras", LAYERS)
    shutil.copy(DATA / "colour.tflite", run.folder / "model.tflite")
    held_back = table[table["split"] == "validation"].reset_index(drop=True)
    said = predict.predict(run.folder, [workspace.home / path for path in held_back["path"]])
    predictions = held_back[["path", "name", "split", "label"]].assign(
        predicted=[CONFIG.labels[index] for index in said.argmax(axis=1)],
        confidence=said.max(axis=1).astype(float),
        probabilities=[row.astype(float).tolist() for row in said],
    )
    predictions.to_parquet(run.folder / "predictions.parquet", index=False)
    return run


def say(run: Run, event: events.Event) -> None:
    events.append(run.folder / "events.jsonl", event)


def epochs(run: Run, count: int, *, kept: int | None = None) -> None:
    """Whole epochs, of which the last (or `kept`) is on the disk."""
    say(run, events.Started(pid=1, process_created=0.0))
    say(run, events.Ready(num_training=12, num_validation=6, num_test=0, epochs=3))
    say(
        run,
        events.PhaseBegun(
            phase=1, first_epoch=1, frozen_layers=41, trainable_parameters=10, non_trainable_parameters=90
        ),
    )
    for number in range(1, count + 1):
        say(run, events.Progress(epoch=number, step=1, steps=2, images_seen=4, loss=0.5, accuracy=0.5))
        say(run, epoch(number))
    checkpoint(run.folder / runs.CHECKPOINT, kept or count)
    shutil.copy(run.folder / runs.CHECKPOINT, run.folder / "checkpoint" / "best.npz")


def epoch(number: int) -> events.EpochEnded:
    return events.EpochEnded(
        epoch=number,
        phase=1,
        loss=0.5,
        accuracy=0.5,
        val_loss=0.5,
        val_accuracy=0.75,
        learning_rate=1e-3,
        seconds=1.0,
        best=True,
    )


def checkpoint(path: Path, number: int, **arrays: np.ndarray) -> None:
    """Writes an epoch as `core.ml.checkpoint` does."""
    told = epoch(number).__dict__
    counted = {"phase": 1, "epochs_before": 0, "epochs": number, "planned": 3, "waited": 0}
    standing = counted | {"lowest": 0.5, "stopped_early": False, "best": told, "last": told}
    path.parent.mkdir(exist_ok=True)
    text = np.frombuffer(json.dumps(standing).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, **{"weight-0": np.ones(4, np.float32), "standing": text} | arrays)


def keras_file(path: Path | io.BytesIO, layers: object, **more: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(layers))
        archive.writestr("model.weights.h5", b"weights")
        for name, data in more.items():
            archive.writestr(name, data)


def packed(workspace: Workspace, project_id: str, file: Path) -> Path:
    pack(workspace, project_id, file, lambda done, total: None)
    return file


def changed(file: Path, name: str, change: Callable[[bytes], bytes | None]) -> Path:
    """Another file in which one part is different, or missing where `change` returns None."""
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            data = source.read(member)
            if member.filename == name:
                made = change(data)
                if made is None:
                    continue
                data = made
            target.writestr(member.filename, data)
    return other


def names_in(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def picture(colour: tuple[int, int, int]) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (40, 32), colour).save(written, "PNG")
    return written.getvalue()


def images(workspace: Workspace, project_id: str) -> pd.DataFrame:
    """All that a project knows of its pictures, but where it lies and what it is called inside."""
    with workspace.database() as database:
        rows = database.execute("SELECT * FROM images WHERE project_id = ? ORDER BY id", (project_id,)).fetchall()
    return pd.DataFrame([dict(row) for row in rows]).drop(columns=["id", "project_id"])
