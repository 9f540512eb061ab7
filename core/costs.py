"""What a run will cost before it starts: seconds of the first epoch, of each later one, and disk."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core import budget, features, fingerprints
from core.backbones import CATALOG, weights_here, weights_path
from core.config import Phase, RunConfig
from core.durations import (
    BYTES_PER_VALUE,
    Setting,
    around_seconds,
    disk_seconds,
    pass_ms,
    preparation_seconds,
    trained_seconds,
    way_of,
)
from core.pictures import LONGEST_SIDE
from core.summary import Cut, frontier

PICTURE_PIXELS = 512 * 384  # where nothing is known of the pictures


@dataclass(frozen=True)
class Epochs:
    """Some epochs of a phase, and how long each of them takes on average."""

    count: int
    seconds_each: float


@dataclass(frozen=True)
class PhaseCost:
    """What one phase costs.

    Attributes:
        epochs: At most.
        first_epoch_seconds: The first one, preparations included.
        filling_epoch_seconds: Each further one in which the frozen part looks at a new variation of each image.
        later_epoch_seconds: Each one in which it need not look.
        num_first_epochs: How many look, the first included; all of them where nothing is kept.
        disk_bytes: What the phase keeps that was not kept before.
    """

    epochs: int
    first_epoch_seconds: float
    filling_epoch_seconds: float
    later_epoch_seconds: float
    num_first_epochs: int
    disk_bytes: int

    @property
    def parts(self) -> list["Epochs"]:
        """The epochs at the beginning and the later ones, where there are any; together they take `seconds`.

        At the beginning is the first one, or all that look at new variations where later ones need not.
        """
        beginning = self.num_first_epochs if self.num_first_epochs < self.epochs else 1
        begun = self.first_epoch_seconds + (beginning - 1) * self.filling_epoch_seconds
        later = self.epochs - beginning
        parts = [Epochs(beginning, begun / beginning)]
        return [*parts, Epochs(later, (self.seconds - begun) / later)] if later else parts

    @property
    def seconds(self) -> float:
        """All epochs together."""
        filling = self.num_first_epochs - 1
        later = self.epochs - self.num_first_epochs
        return self.first_epoch_seconds + filling * self.filling_epoch_seconds + later * self.later_epoch_seconds


@dataclass(frozen=True)
class Cost:
    """What a run costs; `around_seconds` pass before its first epoch and after its last."""

    phases: tuple[PhaseCost, ...]
    around_seconds: float

    @property
    def total_seconds(self) -> float:
        """From the start to the finished model, when no phase stops early."""
        return self.around_seconds + sum(phase.seconds for phase in self.phases)

    @property
    def disk_bytes(self) -> int:
        """What is kept of the answers of the frozen part."""
        return sum(phase.disk_bytes for phase in self.phases)


def estimate(setting: Setting, *, found: Sequence[int] = (), room_bytes: int | None = None) -> Cost:
    """Estimates what a run costs.

    Args:
        setting: The run, its pictures, and the machine.
        found: How many answers of the frozen part, one for each image and variation, are kept already, for each phase.
        room_bytes: What may be kept; a phase that needs more keeps nothing. None for as much as it likes.
    """
    config = setting.config
    phases = []
    kept: set[str] = set()
    looked_ahead = 0  # answers for a phase that the one before it computes on its way
    for place, phase in enumerate(config.phases):
        following = config.phases[place + 1] if place + 1 < len(config.phases) else None
        cut = setting.cut(phase)
        needed = _needed(setting, phase)
        known = needed if cut.name in kept else min(found[place] if found else 0, needed)
        num_new = needed - known
        ahead = _ahead(setting, phase, following) if num_new else None
        written = cut.num_values + (ahead.num_values if ahead else 0)
        keeps = is_kept(config, cut) and (room_bytes is None or num_new * written * BYTES_PER_VALUE <= room_bytes)
        missing = max(0, num_new - looked_ahead) if keeps else None
        cost = _phase(setting, phase, cut, missing=missing, written=written)
        phases.append(replace(cost, disk_bytes=num_new * cut.num_values * BYTES_PER_VALUE) if keeps else cost)
        looked_ahead = num_new if keeps and ahead else 0
        if keeps:
            kept.add(cut.name)
    return Cost(tuple(phases), around_seconds(setting))


def _ahead(setting: Setting, phase: Phase, following: Phase | None) -> Cut | None:
    """Returns the next phase's cut where a phase comes by it: with all frozen, what less is asked lies on the way."""
    total = setting.row.num_layers
    if following is None or not phase.frozen_layers >= total > following.frozen_layers:
        return None
    cut = setting.cut(following)
    return cut if cut.num_values else None


