"""What the benchmarks need: pictures, weights, and runs without a browser in processes of their own."""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
from keras.src.legacy.saving import legacy_h5_format
from PIL import Image

from core import events, machines
from core.backbones import CATALOG
from core.config import RunConfig
from core.samples import SHAPES, draw

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
PHOTO_SIZE = (512, 384)
LAST_EPOCHS = 5


def grown_photos(out: Path, copies: int = 4) -> Path:
    """Writes about 2,400 photos of 512 x 384 in class folders: crops of the trash set, or drawn shapes without it."""
    source = SHARED / "datasets" / "trash"
    if source.is_dir():
        originals = [(path.parent.name, path.stem, path) for path in sorted(source.glob("*/*.jpg"))]
        for label, stem, path in originals:
            with Image.open(path) as photo:
                for copy in range(copies):
                    box = (3 * copy, 2 * copy, photo.width - copy, photo.height - copy)
                    _write(photo.crop(box).resize(PHOTO_SIZE), out / label / f"{stem}-{copy}.jpg")
    else:
        for label in SHAPES:
            for index in range(2400 // len(SHAPES)):
                _write(draw(label, index).resize(PHOTO_SIZE), out / label / f"{index:04}.jpg")
    return out


def tiny_photos(out: Path, count: int, side: int = 32) -> Path:
    """Writes `count` pictures of noise in two colours, half of them in each class folder."""
    random = np.random.default_rng(1)
    grounds = {"blue": (40, 60, 220), "red": (220, 60, 40)}
    for index in range(count):
        label = sorted(grounds)[index % 2]
        pixels = np.clip(grounds[label] + random.normal(0, 30, (side, side, 3)), 0, 255).astype(np.uint8)
        _write(Image.fromarray(pixels), out / label / f"{index:06}.jpg")
    return out


def _write(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=90)


def bring_weights(keras_home: Path, data: Path = SHARED) -> None:
    """Puts Keras' file of MobileNet α=0.25 where Keras looks for it; random weights where it is not at hand."""
    weights = CATALOG["mobilenet_025"].weights
    assert weights is not None
    models = keras_home / "models"
    models.mkdir(parents=True)
    published = data / "weights" / weights.file
    if published.exists():
        shutil.copy(published, models)
    else:
        random = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None)
        _write_random(random, models / weights.file)


def bring_random_vgg16(keras_home: Path) -> None:
    """Puts random weights of VGG16 where Keras looks for the published ones."""
    weights = CATALOG["vgg16"].weights
    assert weights is not None
    keras.utils.set_random_seed(1)
    random = keras.applications.VGG16(include_top=False, weights=None)
    _write_random(random, keras_home / "models" / weights.file)


def _write_random(model: keras.Model, path: Path) -> None:
    """Writes a network's weights in the form in which the pretrained ones are published."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def environment(keras_home: Path) -> dict[str, str]:
    """Returns the environment of a process that is measured."""
    return os.environ | {"KERAS_HOME": str(keras_home), "TF_CPP_MIN_LOG_LEVEL": "3"}


def figures(module: str, *arguments: str, keras_home: Path) -> dict:
    """Runs a module of `bench` in a process of its own and returns its last line, which is JSON."""
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(keras_home), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


@dataclass(frozen=True)
class Measured:
    """A run of ours.

    Attributes:
        seconds: From the built network to the last epoch: cutting, tracing, filling and training.
        first_point: Seconds from just before `fit` to the first point on the chart.
        val_accuracy: Mean over the last five epochs, 0 to 1.
        last_val_accuracy: Of the last epoch.
        peak_mb: The worker's peak memory.
        events: Everything it said.
    """

    seconds: float
    first_point: float
    val_accuracy: float
    last_val_accuracy: float
    peak_mb: int
    events: list[events.Event]


def run(table: pd.DataFrame, config: RunConfig, home: Path, keras_home: Path) -> Measured:
    """Runs a worker on a table of images, as the app does, and returns what it took.

    Args:
        table: Columns path (relative to `home`), name, label, split.
        config: What to do.
        home: The workspace; runs in the same one share what is stored.
        keras_home: Where the weights are.
    """
    folder = home / "runs" / f"{time.time_ns():x}"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    table.to_parquet(folder / "images.parquet", index=False)
    command = [sys.executable, "-m", "core.ml.worker", str(folder)]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(keras_home), stdout=log, stderr=log)
        _pid, _status, usage = os.wait4(process.pid, 0)
        process.returncode = 0  # it has been waited for
    said, _ = events.read(folder / "events.jsonl")
    if not isinstance(said[-1], events.Finished):
        sys.exit(f"{said[-1]}\n{(folder / 'worker.log').read_text()[-2000:]}")
    began = _first(said, events.Ready)
    epochs = [event for event in said if isinstance(event, events.EpochEnded)]
    last = [event.val_accuracy for event in epochs[-LAST_EPOCHS:]]
    return Measured(
        seconds=epochs[-1].time - began,
        first_point=_first(said, events.Progress) - _first(said, events.Features),
        val_accuracy=sum(last) / len(last),
        last_val_accuracy=last[-1],
        peak_mb=usage.ru_maxrss // (1_000_000 if sys.platform == "darwin" else 1000),
        events=said,
    )


def _first(said: list[events.Event], kind: type[events.Event]) -> float:
    """Returns when the first event of a kind was written."""
    return next(event.time for event in said if isinstance(event, kind))


def table_of(images: Path, home: Path, split: pd.DataFrame) -> pd.DataFrame:
    """Returns a run's table of pictures that lie in the workspace already.

    Args:
        images: Their folder, below `home`.
        home: The workspace.
        split: Columns name (the absolute path), label, split.
    """
    return split.assign(
        path=[Path(name).relative_to(home).as_posix() for name in split["name"]],
        name=[Path(name).relative_to(images).as_posix() for name in split["name"]],
    )[["path", "name", "label", "split"]]


def machine() -> dict:
    """Returns what the figures were measured on."""
    _host, processor, cores = machines.this_machine()
    return {"processor": processor, "cores": cores, "system": platform.platform(terse=True)}


def batches_of(items: list, size: int) -> Iterator[list]:
    """Yields the items in lists of `size`."""
    yield from (items[start : start + size] for start in range(0, len(items), size))
