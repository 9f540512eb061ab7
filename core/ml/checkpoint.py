"""Where a training stands after each whole epoch, on disk: enough to go on as if it had never been interrupted."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from core.events import EpochEnded
from core.whole import put_in_place

FOLDER = "checkpoint"
LAST, BEST = "last.npz", "best.npz"
STANDING = "standing"
LEARNED, OPTIMIZER, RANDOM = "weight", "optimizer", "random"


@dataclass(frozen=True)
class Standing:
    """How far a training is.

    Attributes:
        phase: The present one, from 1.
        epochs_before: Of earlier phases.
        epochs: Whole epochs of this phase.
        planned: How many it was to have.
        waited: Epochs of this phase since the validation loss was lowest.
        lowest: That loss.
        stopped_early: Whether waiting ended the phase.
        best: What was said of the epoch whose weights are the kept ones.
        last: What was said of the last epoch.
    """

    phase: int
    epochs_before: int
    epochs: int
    planned: int
    waited: int
    lowest: float
    stopped_early: bool
    best: EpochEnded
    last: EpochEnded

    def to_json(self) -> str:
        """Returns it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Standing":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        return cls(**values | {name: EpochEnded(**values[name]) for name in ("best", "last")})

    def is_phase_over(self, planned: int) -> bool:
        """Whether nothing is left to do in this phase; more epochs may have been asked for since."""
        return self.epochs >= planned or (self.stopped_early and planned <= self.planned)


class Checkpoint:
    """The files of a run that hold its last whole epoch and its best one.

    Only weights that training may change in some phase are kept: the others are those of the pretrained file, and a
    few numbers are written in a moment where a whole network takes longer than an epoch on stored features.

    Args:
        folder: The run folder.
        model: The whole network.
        learned: Those of its weights that may change; see `core.ml.model.learned_weights`.

    Attributes:
        standing: That of the last whole epoch; None before there is one.
    """

    def __init__(self, folder: Path, model: keras.Model, learned: list[keras.Variable]):
        self._folder = folder / FOLDER
        self._folder.mkdir(exist_ok=True)
        places = {id(weight): place for place, weight in enumerate(model.weights)}
        self._variables = {f"{LEARNED}-{places[id(weight)]}": weight for weight in learned}
        # Dropout draws from these, and its next draw is part of what follows.
        random = [variable for variable in model.variables if id(variable) not in places]
        self._variables |= {f"{RANDOM}-{place}": variable for place, variable in enumerate(random)}
        self.standing = read_standing(folder)
        if self.standing is not None and self.standing.best.epoch == self.standing.last.epoch:
            self._keep_as_best()  # the process may have died just before

    def save(self, standing: Standing, optimizer: keras.optimizers.Optimizer) -> None:
        """Keeps an epoch: whole, or as if it had not been.

        Raises:
            OSError: The disk is full; what was kept before stays.
        """
        variables = self._variables | {
            f"{OPTIMIZER}-{place}": variable for place, variable in enumerate(optimizer.variables)
        }
        arrays = {name: _numbers(variable) for name, variable in variables.items()}
        arrays[STANDING] = np.frombuffer(standing.to_json().encode(), np.uint8)
        write_safely(self._folder / LAST, arrays)
        self.standing = standing
        if standing.best.epoch == standing.last.epoch:
            self._keep_as_best()

    def restore_last(self) -> None:
        """Puts the weights and the random state of the last epoch back into the network."""
        with np.load(self._folder / LAST) as kept:
            for name, variable in self._variables.items():
                variable.assign(kept[name])

    def restore_optimizer(self, optimizer: keras.optimizers.Optimizer, trained: list[keras.Variable]) -> None:
        """Puts the optimizer where it was after the last epoch.

        Args:
            optimizer: Compiled and not used yet.
            trained: The variables that it changes.
        """
        optimizer.build(trained)
        with np.load(self._folder / LAST) as kept:
            for place, variable in enumerate(optimizer.variables):
                variable.assign(kept[f"{OPTIMIZER}-{place}"])

    def restore_best(self, model: keras.Model) -> None:
        """Puts the best epoch's weights back into the network, where there is one."""
        path = self._folder / BEST
        if path.exists():
            restore_best(model, path)

    def _keep_as_best(self) -> None:
        """Lets the last epoch be the best one: the same file by a second name, which the next epoch does not touch."""
        beside = self._folder / f"writing.{BEST}"
        beside.unlink(missing_ok=True)
        try:
            os.link(self._folder / LAST, beside)
        except OSError:  # a disk without second names
            shutil.copyfile(self._folder / LAST, beside)
        put_in_place(beside, self._folder / BEST)


def _numbers(variable: keras.Variable) -> np.ndarray:
    """Returns the value of a variable; where several devices hold copies of it, that of the first."""
    return tf.distribute.get_strategy().experimental_local_results(variable.value)[0].numpy()


def read_standing(folder: Path) -> Standing | None:
    """Returns how far the training of a run folder was at its last whole epoch, None before the first."""
    try:
        with np.load(folder / FOLDER / LAST) as kept:
            return Standing.from_json(kept[STANDING].tobytes().decode())
    except FileNotFoundError:
        return None


def restore_best(model: keras.Model, path: Path) -> None:
    """Puts a kept epoch's weights into a network that was built like the trained one, pretrained weights included."""
    with np.load(path) as kept:
        for name in kept.files:
            kind, _, place = name.partition("-")
            if kind == LEARNED:
                model.weights[int(place)].assign(kept[name])


def write_safely(path: Path, arrays: dict[str, Any]) -> None:
    """Writes arrays whole or not at all, also when the power fails.

    Raises:
        OSError: The disk is full.
    """
    beside = path.with_name(f"writing.{path.name}")
    with beside.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(beside, path)
