"""Writes `core/speeds.csv`: what each backbone costs at each cut, on the machine that runs this.

    python -m scripts.write_speed_table [BACKBONE …]

All backbones take about ten minutes of a machine that does nothing else; a few by name are written over their rows. The
machine's own speed goes into `core/reference_machine.json`, so that other machines can be compared with it.
"""

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from core import speeds
from core.backbones import CATALOG, Backbone
from core.ml import probe
from core.ml.forward import Forward
from core.ml.model import backbone_of, freeze_layers
from core.ml.prefix import Cut, cut

SMALL_BATCH = 8  # for slow backbones, to come to an end
SECONDS = 0.5  # of one measurement
MOST_TRACED_LAYERS = 45  # before the last stage; a training step of more would take minutes to prepare


def measure(row: Backbone) -> list[dict[str, object]]:
    """Returns the rows of one backbone."""
    keras.backend.clear_session()
    began = time.process_time()
    model, config = probe.network(row)
    build_seconds = time.process_time() - began
    rows: list[dict[str, object]] = []
    batch = SMALL_BATCH if row.speed == "slow" else probe.BATCH_IMAGES
    images = probe.noise(batch, row.image_size)
    quicker = 1.0
    for frozen_layers in (*(stage.num_layers for stage in reversed(row.stages)), 0):
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
        if frozen_layers >= row.stages[-2].num_layers or row.num_layers - frozen_layers <= MOST_TRACED_LAYERS:
            step_ms = probe.step_ms(parts, tensors, longest_seconds=SECONDS)
            quicker = step_ms / untraced_step_ms(parts, tensors)
        else:
            step_ms = quicker * untraced_step_ms(parts, tensors)
        rows.append(
            {"backbone": row.name, "frozen_layers": frozen_layers}
            | {name: round(value, 3) for name, value in figures.items()}
            | {"step_ms": round(step_ms, 4), "build_seconds": round(build_seconds, 2)}
        )
        print(rows[-1], flush=True)
    return rows[::-1]


def untraced_step_ms(parts: Cut, tensors: list[np.ndarray]) -> float:
    """Returns milliseconds per image of a step without preparation: what each image after the first one adds."""
    parts.suffix.compile("adam", "categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    labels = probe.one_hot(len(tensors[0]))
    seconds = {}
    for num_images in (1, len(labels)):
        batch = [tensor[:num_images] for tensor in tensors]
        step = partial(parts.suffix.train_on_batch, batch if len(batch) > 1 else batch[0], labels[:num_images])
        seconds[num_images] = probe.milliseconds(step, 1, longest_seconds=SECONDS)
    return max(1e-3, seconds[len(labels)] - seconds[1]) / (len(labels) - 1)


def main(names: list[str]) -> None:
    """Measures the backbones and writes the table."""
    if not names:
        with tempfile.TemporaryDirectory() as folder:
            machine = probe.measure(Path(folder))
        speeds.REFERENCE.write_text(machine.to_json() + "\n", encoding="utf-8")
    known = pd.read_csv(speeds.TABLE)
    tables = {str(name): rows for name, rows in known.groupby("backbone")}
    for row in CATALOG.values():
        if not names or row.name in names:
            tables[row.name] = pd.DataFrame(measure(row))
            pd.concat([tables[name] for name in CATALOG if name in tables]).to_csv(speeds.TABLE, index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
