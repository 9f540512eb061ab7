"""How quick each cut of each backbone is on a machine: a table from a reference machine, and the ratio to it.

Workers decide by the same figures as the page.
"""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.backbones import Backbone
from core.machines import Machine, Way, reference
from core.summary import layer_table

TABLE = Path(__file__).parent / "speeds.csv"
SWITCH_GAIN = 0.9  # the quick form has to promise at least so much less
# Before a training step, by how many layers learn; alike for all networks, on the reference machine.
TRACING_SECONDS = 0.8
TRACING_SECONDS_PER_LAYER = 0.13


@dataclass(frozen=True)
class Speed:
    """What a cut of a backbone costs at an image size.

    Attributes:
        tensorflow_ms: Milliseconds per image of the frozen prefix in TensorFlow, batches of 32; 0 without a prefix.
        litert_ms: The same in LiteRT, an interpreter per core.
        prefix_seconds: Until TensorFlow has prepared the prefix.
        conversion_seconds: Of the prefix to LiteRT.
        step_ms: Milliseconds per image of a training step of the rest with a small head, batches of 32.
        build_seconds: To build the network.
        tracing_seconds: Until TensorFlow has prepared the training step.
    """

    tensorflow_ms: float
    litert_ms: float
    prefix_seconds: float
    conversion_seconds: float
    step_ms: float
    build_seconds: float
    tracing_seconds: float


RISING = ("tensorflow_ms", "litert_ms", "prefix_seconds", "conversion_seconds")  # with the number of frozen layers
COLUMNS = (*RISING, "step_ms", "build_seconds")


def speed(backbone: Backbone, frozen_layers: int, image_size: int, machine: Machine | None = None) -> Speed:
    """Returns what a cut costs on a machine.

    Between two measured cuts it is interpolated by the multiply-adds of the layers; another image size counts by its
    area.

    Args:
        backbone: A row of the catalog.
        frozen_layers: Of its layers, from its input.
        image_size: In pixels.
        machine: None for the reference machine.
    """
    known = _rows(backbone.name)
    work = multiply_adds(backbone.name)
    places = np.minimum(known["frozen_layers"].to_numpy(int), len(work) - 1)
    here = work[min(frozen_layers, len(work) - 1)]
    area = (image_size / backbone.image_size) ** 2
    values = {name: float(np.interp(here, work[places], known[name])) for name in COLUMNS}
    trained_layers = max(0, backbone.num_layers - frozen_layers)
    values["tracing_seconds"] = TRACING_SECONDS + TRACING_SECONDS_PER_LAYER * trained_layers
    there = reference()
    machine = machine or there
    ratios = {
        "tensorflow_ms": area * machine.tensorflow_ms / there.tensorflow_ms,
        "litert_ms": area * machine.litert_ms / there.litert_ms,
        "step_ms": _step_area(backbone, frozen_layers, area) * machine.step_ms / there.step_ms,
    }
    alone = machine.conversion_seconds / there.conversion_seconds
    return Speed(**{name: value * ratios.get(name, alone) for name, value in values.items()})


def _step_area(backbone: Backbone, frozen_layers: int, area: float) -> float:
    """A head on pooled numbers alone does not depend on the size of the image."""
    return 1.0 if frozen_layers >= backbone.num_layers else area


@cache
def _rows(backbone_name: str) -> pd.DataFrame:
    table = pd.read_csv(TABLE)
    rows = table[table["backbone"] == backbone_name].sort_values("frozen_layers")
    steps = _rising(rows["step_ms"].to_numpy()[::-1])[::-1]
    return rows.assign(step_ms=steps, **{name: _rising(rows[name].to_numpy()) for name in RISING})


def _rising(values: np.ndarray) -> np.ndarray:
    """Evens out what was measured on a machine with other work, where more layers cannot take less time."""
    return (np.maximum.accumulate(values) + np.minimum.accumulate(values[::-1])[::-1]) / 2


@cache
def multiply_adds(backbone_name: str) -> np.ndarray:
    """Returns, for each number of layers from the input on, about how many multiply-adds they take; rises strictly."""
    table = layer_table(backbone_name)
    positions = table["output_shape"].map(_positions)
    by_place = (table["parameters"] * positions).groupby(table["place"]).sum()
    # One more for each layer: those without parameters cost a little too, and interpolation needs distinct places.
    return np.concatenate([[0.0], (by_place.to_numpy(dtype=float) + 1).cumsum()])


def _positions(output_shape: str) -> int:
    return math.prod(int(size) for size in output_shape.split(", ")[:-1])


def quick_form_pays(
    backbone: Backbone, frozen_layers: int, image_size: int, num_images: int, machine: Machine | None = None
) -> bool:
    """Says whether converting the frozen prefix to LiteRT saves more time than it takes.

    Args:
        backbone: A row of the catalog.
        frozen_layers: Of its layers, from its input.
        image_size: In pixels.
        num_images: How often the prefix will run on an image, all views and epochs together.
        machine: As measured; None for the reference machine.
    """
    machine = machine or reference()
    one = speed(backbone, frozen_layers, image_size, machine)
    if machine.has_gpu or not one.tensorflow_ms:
        return False
    slow = pass_seconds(one, "tensorflow", num_images, machine)
    return pass_seconds(one, "litert", num_images, machine) < SWITCH_GAIN * slow


def pass_seconds(one: Speed, way: Way, num_images: int, machine: Machine) -> float:
    """Returns how long a prefix takes for some images, preparations included, decoding not.

    While one core converts the prefix, the others go on in TensorFlow.
    """
    in_tensorflow = num_images * one.tensorflow_ms / 1000
    if way == "tensorflow":
        return one.prefix_seconds + in_tensorflow
    share_meanwhile = 1 - 1 / machine.num_cores
    done_meanwhile = one.conversion_seconds * share_meanwhile * 1000 / one.tensorflow_ms
    left = max(0.0, num_images - done_meanwhile)
    return one.prefix_seconds + one.conversion_seconds + left * one.litert_ms / 1000
