"""The Keras callbacks of a run: the stop file, the events, and the best epoch kept on disk."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from core import events
from core.config import Phase
from core.errors import AppError
from core.text import N_

PROGRESS_SECONDS = 0.2
BEST_EPOCH = "checkpoint/best.npz"


class StopRequested(Exception):  # noqa: N818 (not an error: the user asked for it)
    """The user asked the run to stop."""


class DivergedError(AppError):
    """The loss became infinite or not a number."""

    sentence = N_(
        "The loss grew beyond all bounds in epoch {epoch}: the steps were too large for this network. "
        "Start again with a smaller learning rate, for example {suggestion}."
    )


class BestEpoch:
    """What the network had learned by the epoch with the lowest validation loss, on disk, to outlive the process.

    Only weights that training may change in some phase are kept: the others are those of the pretrained file, and a
    few numbers are written in a moment where a whole network takes longer than an epoch on stored features.

    Args:
        folder: The run folder.
        model: The whole network.
        learned: Those of its weights that may change; see `core.ml.model.learned_weights`.
    """

    def __init__(self, folder: Path, model: keras.Model, learned: list[keras.Variable]):
        self.path = folder / BEST_EPOCH
        self.path.parent.mkdir(exist_ok=True)
        self.val_loss = math.inf
        self.epoch = 0
        self.val_accuracy = 0.0
        places = {id(weight): place for place, weight in enumerate(model.weights)}
        self._learned = {str(places[id(weight)]): weight for weight in learned}

    def offer(self, epoch: int, val_loss: float, val_accuracy: float) -> bool:
        """Keeps the network's weights if this epoch is the best so far, and says whether it was."""
        if not val_loss < self.val_loss:
            return False
        beside = self.path.with_name("writing.npz")
        arrays: dict[str, Any] = {
            place: keras.ops.convert_to_numpy(weight.value) for place, weight in self._learned.items()
        }
        np.savez(beside, **arrays)
        beside.replace(self.path)
        self.val_loss, self.epoch, self.val_accuracy = val_loss, epoch, val_accuracy
        return True

    def restore(self, model: keras.Model) -> None:
        """Puts the best epoch's weights back into the model, where there is one."""
        if self.path.exists():
            restore_best(model, self.path)


def restore_best(model: keras.Model, path: Path) -> None:
    """Puts what `BestEpoch` kept into a network that was built like the trained one, pretrained weights included."""
    with np.load(path) as kept:
        for place in kept.files:
            model.weights[int(place)].assign(kept[place])


class Stop(keras.callbacks.Callback):
    """Ends training or validation at the next batch once the stop file is there.

    It leaves `fit` by an exception, since Keras has no other way out of a validation that is under way.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.file = folder / "stop"

    def _obey(self) -> None:
        if self.file.exists():
            raise StopRequested

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Looks for the stop file before each training batch."""
        self._obey()

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Looks for the stop file before each validation batch."""
        self._obey()


@dataclass(frozen=True)
class Turn:
    """Which phase of a run it is, from 1, and how many epochs went before it."""

    folder: Path
    phase: Phase
    number: int
    epochs_before: int

    @property
    def home(self) -> Path:
        """The workspace."""
        return self.folder.parent.parent

    def say(self, event: events.Event) -> None:
        """Writes an event of the run."""
        events.append(self.folder / "events.jsonl", event)


class Reporter(keras.callbacks.Callback):
    """Writes the events of one phase; what they mean for the page is decided there."""

    def __init__(self, turn: Turn, best: BestEpoch, num_images: int):
        super().__init__()
        self.turn = turn
        self.best = best
        self.num_images = num_images
        self.seconds: list[float] = []  # of the epochs done
        self._epoch_began = self._last_progress = time.monotonic()

    @property
    def epochs_done(self) -> int:
        """How many epochs of this phase are complete."""
        return len(self.seconds)

    @property
    def _epoch(self) -> int:
        return self.turn.epochs_before + self.epochs_done + 1

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the clock."""
        self._epoch_began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Reports the running means a few times a second, and ends a run that has diverged."""
        logs = logs or {}
        self._check(logs["loss"])
        step, steps = batch + 1, self.params["steps"]
        if time.monotonic() - self._last_progress < PROGRESS_SECONDS and step < steps:
            return
        self._last_progress = time.monotonic()
        seen = (self._epoch - 1) * self.num_images + round(self.num_images * step / steps)
        event = events.Progress(
            epoch=self._epoch,
            step=step,
            steps=steps,
            images_seen=seen,
            loss=float(logs["loss"]),
            accuracy=float(logs["accuracy"]),
        )
        self.turn.say(event)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Reports the epoch and keeps it if it is the best."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._check(logs["val_loss"])
        seconds = time.monotonic() - self._epoch_began
        event = events.EpochEnded(
            epoch=self._epoch,
            phase=self.turn.number,
            loss=logs["loss"],
            accuracy=logs["accuracy"],
            val_loss=logs["val_loss"],
            val_accuracy=logs["val_accuracy"],
            learning_rate=self.turn.phase.learning_rate,
            seconds=seconds,
            best=self.best.offer(self._epoch, logs["val_loss"], logs["val_accuracy"]),
        )
        self.turn.say(event)
        self.seconds.append(seconds)

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergedError(epoch=self._epoch, suggestion=f"{self.turn.phase.learning_rate / 10:g}")
