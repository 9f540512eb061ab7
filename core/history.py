"""A run's story so far, put together from its events and brought up to date as more are written."""

import statistics
from dataclasses import asdict
from typing import Any

import pandas as pd

from core import events
from core.events import (
    Downloading,
    EpochEnded,
    Event,
    Exported,
    Features,
    Finished,
    Finishing,
    Note,
    PhaseBegun,
    Progress,
    Ready,
    Started,
    Stopped,
)
from core.runs import Run

EPOCH_COLUMNS = [
    "epoch",
    "phase",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "best",
]
LATEST_EPOCHS = 3  # whose pace is that of the next
MOST_PROGRESS_POINTS = 1000  # as many as a chart can show
PROGRESS_COLUMNS = ["position", "loss", "accuracy"]


class History:
    """What a run has said; `update()` reads what is new.

    Attributes:
        ready: How many images and epochs there are; None before the network is built.
        phases: The phases that have begun.
        features: How much of what the frozen layers say was found, for each phase that has such layers.
        download: The last news of a download of weights; None when none was needed.
        notes: What the user should know, such as a fallback.
        finishing: Whether training is over and the kept epoch is being evaluated and exported.
        exported: How the LiteRT model compared with Keras; None before.
        end: The last event of a run that is over; None before.
        images_seen: Training images seen so far, over all epochs.
        all: Every event, in order.
    """

    def __init__(self, run: Run):
        self.run = run
        self.started: Started | None = None
        self.ready: Ready | None = None
        self.phases: list[PhaseBegun] = []
        self.features: list[Features] = []
        self.download: Downloading | None = None
        self.notes: list[Note] = []
        self.finishing = False
        self.exported: Exported | None = None
        self.end: Event | None = None
        self.images_seen = 0
        self.all: list[Event] = []
        self._epochs: list[EpochEnded] = []
        self._progress: list[Progress] = []
        self._last_time = run.created
        self._seconds_before = 0.0  # of workers before the present one
        self._offset = 0
        self.update()

    def update(self) -> None:
        """Reads the events written since the last call."""
        new, self._offset = events.read(self.run.folder / "events.jsonl", self._offset)
        for event in new:
            self.all.append(event)
            self._take(event)
            self._last_time = event.time

    def _take(self, event: Event) -> None:
        match event:
            case Started():
                self._go_on(event)
            case Ready():
                self.ready = event
            case PhaseBegun():
                # A phase that goes on, or was cut short in its first epoch, says so again.
                self.phases = [*(phase for phase in self.phases if phase.phase < event.phase), event]
            case Features():
                self.features = [*(told for told in self.features if told.phase < event.phase), event]
            case Downloading():
                self.download = event
            case Note():
                self.notes.append(event)
            case Progress():
                self._progress.append(event)
                self.images_seen = event.images_seen
            case EpochEnded():
                self._epochs = [*(epoch for epoch in self._epochs if epoch.epoch < event.epoch), event]
                self.images_seen = event.epoch * (self.ready.num_training if self.ready else 0)
            case Finishing():
                self.finishing = True
            case Exported():
                self.exported = event
        if isinstance(event, events.ENDS):
            self.end = event

    def _go_on(self, event: Started) -> None:
        """Forgets how the run ended before it went on, and the epoch that it had begun."""
        if self.started is not None:
            self._seconds_before += self._last_time - self.started.time
        self.started = event
        self.end = self.exported = None
        self.finishing = False
        whole = len(self._epochs)
        self._progress = [progress for progress in self._progress if progress.epoch <= whole]

    @property
    def epochs(self) -> pd.DataFrame:
        """One row a whole epoch, columns `EPOCH_COLUMNS`; accuracies are shares from 0 to 1."""
        return pd.DataFrame([asdict(event) for event in self._epochs], columns=EPOCH_COLUMNS)

    @property
    def progress(self) -> pd.DataFrame:
        """Running means within epochs; `position` counts epochs, 2.5 is the middle of the third."""
        rows: list[dict[str, Any]] = [
            {"position": event.epoch - 1 + event.step / event.steps, "loss": event.loss, "accuracy": event.accuracy}
            for event in self._progress[:: 1 + len(self._progress) // MOST_PROGRESS_POINTS]
        ]
        return pd.DataFrame(rows, columns=PROGRESS_COLUMNS)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are kept, from 1; 0 before the first is complete."""
        return max((event.epoch for event in self._epochs if event.best), default=0)

    @property
    def best_accuracy(self) -> float | None:
        """Validation accuracy of the kept epoch, 0 to 1."""
        return next((event.val_accuracy for event in self._epochs if event.epoch == self.best_epoch), None)

    @property
    def is_decided(self) -> bool:
        """Whether training is over and an epoch is kept, even while that one is still being evaluated and exported."""
        return self.best_epoch > 0 and (self.finishing or isinstance(self.end, Finished | Stopped))

    @property
    def position(self) -> float:
        """Epochs trained so far, with the fraction of the present one."""
        within = self._progress[-1] if self._progress else None
        whole = len(self._epochs)
        if within is None or within.epoch <= whole:
            return float(whole)
        return within.epoch - 1 + within.step / within.steps

    @property
    def fraction_done(self) -> float:
        """Share of the planned epochs that is done, 0 to 1; what early stopping spared counts as done."""
        if isinstance(self.end, Finished) or (self.finishing and self.end is None):
            return 1.0
        return min(1.0, self.position / self.ready.epochs) if self.ready else 0.0

    @property
    def seconds(self) -> float:
        """Seconds from the worker's start to its last word; of a run that went on later, without those in between."""
        return max(0.0, self._seconds_before + self._last_time - self.started.time) if self.started else 0.0

    @property
    def filled_after(self) -> int | None:
        """The last epoch in which the frozen layers have to look, while that lies ahead; later ones are quicker."""
        if not self.phases or not self.features or self.features[-1].phase != self.phases[-1].phase:
            return None
        told = self.features[-1]
        if not told.kept or self._epochs_of_phase >= told.filling_epochs:
            return None
        return self.phases[-1].first_epoch + told.filling_epochs - 1

    @property
    def _epochs_of_phase(self) -> int:
        return sum(epoch.phase == self.phases[-1].phase for epoch in self._epochs)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last planned epoch, from the pace of this phase.

        None before there is a pace, while an epoch takes longer than the ones after it will, and after the end.
        """
        if not self.ready or not self.phases or self.end or self.fraction_done >= 1 or self.filled_after is not None:
            return None
        pace = self._pace
        return (self.ready.epochs - self.position) * pace if pace is not None else None

    @property
    def _pace(self) -> float | None:
        """Seconds of an epoch like those to come: of the latest ones, or of the present one so far."""
        phase = self.phases[-1].phase
        filling = self.features[-1].filling_epochs if self.features and self.features[-1].kept else 0
        took = [epoch.seconds for epoch in self._epochs if epoch.phase == phase]
        steady = took[max(1, filling) :]  # in its first epoch TensorFlow also prepares itself
        if steady:
            return statistics.median(steady[-LATEST_EPOCHS:])
        began = max([self.phases[-1].time, *(epoch.time for epoch in self._epochs)])
        done, elapsed = self.position % 1, self._last_time - began
        if done > 0 and elapsed > 0:
            return elapsed / done
        return took[-1] if took and not filling else None


def history(run: Run) -> History:
    """Returns the story of a run so far."""
    return History(run)
