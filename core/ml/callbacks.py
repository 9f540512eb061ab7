"""The Keras callbacks of a run: the stop file, the events, and the best epoch kept on disk."""

import math
import time
from pathlib import Path

import keras

from core import events
from core.config import Phase
from core.errors import AppError
from core.text import N_

PROGRESS_SECONDS = 0.2


class StopRequested(Exception):  # noqa: N818 (not an error: the user asked for it)
    """The user asked the run to stop."""


class DivergedError(AppError):
    """The loss became infinite or not a number."""

    sentence = N_(
        "The loss grew beyond all bounds in epoch {epoch}: the steps were too large for this network. "
        "Start again with a smaller learning rate, for example {suggestion}."
    )


class BestEpoch:
    """The weights of the epoch with the lowest validation loss, on disk, so that they outlive the process."""

    def __init__(self, folder: Path):
        self.path = folder / "checkpoint" / "best.weights.h5"
        self.path.parent.mkdir(exist_ok=True)
        self.val_loss = math.inf
        self.epoch = 0
        self.val_accuracy = 0.0

    def offer(self, model: keras.Model, epoch: int, val_loss: float, val_accuracy: float) -> bool:
        """Keeps the model's weights if this epoch is the best so far, and says whether it was."""
        if not val_loss < self.val_loss:
            return False
        beside = self.path.with_name("writing.weights.h5")
        model.save_weights(beside)
        beside.replace(self.path)
        self.val_loss, self.epoch, self.val_accuracy = val_loss, epoch, val_accuracy
        return True

    def restore(self, model: keras.Model) -> None:
        """Puts the best epoch's weights back into the model, where there is one."""
        if self.path.exists():
            model.load_weights(self.path)


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


class Reporter(keras.callbacks.Callback):
    """Writes the events of one phase; what they mean for the page is decided there."""

    def __init__(
        self, folder: Path, phase: Phase, best: BestEpoch, *, number: int, epochs_before: int, num_images: int
    ):
        super().__init__()
        self.events = folder / "events.jsonl"
        self.phase = phase
        self.best = best
        self.number = number
        self.epochs_before = epochs_before
        self.num_images = num_images
        self.epochs_done = 0
        self._epoch_began = self._last_progress = time.monotonic()

    @property
    def _epoch(self) -> int:
        return self.epochs_before + self.epochs_done + 1

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Says what is frozen in this phase."""
        trainable = sum(math.prod(weight.shape) for weight in self.model.trainable_weights)
        event = events.PhaseBegun(
            phase=self.number,
            first_epoch=self._epoch,
            frozen_layers=self.phase.frozen_layers,
            trainable_parameters=trainable,
            non_trainable_parameters=self.model.count_params() - trainable,
        )
        events.append(self.events, event)

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
        events.append(self.events, event)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Reports the epoch and keeps it if it is the best."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._check(logs["val_loss"])
        event = events.EpochEnded(
            epoch=self._epoch,
            phase=self.number,
            loss=logs["loss"],
            accuracy=logs["accuracy"],
            val_loss=logs["val_loss"],
            val_accuracy=logs["val_accuracy"],
            learning_rate=self.phase.learning_rate,
            seconds=time.monotonic() - self._epoch_began,
            best=self.best.offer(self.model, self._epoch, logs["val_loss"], logs["val_accuracy"]),
        )
        events.append(self.events, event)
        self.epochs_done += 1

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergedError(epoch=self._epoch, suggestion=f"{self.phase.learning_rate / 10:g}")
