"""Writes `core/speeds.csv`: what each backbone costs at each cut, on the machine that runs this.

    python -m scripts.write_speed_table [BACKBONE …]

All backbones take about twenty minutes of a machine that does nothing else; a few by name are written over their rows.
The machine's own speed goes into `core/reference_machine.json`, so that other machines can be compared with it.
"""

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import keras
import pandas as pd

from core import machines, speeds
from core.backbones import CATALOG, Backbone
from core.ml import probe
from core.ml.forward import Forward
from core.ml.model import backbone_of, freeze_layers
from core.ml.prefix import cut

SMALL_BATCH = 8  # for slow backbones, to come to an end
SECONDS = 0.5  # of one measurement
MOST_LAYERS = 90  # of more only the last stages are measured: the steps of longer parts take minutes to prepare


def measure(row: Backbone) -> list[dict[str, object]]:
    """Returns the rows of one backbone."""
    keras.backend.clear_session()
    began = time.process_time()
    model, config = probe.network(row)
    build_seconds = time.process_time() - began
    rows: list[dict[str, object]] = []
    batch = SMALL_BATCH if row.speed == "slow" else probe.BATCH_IMAGES
    images = probe.noise(batch, row.image_size)
    for frozen_layers in cuts(row):
        freeze_layers(backbone_of(model, config), frozen_layers, learn_statistics=frozen_layers == 0)
        parts = cut(model, config)
        figures = {"tensorflow_ms": 0.0, "litert_ms": 0.0, "prefix_seconds": 0.0, "conversion_seconds": 0.0}
        tensors = [images.astype("float32")]
        if parts.prefix is not None:
            forward = Forward(parts.prefix)
            began = time.process_time()
            forward(images[:1])
            figures["prefix_seconds"] = time.process_time() - began
            tensors = forward(images)
            figures["tensorflow_ms"] = probe.milliseconds(partial(forward, images), batch, longest_seconds=SECONDS)
            began = time.process_time()
            quick = forward.convert()
            figures["conversion_seconds"] = time.process_time() - began
            figures["litert_ms"] = probe.litert_ms(quick, images, longest_seconds=SECONDS)
        # The head alone is always measured in whole batches: what it costs is the beginning and end of each step.
        if frozen_layers == row.num_layers:
            tensors = [tensor.repeat(probe.BATCH_IMAGES // batch, axis=0) for tensor in tensors]
        step_ms = probe.step_ms(parts, tensors, longest_seconds=SECONDS)
        rows.append(
            {"backbone": row.name, "frozen_layers": frozen_layers}
            | {name: round(value, 3) for name, value in figures.items()}
            | {"step_ms": round(step_ms, 4), "build_seconds": round(build_seconds, 2)}
        )
        print(rows[-1], flush=True)
    return rows


def cuts(row: Backbone) -> list[int]:
    """Returns where a backbone is measured, by the number of frozen layers: its stages, of a deep one the last two."""
    stages = row.stages if row.num_layers <= MOST_LAYERS else row.stages[-2:]
    return [0, *(stage.num_layers for stage in stages)]


def main(names: list[str]) -> None:
    """Measures the backbones and writes the table."""
    if not names:
        with tempfile.TemporaryDirectory() as folder:
            machine = probe.measure(Path(folder))
        machines.REFERENCE.write_text(machine.to_json() + "\n", encoding="utf-8")
    known = pd.read_csv(speeds.TABLE)
    tables = {str(name): rows for name, rows in known.groupby("backbone")}
    for row in CATALOG.values():
        if not names or row.name in names:
            tables[row.name] = pd.DataFrame(measure(row))
            pd.concat([tables[name] for name in CATALOG if name in tables]).to_csv(speeds.TABLE, index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
