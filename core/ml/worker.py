"""`python -m core.ml.worker RUN_DIR`: reads the config, does the work, always writes a last event."""

import errno
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pandas as pd
import psutil
import tensorflow as tf

from core import backbones, events, weights
from core.backbones import CATALOG
from core.config import RunConfig
from core.errors import AppError
from core.ml import devices, evaluate, export, memory, pipeline
from core.ml.callbacks import PauseRequested, StopRequested, obey
from core.ml.checkpoint import BEST, FOLDER, read_standing, restore_best
from core.ml.model import build_model
from core.ml.train import train
from core.pictures import UnreadablePictureError
from core.text import N_

DOWNLOAD_EVENT_SECONDS = 0.3
RESERVE, RESERVE_BYTES = "room-for-the-last-word", 64 * 1024
NO_QUICK_FORM = N_("The quick form of this network could not be made, so Keras itself answers when you try it.")


class DiskFullError(AppError):
    """There is no room left to write results."""

    sentence = N_(
        "The disk is full, so the run could not go on. Free some space where {folder} lies, then start it again."
    )


class OutOfMemoryError(AppError):
    """The network and a batch of images do not fit into memory."""

    sentence = N_(
        "The memory was too small for this run. The epochs up to here are kept. Start a new run with a smaller batch "
        "size than {batch_size}, an input size below {image_size} pixels, or a smaller backbone than {backbone}."
    )


class UnexpectedError(AppError):
    """A fault of Headstart's own."""

    sentence = N_(
        "The run ended because of a fault in Headstart. What happened is written in worker.log of run {run_id}; "
        "start it again, and report it if it comes back."
    )


def main(folder: Path, *, is_alone: bool = False) -> None:
    """Works on one run from its config to its last event.

    Args:
        folder: The run folder.
        is_alone: This process is here for nothing else, and may be bounded.
    """
    log = folder / "events.jsonl"
    me = psutil.Process()
    events.append(log, events.Started(pid=me.pid, process_created=me.create_time()))
    try:
        if is_alone:
            memory.bound()
        reserve_room(folder)
        config = RunConfig.from_json((folder / "config.json").read_text(encoding="utf-8"))
        end = run(config, folder)
    except Exception as error:
        end = failed(take_down(error, folder))
    (folder / RESERVE).unlink(missing_ok=True)
    events.append(log, end)


def main_and_leave(folder: Path) -> NoReturn:
    """Works on a run in a process that is here for nothing else, and ends it.

    At once: after an error TensorFlow may wait for ever for what it had under way.
    """
    status = 1
    try:
        main(folder, is_alone=True)
        status = 0
    except Exception:
        traceback.print_exc()  # not even the last word could be written
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def failed(problem: AppError) -> events.Failed:
    """Returns the last event of a run that could not go on."""
    return events.Failed(sentence=problem.sentence, values=problem.values)


def take_down(error: Exception, folder: Path) -> AppError:
    """Logs what ended a run, removes what it left half-written, and says it in words its owner can act on."""
    memory.make_room()
    if not isinstance(error, AppError):
        traceback.print_exception(error)
    clear_half_written(folder)
    return explain(error, folder)


def reserve_room(folder: Path) -> None:
    """Takes some room on the disk that is given back when it is full, so that the last event finds a place.

    Raises:
        OSError: Not even this much is left.
    """
    (folder / RESERVE).write_bytes(os.urandom(RESERVE_BYTES))  # zeros might be kept in no room at all


def clear_half_written(folder: Path) -> None:
    """Deletes what was being written, and what was reserved for the last event."""
    for path in [*folder.glob("writing.*"), *folder.glob("checkpoint/writing.*"), folder / RESERVE]:
        path.unlink(missing_ok=True)


