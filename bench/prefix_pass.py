"""The pass through a frozen prefix beside its two parts alone, each using all cores.

    python -m bench.prefix_pass IMAGES

MobileNet α=0.25, 224 px, all frozen. Each is measured three times in turn, and the medians are compared.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from bench.setting import batches_of
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.ml import pipeline
from core.ml.devices import has_gpu
from core.ml.forward import Forward, Pass
from core.ml.model import backbone_of, build_model, freeze_layers
from core.ml.prefix import cut
from core.speeds import num_cores

REPEATS = 3


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(images: Path) -> None:
    row = CATALOG["mobilenet_025"]
    config = RunConfig(row.name, 224, ("a", "b"), (Phase(1, 1e-3, row.num_layers),), head=Head(normalize=False))
    model = build_model(config)
    freeze_layers(backbone_of(model, config), row.num_layers)
    prefix = cut(model, config).prefix
    assert prefix is not None
    forward = Forward(prefix)
    paths = sorted(images.rglob("*.jpg"))
    pixels = [pipeline.load(path, config, None) for path in paths]
    quick = None if has_gpu() else forward.convert()
    passing = Pass(lambda path: pipeline.load(path, config, None), forward)
    passing.quick = quick
    pool = ThreadPoolExecutor(num_cores())

    def decode() -> None:
        list(pool.map(lambda path: pipeline.load(path, config, None), paths))

    def in_tensorflow() -> None:
        for batch in batches_of(pixels, forward.batch_images):
            forward(np.stack(batch))

    def in_litert() -> None:
        list(pool.map(quick, pixels))

    chosen = in_litert if quick else in_tensorflow
    parts = {"decode": decode, "forward": chosen, "pass": lambda: list(passing.start(paths))}
    for work in parts.values():
        work()
    took = {name: [] for name in parts}
    for _ in range(REPEATS):
        for name, work in parts.items():
            took[name].append(seconds(work))
    medians = {name: statistics.median(values) for name, values in took.items()}
    slow = seconds(in_tensorflow)
    alone = max(medians["decode"], medians["forward"]) if has_gpu() else medians["decode"] + medians["forward"]
    aim = 1.25 if has_gpu() else 1.15
    ratio = medians["pass"] / alone
    report = {
        "row": "the prefix pass beside decode alone plus forward alone",
        "ratio": round(ratio, 2),
        "aim": f"at most {aim}",
        "met": ratio <= aim,
        "num_images": len(paths),
        "seconds": {name: round(value, 2) for name, value in medians.items()},
        "forward_in_tensorflow_seconds": round(slow, 2),
        "way": "litert" if quick else "tensorflow",
    }
    passing.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
