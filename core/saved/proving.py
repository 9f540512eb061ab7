"""Proving: a run that came from elsewhere is read, checked and written anew before any page or worker meets it.

Nothing of it is executed: weights are plain arrays (never pickles), a Keras file may hold only the kinds of layers that
Headstart itself uses, and the LiteRT model has to say of its own pictures what it is said to have said.
"""

import json
import math
import zipfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_origin

import numpy as np
import pandas as pd

from core import events, predict
from core.backbones import CATALOG
from core.config import RunConfig
from core.history import History
from core.layout import SPLITS
from core.runs import Run
from core.saved.parcel import CHECKPOINTS
from core.saved.soundness import UnsoundError, is_count, is_number, is_sentence, is_text, require
from core.taking import is_full

AGREEMENT = 1e-3  # of a probability; processors differ in the last bits
MAX_REPLAYED = 8
NO_PROCESS: dict[str, Any] = {"pid": 0, "process_created": -1000.0}  # before there were any
MAX_CONFIG_BYTES = 20_000_000
ARRAY = ("weight-", "optimizer-", "random-", "standing.npy")

# What the networks of `core.backbones` are made of, as Keras writes it down, by module: each names classes that compute
# and nothing that runs what a file says. `tests/ml/test_saved_project.py` compares.
KINDS_OF_LAYERS = {
    None: {"__keras_tensor__"},
    "keras": {"DTypePolicy", "Sequential"},
    "keras.initializers": {"GlorotUniform", "HeNormal", "Ones", "VarianceScaling", "Zeros"},
    "keras.layers": {
        "Activation",
        "Add",
        "AveragePooling2D",
        "BatchNormalization",
        "Concatenate",
        "Conv2D",
        "Cropping2D",
        "Dense",
        "DepthwiseConv2D",
        "Dropout",
        "Flatten",
        "GlobalAveragePooling2D",
        "InputLayer",
        "LayerNormalization",
        "MaxPooling2D",
        "Multiply",
        "Normalization",
        "ReLU",
        "Rescaling",
        "Reshape",
        "SeparableConv2D",
        "ZeroPadding2D",
    },
    "keras.src.applications.convnext": {"LayerScale"},
    "keras.src.models.functional": {"Functional"},
    "keras.src.ops.numpy": {"Add", "Flip", "Multiply"},
}

Rows = Iterable[dict[str, Any]]


def prove(run: Run, images: Rows, predictions: Rows | None, rename: Callable[[str], str]) -> None:
    """Makes a run's folder one that a run of this workspace could have.

    Args:
        run: Its folder holds config.json, events.jsonl, models and checkpoints as they came.
        images: The rows of its table of images as they came.
        predictions: The same of its predictions; None where there are none.
        rename: Turns the path of a picture into the one that it has here.

    Raises:
        UnsoundError: It does not hold up; what is in the folder is not to be used.
    """
    try:
        config = _config(run.folder)
        _events(run)
        _images(images, config, rename).to_parquet(run.folder / "images.parquet", index=False)
        for name in CHECKPOINTS:
            _arrays(run.folder / name)
        _keras_file(run.folder / "model.keras")
        if predictions is not None:
            table = _predictions(predictions, config, rename)
            table.to_parquet(run.folder / "predictions.parquet", index=False)
            _replay(run.folder, table)
        require(_can_be_told(run))
    except UnsoundError:
        raise
    except Exception as error:
        # Readers of damaged or made-up files raise whatever they stumble over.
        if is_full(error):
            raise
        raise UnsoundError from error


def _config(folder: Path) -> RunConfig:
    path = folder / "config.json"
    config = RunConfig.from_json(path.read_text(encoding="utf-8"))
    require(config.backbone in CATALOG)
    require(all(is_text(label) for label in config.labels) and len(set(config.labels)) == len(config.labels) >= 2)
    whole = (config.image_size, config.batch_size, config.views, config.patience, config.seed, config.head.hidden_units)
    require(all(isinstance(value, int) for value in whole))
    require(all(isinstance(phase.epochs, int) and isinstance(phase.frozen_layers, int) for phase in config.phases))
    path.write_text(config.to_json(), encoding="utf-8")
    return config


def _events(run: Run) -> None:
    """Writes the events anew: those that can be read, with values as they have to be, and without processes."""
    said, _ = events.read(run.folder / "events.jsonl")
    require(all(_is_sound(event) for event in said))
    (run.folder / "events.jsonl").write_bytes(b"".join(events.line(_without_process(event)) for event in said))


def _without_process(event: events.Event) -> events.Event:
    """Returns an event that names no process: one of another machine, or a made-up one, may be somebody else's here.

    Whoever deletes a run ends the process that it names.
    """
    return replace(event, **NO_PROCESS) if isinstance(event, events.Started) else event


def _is_sound(event: events.Event) -> bool:
    told = {field.name: getattr(event, field.name) for field in fields(event)}
    is_told = is_sentence(told["sentence"], told["values"]) if "sentence" in told else True
    return is_told and all(_fits(told[field.name], field.type) for field in fields(event))