def run(config: RunConfig, folder: Path) -> events.Event:
    """Trains, evaluates and exports; returns the last event, which is not written yet.

    Whatever ends the training for good, its best epoch becomes a whole model that can be looked at. A run that was
    interrupted goes on from its last whole epoch.
    """
    log = folder / "events.jsonl"
    table = pd.read_parquet(folder / "images.parquet")
    devices.be_deterministic()
    keras.utils.set_random_seed(config.seed)
    problem: AppError | None = None
    stopped = False
    try:
        fetch_weights(config, folder)
        devices.use_precision(devices.precision())
        with devices.strategy().scope():
            model = build_model(config)
            events.append(log, ready(config, table))
            repeat_last_epoch(folder)
            train(model, config, table, folder)
    except StopRequested:
        stopped = True
    except PauseRequested:
        return events.Paused()
    except Exception as error:
        problem = take_down(error, folder)
    standing = read_standing(folder)
    best = standing.best if standing else None
    if best is not None:
        events.append(log, events.Finishing(best_epoch=best.epoch))
        try:
            wrap_up(config, table, folder)
        except Exception as error:
            second = take_down(error, folder)
            problem = problem or second
    if problem is not None:
        return failed(problem)
    kind = events.Stopped if stopped else events.Finished
    return kind(best_epoch=best.epoch if best else 0, val_accuracy=best.val_accuracy if best else 0.0)


def fetch_weights(config: RunConfig, folder: Path) -> None:
    """Downloads the pretrained weights where they are not on this machine, and says how far it is."""
    backbone = CATALOG[config.backbone]
    if config.start != "imagenet" or backbones.weights_here(backbone):
        return
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        obey(folder)
        if time.monotonic() - last < DOWNLOAD_EVENT_SECONDS and done != total:
            return
        last = time.monotonic()
        name = backbones.weights_path(backbone).name
        events.append(folder / "events.jsonl", events.Downloading(file=name, done_bytes=done, total_bytes=total))

    weights.fetch_weights(backbone, report)


def ready(config: RunConfig, table: pd.DataFrame) -> events.Ready:
    """Says how many images there are on each side of the split."""
    counts = table["split"].value_counts()
    return events.Ready(
        num_training=int(counts.get("train", 0)),
        num_validation=int(counts.get("validation", 0)),
        num_test=int(counts.get("test", 0)),
        epochs=config.epochs,
    )


def repeat_last_epoch(folder: Path) -> None:
    """Says of the last whole epoch what was not said any more, because the process died between keeping and telling."""
    standing = read_standing(folder)
    said, _ = events.read(folder / "events.jsonl")
    told = max((event.epoch for event in said if isinstance(event, events.EpochEnded)), default=0)
    if standing is not None and standing.last.epoch > told:
        events.append(folder / "events.jsonl", standing.last)


def wrap_up(config: RunConfig, table: pd.DataFrame, folder: Path) -> None:
    """Evaluates and exports the best epoch from its checkpoint, in a fresh graph without what training left."""
    keras.backend.clear_session()
    devices.use_precision(devices.FULL_PRECISION)  # what is taken home runs anywhere
    model = build_model(config)
    restore_best(model, folder / FOLDER / BEST)
    export.write_keras(model, folder)
    predictions = evaluate.write_predictions(model, config, table, folder)
    events.append(folder / "events.jsonl", check_litert(model, folder, predictions))


def check_litert(model: keras.Model, folder: Path, predictions: pd.DataFrame) -> events.Exported:
    """Exports to LiteRT and compares; where it cannot be made, Keras answers, and the page says so."""
    try:
        export.write_litert(model, folder)
        difference = export.largest_difference(folder, predictions)
    except (OSError, MemoryError):
        raise
    except Exception:
        # The converter raises many types. The trained model is safe by now; losing its fast form must not lose the run.
        traceback.print_exc()
        clear_half_written(folder)
        events.append(folder / "events.jsonl", events.Note(sentence=NO_QUICK_FORM))
        return events.Exported(max_difference=1.0, agrees=False)
    return events.Exported(max_difference=difference, agrees=difference <= export.AGREEMENT)


def explain(error: Exception, folder: Path) -> AppError:
    """Turns whatever ended a run into something its owner can act on."""
    if isinstance(error, AppError) and not isinstance(error, UnreadablePictureError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(folder=str(folder))
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        config = RunConfig.from_json((folder / "config.json").read_text(encoding="utf-8"))
        return OutOfMemoryError(
            batch_size=config.batch_size, image_size=config.image_size, backbone=CATALOG[config.backbone].title
        )
    if isinstance(error, tf.errors.OpError | OSError | UnreadablePictureError):
        # What a picture raised in the middle of training arrives as TensorFlow's own error.
        missing = pipeline.first_unreadable(pd.read_parquet(folder / "images.parquet"), folder.parent.parent)
        if missing is not None:
            return pipeline.MissingPictureError(name=missing)
    return UnexpectedError(run_id=folder.name)


if __name__ == "__main__":
    main_and_leave(Path(sys.argv[1]).resolve())
