"""Writes `core/layers/<backbone>.csv` for every backbone of the catalog from what Keras builds.

    python -m scripts.write_layer_tables

Run it after a row was added or Keras moved; `tests/ml/test_catalog.py` fails when a table is out of date.
"""

import math

import keras
import pandas as pd

from core.backbones import CATALOG
from core.ml.model import build_backbone
from core.summary import LAYER_TABLES


def layer_rows(backbone: keras.Model) -> pd.DataFrame:
    """Returns columns place, layer, type, output_shape, parameters, trainable of every layer, in Keras' order.

    A nested network stands there as its layers, all with its `place` among the backbone's layers.
    """
    rows = [
        {
            "place": place,
            "layer": layer.name,
            "type": type(layer).__name__,
            "output_shape": ", ".join(str(size) for size in layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "trainable": sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        }
        for place, outer in enumerate(backbone.layers)
        for layer in (outer.layers if isinstance(outer, keras.Model) else [outer])
    ]
    return pd.DataFrame(rows)


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