def room_bytes(home: Path) -> int:
    """Returns how much a run may keep: the budget, or what is free on the disk with what older runs may give up.

    Raises:
        BudgetError: The budget is not a number.
    """
    folder = home / features.FOLDER
    free = shutil.disk_usage(home).free - budget.RESERVE_BYTES
    return min(budget.budget_bytes(), max(0, free + budget.size_bytes(folder)))


def count_found(config: RunConfig, home: Path, table: pd.DataFrame) -> list[int]:
    """Counts what a run would find of the answers of its frozen part, for each phase.

    Pictures are known by what was remembered of them: whether one changed since, the run itself will see.

    Args:
        config: Of the run.
        home: The workspace.
        table: Columns path and split, as `split.split_images` returns them.
    """
    row = CATALOG[config.backbone]
    if config.start != "imagenet" or not config.views or not weights_here(row):
        return [0 for _phase in config.phases]
    folder = home / features.FOLDER
    known = fingerprints.remembered(folder)
    training, validation = (
        [known[path] for path in table["path"][table["split"] == split] if path in known]
        for split in ("train", "validation")
    )
    weights = fingerprints.of_file(weights_path(row)).hex()
    found = []
    for phase in config.phases:
        cut = frontier(row, phase.frozen_layers, config.head, config.image_size)
        plain = features.Key(row.name, weights, cut.name, config.image_size)
        keys = features.keys_of_views(plain, config.augmentation, min(config.views, phase.epochs))
        num = features.count_kept(folder, plain, validation)
        for view, key in keys.items():
            if view != features.PLAIN or len(keys) == 1:
                num += features.count_kept(folder, key, training)
        found.append(num)
    return found


def mean_pixels(table: pd.DataFrame) -> float:
    """Returns how many pixels the pictures have on average, in the form in which a project keeps them.

    Args:
        table: Columns width and height, of the originals.
    """
    sides = table[["width", "height"]].dropna().to_numpy(dtype=float)
    if not len(sides):
        return PICTURE_PIXELS
    shrunk = np.minimum(1, LONGEST_SIDE / sides.max(axis=1))
    return float((sides.prod(axis=1) * shrunk**2).mean())


def is_kept(config: RunConfig, cut: Cut) -> bool:
    """Says whether what the frozen part says is to be kept, so that later epochs need not ask it."""
    return config.start == "imagenet" and config.views > 0 and cut.num_values > 0


def _views(config: RunConfig, phase: Phase) -> int:
    return min(config.views, phase.epochs) if config.augmentation != "none" else 1


def _needed(setting: Setting, phase: Phase) -> int:
    """How many answers the frozen part gives when they are kept."""
    return setting.num_training * _views(setting.config, phase) + setting.num_validation


def _phase(setting: Setting, phase: Phase, cut: Cut, *, missing: int | None, written: int) -> PhaseCost:
    """Returns the cost of a phase, its disk aside.

    Args:
        setting: Of the run.
        phase: One of its phases.
        cut: Where it cuts the network.
        missing: How many answers it has to compute; None for all in each epoch.
        written: How many numbers are kept for each answer, those for the next phase included.
    """
    one = setting.speed(phase.frozen_layers)
    num_views = phase.epochs if missing is None else _views(setting.config, phase)
    every = setting.num_training + setting.num_validation
    computed = every * phase.epochs if missing is None else missing
    share = computed / (
        setting.num_training * num_views + setting.num_validation * (num_views if missing is None else 1)
    )
    way = way_of(setting, phase.frozen_layers, computed)
    per_image = pass_ms(setting, phase.frozen_layers, way) / 1000
    trained = trained_seconds(setting, phase.frozen_layers)
    if missing is None:
        again = trained + every * per_image
        first = again + one.tracing_seconds + preparation_seconds(one, way, computed, setting.machine)
        return PhaseCost(phase.epochs, first, again, again, phase.epochs, 0)
    read = setting.num_training * disk_seconds(setting, cut.num_values) / 2
    write = disk_seconds(setting, written) * share
    filling = trained + setting.num_training * (share * per_image + write)
    first = filling + setting.num_validation * (share * per_image + write) + one.tracing_seconds
    if missing:
        first += preparation_seconds(one, way, computed, setting.machine)
    return PhaseCost(phase.epochs, first, filling, trained + read, num_views, 0)