def _fits(value: object, kind: Any) -> bool:
    if kind is float:
        return is_number(value)
    if kind is int:
        return is_count(value)
    return is_text(value) if kind is str else isinstance(value, get_origin(kind) or kind)


def _images(rows: Rows, config: RunConfig, rename: Callable[[str], str]) -> pd.DataFrame:
    made = []
    for row in rows:
        require(is_text(row["name"]) and row["label"] in config.labels and row["split"] in SPLITS)
        one = {"path": rename(row["path"]), **{name: row[name] for name in ("name", "label", "split")}}
        if "random_split" in row:
            require(row["random_split"] in SPLITS)
            one["random_split"] = row["random_split"]
        if "similar" in row:
            require(row["similar"] is None or is_count(row["similar"]))
            one["similar"] = row["similar"]
        made.append(one)
    require(bool(made))
    table = pd.DataFrame(made)
    return table.astype({"similar": "Int64"}) if "similar" in table else table


def _predictions(rows: Rows, config: RunConfig, rename: Callable[[str], str]) -> pd.DataFrame:
    made = []
    for row in rows:
        require(is_text(row["name"]) and row["split"] in SPLITS)
        require(row["label"] in config.labels and row["predicted"] in config.labels)
        values = row["probabilities"]
        require(isinstance(values, list) and len(values) == len(config.labels))
        require(all(is_number(value, -0.001, 1.001) for value in [row["confidence"], *values]))
        made.append(
            {
                "path": rename(row["path"]),
                **{name: row[name] for name in ("name", "split", "label", "predicted")},
                "confidence": float(row["confidence"]),
                "probabilities": [float(value) for value in values],
            }
        )
    require(bool(made))
    return pd.DataFrame(made)


def _arrays(path: Path) -> None:
    """Makes sure that a file of weights holds arrays of numbers as they are, unpacked, and what stands in it."""
    if not path.exists():
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        require(all(member.filename.startswith(ARRAY) for member in members))
        _require_unpacked(members, path)
    with np.load(path, allow_pickle=False) as kept:
        # Reading one refuses pickles; each is no larger than it is in the file.
        require(all(kept[name].dtype.kind in "fiub" for name in kept.files))
        standing = json.loads(kept["standing"].tobytes())
    counted = ("phase", "epochs_before", "epochs", "planned", "waited")
    require(all(is_count(standing[name]) for name in counted) and is_number(standing["lowest"]))
    for name in ("best", "last"):
        require(_is_sound(events.EpochEnded(**standing[name])))


def _require_unpacked(members: Collection[zipfile.ZipInfo], path: Path) -> None:
    require(all(member.compress_type == zipfile.ZIP_STORED for member in members))
    require(sum(member.file_size for member in members) <= path.stat().st_size)


def _keras_file(path: Path) -> None:
    """Makes sure that a Keras file holds no kind of layer but those of Headstart's own networks, and so no code."""
    if not path.exists():
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        require({member.filename for member in members} <= {"metadata.json", "config.json", "model.weights.h5"})
        _require_unpacked(members, path)
        require(archive.getinfo("config.json").file_size <= MAX_CONFIG_BYTES)
        require(not _unknown_kinds(json.loads(archive.read("config.json"))))


def _unknown_kinds(part: Any) -> set[str]:
    """Returns what a description of a network names besides the kinds of layers that Headstart's own are made of."""
    if isinstance(part, list):
        return set().union(*map(_unknown_kinds, part))
    if not isinstance(part, dict):
        return set()
    unknown = set().union(*map(_unknown_kinds, part.values()))
    if "class_name" in part:
        kind, module, registered = (part.get(name) for name in ("class_name", "module", "registered_name"))
        if kind not in KINDS_OF_LAYERS.get(module, ()) or registered not in (None, kind):
            unknown.add(f"{module}.{kind}")
    return unknown


def _replay(folder: Path, predictions: pd.DataFrame) -> None:
    """Has the LiteRT model look at some of the pictures again, in this process, which may come to harm over it."""
    if not (folder / predict.MODEL_FILE).exists():
        return
    home = folder.parents[1]
    there = predictions[[(home / path).exists() for path in predictions["path"]]].head(MAX_REPLAYED)
    said = predict.predict(folder, [home / path for path in there["path"]])
    told = np.array(there["probabilities"].tolist()).reshape(said.shape)
    require(bool(np.abs(said - told).max(initial=0) <= AGREEMENT))


def _can_be_told(run: Run) -> bool:
    """Whether all that pages ask of a run's story has an answer."""
    story = History(run)
    story.update()
    numbers = (story.position, story.fraction_done, story.seconds, story.seconds_left, story.best_accuracy)
    story.epochs, story.progress, story.best_epoch, story.filled_after, story.is_decided  # noqa: B018 (they must not fail)
    return all(number is None or math.isfinite(number) for number in numbers)
