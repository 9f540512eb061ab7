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
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from bench.setting import batches_of
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.machines import num_cores
from core.ml import pipeline
from core.ml.devices import has_gpu
from core.ml.forward import Forward, Pass
from core.ml.model import backbone_of, build_model, freeze_layers
from core.ml.prefix import cut

REPEATS = 3


def seconds(work: Callable[[], object]) -> float:
    """Returns how long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Work:
    """What is measured: the whole pass, and its parts with all cores for each.

    Attributes:
        parts: By name: `decode`, `forward` in the form that the pass uses, `pass`.
        in_tensorflow: The forward part as TensorFlow runs it.
        way: `litert` or `tensorflow`.
    """

    parts: dict[str, Callable[[], object]]
    in_tensorflow: Callable[[], object]
    way: str


def prepared(paths: list[Path], pool: ThreadPoolExecutor) -> tuple[Work, Pass]:
    """Builds the network, cuts it, converts the prefix, and decodes the pictures once."""
    row = CATALOG["mobilenet_025"]
    config = RunConfig(row.name, 224, ("a", "b"), (Phase(1, 1e-3, row.num_layers),), head=Head(normalize=False))
    model = build_model(config)
    freeze_layers(backbone_of(model, config), row.num_layers)
    prefix = cut(model, config).prefix
    assert prefix is not None
    forward = Forward(prefix)
    load = partial(pipeline.load, config=config, seed=None)
    pixels = [load(path) for path in paths]
    passing = Pass(load, forward)
    passing.quick = quick = None if has_gpu() else forward.convert()

    def in_tensorflow() -> None:
        for batch in batches_of(pixels, forward.batch_images):
            forward(np.stack(batch))

    def in_litert() -> None:
        list(pool.map(quick, pixels))

    parts = {
        "decode": lambda: list(pool.map(load, paths)),
        "forward": in_litert if quick else in_tensorflow,
        "pass": lambda: list(passing.start(paths)),
    }
    return Work(parts, in_tensorflow, "litert" if quick else "tensorflow"), passing


def medians(parts: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Returns the seconds of each, measured in turn after one round to warm up."""
    for work in parts.values():
        work()
    took: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(REPEATS):
        for name, work in parts.items():
            took[name].append(seconds(work))
    return {name: statistics.median(values) for name, values in took.items()}


def main(images: Path) -> None:
    """Measures and prints one row as JSON."""
    paths = sorted(images.rglob("*.jpg"))
    with ThreadPoolExecutor(num_cores()) as pool:
        work, passing = prepared(paths, pool)
        took = medians(work.parts)
        slow = seconds(work.in_tensorflow)
    passing.close()
    alone = max(took["decode"], took["forward"]) if has_gpu() else took["decode"] + took["forward"]
    aim = 1.25 if has_gpu() else 1.15
    ratio = took["pass"] / alone
    report = {
        "row": "the prefix pass beside decode alone plus forward alone",
        "ratio": round(ratio, 2),
        "aim": f"at most {aim}",
        "met": ratio <= aim,
        "num_images": len(paths),
        "seconds": {name: round(value, 2) for name, value in took.items()},
        "forward_in_tensorflow_seconds": round(slow, 2),
        "way": work.way,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
