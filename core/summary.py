"""The parameter summary at once and without TensorFlow: shipped layer tables, frozen layers, head."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from core.backbones import Backbone
from core.config import Head

LAYER_TABLES = Path(__file__).parent / "layers"
PREPROCESSING = {
    "minus_one_to_one": ("rescaling", "Rescaling"),
    "efficientnet": ("rescaling", "Rescaling"),
    "torch": ("normalization", "Normalization"),
    "caffe": ("normalization", "Normalization"),
}
# The names of the cuts behind a backbone that is frozen to its end, as `core.ml.prefix` gives them.
WHOLE_BACKBONE = {"pool": "backbone-GlobalAveragePooling2D", "flatten": "backbone-Flatten"}


@dataclass(frozen=True)
class Summary:
    """What Keras' `model.summary(expand_nested=True)` says about a network.

    Attributes:
        layers: Columns layer (name), type, output_shape (as text, without the batch), parameters, trainable (how many
            of the parameters training changes) and frozen; the rows are in Keras' order, the backbone's own layers in
            place of the backbone.
        trainable: Parameters that training changes.
        non_trainable: Parameters that it does not: frozen ones, and the statistics of batch normalisation.
    """

    layers: pd.DataFrame
    trainable: int
    non_trainable: int

    @property
    def total(self) -> int:
        """All parameters."""
        return self.trainable + self.non_trainable


@cache
def layer_table(backbone_name: str) -> pd.DataFrame:
    """Reads the layers of a backbone of the catalog.

    Returns:
        Columns place (from 0, among Keras' `backbone.layers`; the layers of a network nested in the backbone share its
        place), layer, type, output_shape, parameters, trainable (how many when nothing is frozen), frontier and values
        (where the network is cut when the layers up to this one are frozen, and how many numbers cross there).
    """
    return pd.read_csv(LAYER_TABLES / f"{backbone_name}.csv", keep_default_na=False)


def summarize(backbone: Backbone, head: Head, num_classes: int, frozen_layers: int) -> Summary:
    """Returns the summary of the network that `core.ml.model.build_model` builds at the backbone's own image size.

    Args:
        backbone: A row of the catalog.
        head: The classification head.
        num_classes: How many classes it tells apart.
        frozen_layers: How many of the backbone's layers, from its input, are frozen.
    """
    own = layer_table(backbone.name)
    layers = own.drop(columns="place").assign(frozen=own["place"] < frozen_layers)
    layers.loc[layers["frozen"], "trainable"] = 0
    before = _rows(_preprocessing(backbone))
    after = _rows(_head(head, str(own["output_shape"].iloc[-1]), num_classes))
    table = pd.concat([before, layers, after], ignore_index=True)
    trainable = int(table["trainable"].sum())
    return Summary(table, trainable, int(table["parameters"].sum()) - trainable)


Row = tuple[str, str, str, int, int]


def _rows(rows: list[Row]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["layer", "type", "output_shape", "parameters", "trainable"])
    return table.assign(frozen=False)


def _preprocessing(backbone: Backbone) -> list[Row]:
    shape = f"{backbone.image_size}, {backbone.image_size}, 3"
    rows: list[Row] = [("image", "InputLayer", shape, 0, 0)]
    if backbone.pixels in PREPROCESSING:
        rows.append((*PREPROCESSING[backbone.pixels], shape, 0, 0))
    return rows


def _head(head: Head, feature_shape: str, num_classes: int) -> list[Row]:
    height, width, channels = (int(number) for number in feature_shape.split(", "))
    rows: list[Row] = []
    if head.kind == "flatten":
        size = height * width * channels
        rows.append(("flatten", "Flatten", str(size), 0, 0))
    else:
        size = channels
        rows.append(("global_average_pooling", "GlobalAveragePooling2D", str(size), 0, 0))
        if head.normalize:
            # Scale and shift are learned, mean and variance are statistics.
            rows.append(("head_normalization", "BatchNormalization", str(size), 4 * size, 2 * size))
    if head.hidden_units:
        rows.append(_dense("hidden", size, head.hidden_units))
        size = head.hidden_units
    if head.dropout:
        rows.append(("dropout", "Dropout", str(size), 0, 0))
    return [*rows, _dense("probabilities", size, num_classes)]


def _dense(name: str, inputs: int, units: int) -> Row:
    parameters = inputs * units + units
    return (name, "Dense", str(units), parameters, parameters)


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
        return Cut(WHOLE_BACKBONE[head.kind], flattened if head.kind == "flatten" else channels)
    frozen = table[table["place"] < frozen_layers]
    if frozen.empty or not frozen["values"].iloc[-1]:
        return Cut("", 0)
    return Cut(str(frozen["frontier"].iloc[-1]), round(float(frozen["values"].iloc[-1]) * area))
