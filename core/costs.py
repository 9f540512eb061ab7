"""What a run will cost before it starts: seconds of the first epoch, of each later one, and disk."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core import budget, features
from core.backbones import CATALOG, Backbone
from core.config import Head, Phase, RunConfig
from core.pictures import LONGEST_SIDE
from core.speeds import Machine, Measured, Speed, Way, pass_seconds, quick_form_pays, reference, speed
from core.summary import layer_table

BYTES_PER_VALUE = 2  # float16
TABLE_BATCH = 32  # of the steps in the table
# Seconds and milliseconds on the reference machine, found by comparing estimates with runs (bench/estimate.py).
START_SECONDS = 1.0
EPOCH_SECONDS = 0.15  # beginning, end, and keeping the best network
END_SECONDS = 2.0
FORWARD_SHARE = 0.35  # of a training step, for an image of the validation
VARY_MS = {"none": 0.0, "light": 0.6, "strong": 1.0}  # at 224 pixels, a thread per core
VARY_SIZE = 224
HEAD_MS_PER_MILLION = 0.3  # of weights in a large head, per image in batches of 32
MAX_REPLAYED = 200  # held-out images by which the exported model is compared
PICTURE_PIXELS = 512 * 384  # of the picture that `core.ml.probe` decodes
LARGEST_CORRECTION = 8.0


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


@dataclass(frozen=True)
class Setting:
    """Everything that the figures of a phase follow from, besides the phase itself.

    Attributes:
        config: Of the run.
        num_training: Images that the network learns from.
        num_validation: Images that it is checked with.
        mean_pixels: Of the pictures as they are kept.
        machine: On which it runs.
        measured: What runs on it have taken.
    """

    config: RunConfig
    num_training: int
    num_validation: int
    mean_pixels: float
    machine: Machine
    measured: Sequence[Measured] = ()

    @property
    def row(self) -> Backbone:
        """The backbone."""
        return CATALOG[self.config.backbone]

    def speed(self, frozen_layers: int) -> Speed:
        """What a cut costs here."""
        return speed(self.row, frozen_layers, self.config.image_size, self.machine)


def estimate(
    config: RunConfig,
    num_training: int,
    num_validation: int,
    mean_pixels: float,
    machine: Machine | None,
    *,
    measured: Sequence[Measured] = (),
    found: int = 0,
    room_bytes: int | None = None,
) -> Cost:
    """Estimates what a run costs.

    Args:
        config: Of the run.
        num_training: Images that the network learns from.
        num_validation: Images that it is checked with.
        mean_pixels: Of the pictures as the project keeps them, width times height.
        machine: As measured; None for the reference machine.
        measured: What runs on this machine have taken; it beats the table.
        found: How many answers of the frozen part, one for each image and variation, are kept already.
        room_bytes: What may be kept; a phase that needs more keeps nothing. None for as much as it likes.
    """
    setting = Setting(config, num_training, num_validation, mean_pixels, machine or reference(), tuple(measured))
    phases = []
    kept: set[str] = set()
    for phase in config.phases:
        cut = frontier(setting.row, phase.frozen_layers, config.head, config.image_size)
        needed = _needed(setting, phase)
        known = needed if cut.name in kept else min(found, needed)
        found -= min(found, known)
        keeps = is_kept(config, cut, needed, room_bytes)
        phases.append(_phase(setting, phase, cut, missing=needed - known if keeps else None))
        if keeps:
            kept.add(cut.name)
    return Cost(tuple(phases), _around(setting))


def room_bytes(home: Path) -> int:
    """Returns how much a run may keep: the budget, or what is free on the disk with what older runs may give up.

    Raises:
        BudgetError: The budget is not a number.
    """
    folder = home / features.FOLDER
    free = shutil.disk_usage(home).free - budget.RESERVE_BYTES
    return min(budget.budget_bytes(), max(0, free + budget.size_bytes(folder)))


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


@dataclass(frozen=True)
class Cut:
    """Where frozen and trained part meet: a name that tells the place, and how many numbers cross for an image."""

    name: str
    num_values: int


def frontier(backbone: Backbone, frozen_layers: int, head: Head, image_size: int) -> Cut:
    """Returns where a network is cut; without numbers where no layer with weights is frozen."""
    table = layer_table(backbone.name)
    area = (image_size / backbone.image_size) ** 2
    if frozen_layers >= backbone.num_layers:
        height, width, channels = (int(size) for size in str(table["output_shape"].iloc[-1]).split(", "))
        flattened = round(height * width * channels * area)
        return Cut(f"all-{head.kind}", flattened if head.kind == "flatten" else channels)
    frozen = table[table["place"] < frozen_layers]
    if frozen.empty or not frozen["values"].iloc[-1]:
        return Cut("", 0)
    return Cut(str(frozen["frontier"].iloc[-1]), round(float(frozen["values"].iloc[-1]) * area))


def is_kept(config: RunConfig, cut: Cut, num_answers: int, room_bytes: int | None = None) -> bool:
    """Says whether what the frozen part says is kept, so that later epochs need not ask it."""
    wanted = config.start == "imagenet" and config.views > 0 and cut.num_values > 0
    return wanted and (room_bytes is None or num_answers * cut.num_values * BYTES_PER_VALUE <= room_bytes)


def _views(config: RunConfig, phase: Phase) -> int:
    return min(config.views, phase.epochs) if config.augmentation != "none" else 1


def _needed(setting: Setting, phase: Phase) -> int:
    """How many answers the frozen part gives when they are kept."""
    return setting.num_training * _views(setting.config, phase) + setting.num_validation


def _phase(setting: Setting, phase: Phase, cut: Cut, *, missing: int | None) -> PhaseCost:
    """Returns the cost of a phase that has to compute so many answers, or in each epoch all where `missing` is None."""
    one = setting.speed(phase.frozen_layers)
    num_views = phase.epochs if missing is None else _views(setting.config, phase)
    every = setting.num_training + setting.num_validation
    computed = every * phase.epochs if missing is None else missing
    share = computed / (
        setting.num_training * num_views + setting.num_validation * (num_views if missing is None else 1)
    )
    way = way_of(setting, phase.frozen_layers, computed)
    per_image = _pass_ms(setting, phase.frozen_layers, way) / 1000
    trained = _trained_seconds(setting, phase.frozen_layers)
    if missing is None:
        again = trained + every * per_image
        first = again + one.tracing_seconds + _preparations(one, way, computed, setting.machine)
        return PhaseCost(phase.epochs, first, again, again, phase.epochs, 0)
    read = setting.num_training * _disk_seconds(setting, cut) / 2
    write = _disk_seconds(setting, cut) * share
    filling = trained + setting.num_training * (share * per_image + write)
    first = filling + setting.num_validation * (share * per_image + write) + one.tracing_seconds
    if missing:
        first += _preparations(one, way, computed, setting.machine)
    disk = missing * cut.num_values * BYTES_PER_VALUE
    return PhaseCost(phase.epochs, first, filling, trained + read, num_views, disk)


def way_of(setting: Setting, frozen_layers: int, num_images: int) -> Way:
    """Returns how a worker will run the frozen part."""
    size = setting.config.image_size
    pays = quick_form_pays(setting.row, frozen_layers, size, num_images, setting.machine)
    return "litert" if pays else "tensorflow"


def _preparations(one: Speed, way: Way, num_images: int, machine: Machine) -> float:
    """Returns what a pass takes beyond its images."""
    if not one.tensorflow_ms:
        return 0.0
    per_image = one.litert_ms if way == "litert" else one.tensorflow_ms
    return max(0.0, pass_seconds(one, way, num_images, machine) - num_images * per_image / 1000)


def _pass_ms(setting: Setting, frozen_layers: int, way: Way) -> float:
    """Returns milliseconds per image to decode, vary and run the frozen part: as measured here, else by the table."""
    vary = VARY_MS[setting.config.augmentation] * (setting.config.image_size / VARY_SIZE) ** 2
    vary *= setting.machine.decode_ms / reference().decode_ms
    exact = _exactly(setting, frozen_layers)
    if exact and exact.pass_ms and exact.way == way:
        return _measured_pass_ms(setting, exact)
    corrections = [
        _measured_pass_ms(setting, one) / _table_pass_ms(setting, one.frozen_layers, one.image_size, one.way)
        for one in setting.measured
        if one.backbone == setting.config.backbone and one.pass_ms
    ]
    by_table = _table_pass_ms(setting, frozen_layers, setting.config.image_size, way)
    return (by_table + vary) * _correction(corrections)


def _measured_pass_ms(setting: Setting, run: Measured) -> float:
    """Returns milliseconds per image without what was prepared once, which the measurement spreads over the images."""
    one = speed(setting.row, run.frozen_layers, run.image_size, setting.machine)
    num_images = run.num_images * (1 + setting.config.validation_share)
    once = one.tracing_seconds + _preparations(one, run.way, round(num_images), setting.machine)
    return max(run.pass_ms / 2, run.pass_ms - once * 1000 / num_images)


def _table_pass_ms(setting: Setting, frozen_layers: int, image_size: int, way: Way) -> float:
    one = speed(setting.row, frozen_layers, image_size, setting.machine)
    prefix = one.litert_ms if way == "litert" else one.tensorflow_ms
    return prefix + setting.machine.decode_ms * decoding(setting.mean_pixels)


def decoding(mean_pixels: float) -> float:
    """Returns how long a picture takes to decode, relative to one of 512 x 384 pixels.

    Large JPEGs are shrunk while they are decoded, so that beyond that size the time grows slowly.
    """
    ratio = mean_pixels / PICTURE_PIXELS
    return 0.25 + 0.75 * ratio if ratio < 1 else 0.84 + 0.16 * ratio


def _trained_seconds(setting: Setting, frozen_layers: int) -> float:
    """Returns what an epoch takes beyond the frozen part: the steps, the validation, what surrounds them."""
    surroundings = EPOCH_SECONDS * setting.machine.conversion_seconds / reference().conversion_seconds
    exact = _exactly(setting, frozen_layers)
    if exact and exact.epoch_ms:
        per_image = max(0.0, exact.epoch_ms / 1000 - surroundings / exact.num_images)
        return surroundings + setting.num_training * per_image
    corrections = [
        one.epoch_ms
        * one.num_images
        / 1000
        / (surroundings + _steps_seconds(setting, one.frozen_layers, one.num_images))
        for one in setting.measured
        if one.backbone == setting.config.backbone and one.image_size == setting.config.image_size and one.epoch_ms
    ]
    steps = _steps_seconds(setting, frozen_layers, setting.num_training)
    return (surroundings + steps) * _correction(corrections)


def _steps_seconds(setting: Setting, frozen_layers: int, num_training: int) -> float:
    """Returns the steps of an epoch and its validation, by the table."""
    config = setting.config
    step = setting.speed(frozen_layers).step_ms
    # A step of the head alone is nearly all beginning and end: what a step costs however few its images are.
    per_step = min(step, setting.speed(setting.row.num_layers).step_ms) * TABLE_BATCH
    per_image = step - per_step / TABLE_BATCH + per_step / config.batch_size + _head_ms(setting)
    checked = num_training * setting.num_validation / max(1, setting.num_training)
    return (num_training + FORWARD_SHARE * checked) * per_image / 1000


def _head_ms(setting: Setting) -> float:
    """Returns what the weights of a head cost that is larger than the table's."""
    config = setting.config
    features = frontier(setting.row, setting.row.num_layers, config.head, config.image_size).num_values
    units = config.head.hidden_units or len(config.labels)
    millions = features * units / 1_000_000
    scale = setting.machine.step_ms / reference().step_ms * TABLE_BATCH / config.batch_size
    return HEAD_MS_PER_MILLION * millions * scale


