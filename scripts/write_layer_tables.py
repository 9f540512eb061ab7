"""Writes `core/layers/<backbone>.csv` for every backbone of the catalog from what Keras builds.

    python -m scripts.write_layer_tables

Run it after a row was added or Keras moved; `tests/ml/test_catalog.py` fails when a table is out of date.
"""

import math

import keras
import pandas as pd

from core.backbones import CATALOG
from core.ml.model import build_backbone, freeze_layers, remove_randomness
from core.ml.prefix import Frontier, frontier_of
from core.summary import LAYER_TABLES


def layer_rows(backbone: keras.Model) -> pd.DataFrame:
    """Returns columns place, layer, type, output_shape, parameters, trainable, frontier, values, in Keras' order.

    A nested network stands there as its layers, all with its `place` among the backbone's layers. `frontier` and
    `values` are where the network is cut when the layers up to this one are frozen, and how many numbers cross there.
    """
    cuts = [frontier_at(backbone, place + 1) for place in range(len(backbone.layers))]
    rows = [
        {
            "place": place,
            "layer": layer.name,
            "type": type(layer).__name__,
            "output_shape": ", ".join(str(size) for size in layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "trainable": sum(math.prod(weight.shape) for weight in layer.trainable_weights),
            "frontier": cuts[place].name if cuts[place] else "",
            "values": cuts[place].num_values if cuts[place] else 0,
        }
        for place, outer in enumerate(backbone.layers)
        for layer in (outer.layers if isinstance(outer, keras.Model) else [outer])
    ]
    return pd.DataFrame(rows)


def frontier_at(backbone: keras.Model, num_layers: int) -> Frontier | None:
    """Returns where a pretrained backbone with its first layers frozen is cut, and leaves it unfrozen."""
    remove_randomness(backbone)
    freeze_layers(backbone, num_layers)
    frontier = frontier_of(backbone)
    freeze_layers(backbone, 0, learn_statistics=True)
    return frontier


def main() -> None:
    """Writes all tables."""
    LAYER_TABLES.mkdir(exist_ok=True)
    for row in CATALOG.values():
        # Keras numbers nameless layers through a process; a run's worker is a fresh one.
        keras.backend.clear_session()
        table = layer_rows(build_backbone(row, row.image_size, pretrained=False))
        table.to_csv(LAYER_TABLES / f"{row.name}.csv", index=False)


if __name__ == "__main__":
    main()
