"""How long the parts of a run take, measured here or by the table: passes, epochs, what surrounds them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.backbones import CATALOG, Backbone
from core.config import Phase, RunConfig
from core.machines import Machine, Measured, Way, reference
from core.speeds import Speed, pass_seconds, quick_form_pays, speed
from core.summary import Cut, frontier

BYTES_PER_VALUE = 2  # float16
TABLE_BATCH = 32  # of the steps in the table
# Seconds and milliseconds on the reference machine, judged by a few runs; bench/estimate.py compares them with others.
START_SECONDS = 1.0
EPOCH_SECONDS = 0.15  # beginning, end, and keeping the best network
END_SECONDS = 2.0
FORWARD_SHARE = 0.35  # of a training step, for an image of the validation
CHECK_SECONDS = 1.0  # before a pass: pictures hashed, network cut, LiteRT's answers compared with TensorFlow's
VARY_MS = {"none": 0.0, "light": 1.5, "strong": 2.1}  # at 224 pixels, a thread per core
VARY_SIZE = 224
VARY_FIXED = 0.2  # of that, whatever the size
# Decoding a photo, relative to the picture that `core.ml.probe` decodes: whatever it is, for each million pixels of its
# file, for each that are left when it is shrunk while decoding, and for each of the image that is made of it.
DECODE_FIXED, DECODE_FILE, DECODE_LEFT, DECODE_IMAGE = 0.2, 0.6, 3.8, 5.2
SHRINKING = (8, 4, 2)  # by which libjpeg may divide each side while it decodes
PHOTO_SHAPE = 3 / 4  # height of width
HEAD_MS_PER_MILLION = 0.3  # of weights in a large head, per image in batches of 32
MAX_REPLAYED = 200  # held-out images by which the exported model is compared
LARGEST_CORRECTION = 8.0


@dataclass(frozen=True)
class Setting:
    """Everything that the figures of a phase follow from, besides the phase itself.

    Attributes:
        config: Of the run.
        num_training: Images that the network learns from.
        num_validation: Images that it is checked with.
        mean_pixels: Of the pictures as they are kept.
        machine: On which it runs.
        measured: What runs on it have taken; it beats the table.
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

    def cut(self, phase: Phase) -> Cut:
        """Where a phase cuts the network."""
        return frontier(self.row, phase.frozen_layers, self.config.head, self.config.image_size)


def way_of(setting: Setting, frozen_layers: int, num_images: int) -> Way:
    """Returns how a worker will run the frozen part."""
    size = setting.config.image_size
    pays = quick_form_pays(setting.row, frozen_layers, size, num_images, setting.machine)
    return "litert" if pays else "tensorflow"


def preparation_seconds(one: Speed, way: Way, num_images: int, machine: Machine) -> float:
    """Returns what a pass takes beyond its images."""
    if not one.tensorflow_ms:
        return 0.0
    per_image = one.litert_ms if way == "litert" else one.tensorflow_ms
    beyond = max(0.0, pass_seconds(one, way, num_images, machine) - num_images * per_image / 1000)
    return beyond + CHECK_SECONDS * machine.conversion_seconds / reference().conversion_seconds


def pass_ms(setting: Setting, frozen_layers: int, way: Way) -> float:
    """Returns milliseconds per image to decode, vary and run the frozen part: as measured here, else by the table."""
    area = (setting.config.image_size / VARY_SIZE) ** 2
    vary = VARY_MS[setting.config.augmentation] * (VARY_FIXED + (1 - VARY_FIXED) * area)
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
    once = one.tracing_seconds + preparation_seconds(one, run.way, round(num_images), setting.machine)
    return max(run.pass_ms / 2, run.pass_ms - once * 1000 / num_images)


def _table_pass_ms(setting: Setting, frozen_layers: int, image_size: int, way: Way) -> float:
    one = speed(setting.row, frozen_layers, image_size, setting.machine)
    prefix = one.litert_ms if way == "litert" else one.tensorflow_ms
    return prefix + setting.machine.decode_ms * decoding(setting.mean_pixels, image_size)


def decoding(mean_pixels: float, image_size: int) -> float:
    """Returns how long a photo takes to decode, relative to the picture that the probe decodes.

    Args:
        mean_pixels: Of the photos.
        image_size: Of the images that are made of them, in pixels.

    Source: fitted to photos of 96 to 1,024 pixels decoded to images of 96 to 384.
    """
    shortest = math.sqrt(mean_pixels * PHOTO_SHAPE)
    shrunk = next((by for by in SHRINKING if shortest / by >= image_size), 1)
    pixels = mean_pixels * (DECODE_FILE + DECODE_LEFT / shrunk**2) + image_size**2 * DECODE_IMAGE
    return DECODE_FIXED + pixels / 1_000_000


def trained_seconds(setting: Setting, frozen_layers: int) -> float:
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


def disk_seconds(setting: Setting, num_values: int) -> float:
    """Returns seconds to write what is kept of an image and read it again."""
    return setting.machine.disk_seconds * num_values * BYTES_PER_VALUE / 10_000_000


def around_seconds(setting: Setting) -> float:
    """Returns what passes before the first epoch and after the last: building, predicting, exporting, comparing."""
    whole = setting.speed(setting.row.num_layers)
    alone = setting.machine.conversion_seconds / reference().conversion_seconds
    decode = setting.machine.decode_ms * decoding(setting.mean_pixels, setting.config.image_size)
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