def _disk_seconds(setting: Setting, cut: Cut) -> float:
    """Returns seconds to write what is kept of an image and read it again."""
    return setting.machine.disk_seconds * cut.num_values * BYTES_PER_VALUE / 10_000_000


def _around(setting: Setting) -> float:
    """Returns what passes before the first epoch and after the last: building, predicting, exporting, comparing."""
    whole = setting.speed(setting.row.num_layers)
    alone = setting.machine.conversion_seconds / reference().conversion_seconds
    decode = setting.machine.decode_ms * decoding(setting.mean_pixels)
    predicted = setting.num_validation * (whole.tensorflow_ms + decode) / 1000
    replayed = min(MAX_REPLAYED, setting.num_validation) * (whole.litert_ms + decode) * setting.machine.num_cores / 1000
    once = START_SECONDS + END_SECONDS
    return (
        once * alone + 2 * whole.build_seconds + whole.prefix_seconds + whole.conversion_seconds + predicted + replayed
    )


def _exactly(setting: Setting, frozen_layers: int) -> Measured | None:
    key = (setting.config.backbone, frozen_layers, setting.config.image_size)
    return next((one for one in setting.measured if one.key == key), None)


def _correction(ratios: Sequence[float]) -> float:
    """Returns by how much the table is off for this backbone, as the newest measurement says."""
    return min(LARGEST_CORRECTION, max(1 / LARGEST_CORRECTION, ratios[-1])) if ratios else 1.0
