"""The Keras callbacks of a run: what is asked of it meanwhile, the events, and each epoch kept on disk."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras

from core import events
from core.config import Phase
from core.errors import AppError
from core.ml.checkpoint import Checkpoint, Standing
from core.text import N_

PROGRESS_SECONDS = 0.2


class StopRequested(Exception):  # noqa: N818 (not an error: the user asked for it)
    """The user asked the run to stop."""


class PauseRequested(Exception):  # noqa: N818
    """The user asked the run to pause."""


class DivergedError(AppError):
    """The loss became infinite or not a number."""

    sentence = N_(
        "The loss grew beyond all bounds in epoch {epoch}: the steps were too large for this network. "
        "Start again with a smaller learning rate, for example {suggestion}."
    )


def obey(folder: Path) -> None:
    """Ends the work on a run if that was asked for.

    Raises:
        StopRequested: For good, with its best epoch as its result.
        PauseRequested: To go on later.
    """
    if (folder / events.STOP).exists():
        raise StopRequested
    if (folder / events.PAUSE).exists():
        raise PauseRequested


class Stop(keras.callbacks.Callback):
    """Ends training or validation at the next batch once the stop file, or the one that asks for a pause, is there.

    It leaves `fit` by an exception, since Keras has no other way out of a validation that is under way.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def _obey(self) -> None:
        obey(self.folder)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Looks for the stop file before each training batch."""
        self._obey()

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Looks for the stop file before each validation batch."""
        self._obey()


@dataclass(frozen=True)
class Turn:
    """Which phase of a run it is.

    Attributes:
        folder: The run folder.
        phase: What it asks for.
        number: From 1.
        epochs_before: Whole epochs of earlier phases.
        standing: Where it was interrupted, where it goes on and does not begin.
    """

    folder: Path
    phase: Phase
    number: int
    epochs_before: int
    standing: Standing | None = None

    @property
    def home(self) -> Path:
        """The workspace."""
        return self.folder.parent.parent

    @property
    def epochs_done(self) -> int:
        """Whole epochs of this phase before it goes on."""
        return self.standing.epochs if self.standing else 0

    def say(self, event: events.Event) -> None:
        """Writes an event of the run."""
        events.append(self.folder / "events.jsonl", event)


class Reporter(keras.callbacks.Callback):
    """Keeps each epoch and writes the events of one phase; what they mean for the page is decided there.

    Args:
        turn: The phase.
        checkpoint: Keeps the epochs.
        num_images: That are trained on.
        patience: Epochs without a lower validation loss after which the phase ends; 0 for none.
    """

    def __init__(self, turn: Turn, checkpoint: Checkpoint, num_images: int, patience: int):
        super().__init__()
        self.turn = turn
        self.checkpoint = checkpoint
        self.num_images = num_images
        self.patience = patience
        self.seconds: list[float] = []  # of the epochs done here
        self._goes_on = turn.standing is not None
        self._waited = turn.standing.waited if turn.standing else 0
        self._lowest = turn.standing.lowest if turn.standing else math.inf
        self._epoch_began = self._last_progress = time.monotonic()

    @property
    def epochs_done(self) -> int:
        """How many epochs of this phase are complete."""
        return self.turn.epochs_done + len(self.seconds)

    @property
    def _epoch(self) -> int:
        return self.turn.epochs_before + self.epochs_done + 1

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Puts the optimizer where it was, in a phase that goes on."""
        if self._goes_on:
            self.checkpoint.restore_optimizer(self.model.optimizer, self.model.trainable_variables)

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
        """Keeps the epoch, reports it, and ends the phase where the validation loss no longer falls."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._check(logs["val_loss"])
        seconds = time.monotonic() - self._epoch_began
        before = self.checkpoint.standing
        is_best = before is None or logs["val_loss"] < before.best.val_loss
        event = events.EpochEnded(
            epoch=self._epoch,
            phase=self.turn.number,
            loss=logs["loss"],
            accuracy=logs["accuracy"],
            val_loss=logs["val_loss"],
            val_accuracy=logs["val_accuracy"],
            learning_rate=self.turn.phase.learning_rate,
            seconds=seconds,
            best=is_best,
        )
        self._waited = 0 if event.val_loss < self._lowest else self._waited + 1
        self._lowest = min(self._lowest, event.val_loss)
        self.seconds.append(seconds)
        standing = Standing(
            phase=self.turn.number,
            epochs_before=self.turn.epochs_before,
            epochs=self.epochs_done,
            planned=self.turn.phase.epochs,
            waited=self._waited,
            lowest=self._lowest,
            stopped_early=0 < self.patience <= self._waited,
            best=event if before is None or is_best else before.best,
            last=event,
        )
        self.checkpoint.save(standing, self.model.optimizer)  # first: what was said must hold
        self.turn.say(event)
        self.model.stop_training = standing.stopped_early

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergedError(epoch=self._epoch, suggestion=f"{self.turn.phase.learning_rate / 10:g}")
