"""`python -m core.ml.probe HOME`: measures in a few seconds how quick this machine is, for estimates before a start.

Other processes make measured time longer. What keeps all cores busy is measured by `Stopwatch`, which takes their share
off; what one core does alone is measured by the processor time that it takes.
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import psutil
import tensorflow as tf
from PIL import Image

from core import machines
from core.backbones import CATALOG, Backbone
from core.config import Phase, RunConfig
from core.machines import Machine
from core.ml.forward import Forward, QuickForward, has_gpu
from core.ml.model import backbone_of, build_model, freeze_layers
from core.ml.prefix import Cut, cut
from core.pictures import decode

BACKBONE = CATALOG["residual10"]
BATCH_IMAGES = 32
LABELS = ("a", "b", "c", "d", "e")
LONGEST_SECONDS = 0.3  # of one measurement that is repeated
MOST_OF_OTHERS = 0.8  # beyond that, what is left over says nothing
MOST_STEPS = 200
NUM_PICTURES = 64
PICTURE_SIZE = (512, 384)
DISK_BYTES = 10_000_000


def main(home: Path) -> None:
    """Measures and keeps the result where `machines.here` finds it."""
    machines.keep(home, measure(home))


def measure(folder: Path) -> Machine:
    """Returns the speed of this machine.

    Args:
        folder: On the disk that is measured too; created when missing.
    """
    model, config = network(BACKBONE)
    freeze_layers(backbone_of(model, config), BACKBONE.stages[-2].num_layers)
    parts = cut(model, config)
    assert parts.prefix is not None
    forward = Forward(parts.prefix)
    images = noise(BATCH_IMAGES, BACKBONE.image_size)
    began = time.process_time()
    quick = forward.convert()
    conversion_seconds = time.process_time() - began
    return Machine(
        *machines.this_machine(),
        has_gpu=has_gpu(),
        tensorflow_ms=milliseconds(lambda: forward(images), len(images)),
        litert_ms=litert_ms(quick, images),
        step_ms=step_ms(parts, forward(images)),
        conversion_seconds=conversion_seconds,
        decode_ms=decode_ms(BACKBONE.image_size),
        disk_seconds=disk_seconds(folder),
    )


def network(row: Backbone) -> tuple[keras.Model, RunConfig]:
    """Builds a backbone with a head that pools, random weights, at the backbone's own size."""
    config = RunConfig(row.name, row.image_size, LABELS, (Phase(1, 1e-3, row.num_layers),))
    return build_model(config, pretrained=False), config


def noise(num_images: int, image_size: int) -> np.ndarray:
    """Returns uint8 images (num_images, image_size, image_size, 3)."""
    return np.random.default_rng(1).integers(0, 256, (num_images, image_size, image_size, 3), np.uint8)


class Stopwatch:
    """Measures a stretch of work that keeps all cores busy: `with Stopwatch() as watch: …`, then `watch.seconds`.

    Attributes:
        seconds: Without the share of the machine that other processes had meanwhile.
        others: That share, 0 to 1.
    """

    def __enter__(self) -> "Stopwatch":
        self._began = (time.perf_counter(), *_processor_seconds())
        return self

    def __exit__(self, *error: object) -> None:
        wall, all_of_it, own = (
            now - before for now, before in zip((time.perf_counter(), *_processor_seconds()), self._began, strict=True)
        )
        others = (all_of_it - own) / (wall * (psutil.cpu_count() or 1))
        self.others = min(MOST_OF_OTHERS, max(0.0, others))
        self.seconds = wall * (1 - self.others)


def _processor_seconds() -> tuple[float, float]:
    """Returns the processor time of the whole machine and of this process."""
    every = psutil.cpu_times()
    return every.user + every.system + getattr(every, "nice", 0.0), time.process_time()


def milliseconds(work: Callable[[], object], num_images: int, *, longest_seconds: float = LONGEST_SECONDS) -> float:
    """Returns milliseconds per image, the mean of some repeats.

    Args:
        work: Handles `num_images`; called once before, to warm up.
        num_images: How many that are.
        longest_seconds: No repeat begins later than this.
    """
    work()
    began = time.perf_counter()
    repeats = 0
    with Stopwatch() as watch:
        while not repeats or time.perf_counter() - began < longest_seconds:
            work()
            repeats += 1
    return watch.seconds * 1000 / (num_images * repeats)


def litert_ms(quick: QuickForward, images: np.ndarray, *, longest_seconds: float = LONGEST_SECONDS) -> float:
    """Returns milliseconds per image when each core has an interpreter of its own."""
    with ThreadPoolExecutor(machines.num_cores()) as pool:
        list(pool.map(quick, images))
        return milliseconds(lambda: list(pool.map(quick, images)), len(images), longest_seconds=longest_seconds)


def step_ms(parts: Cut, tensors: list[np.ndarray], *, longest_seconds: float = LONGEST_SECONDS) -> float:
    """Returns milliseconds per image of `fit` of a suffix on batches that a generator hands it, as in a run.

    Args:
        parts: The network, frozen and cut.
        tensors: One batch of what enters the suffix.
        longest_seconds: About how long the measurement lasts.
    """
    parts.suffix.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    labels = one_hot(len(tensors[0]))

    def fit(num_steps: int) -> float:
        """Returns seconds of a step, the first one left out."""
        clock = Clock()
        with Stopwatch() as watch:
            parts.suffix.fit(_batches(tensors, labels, num_steps), shuffle=False, verbose=0, callbacks=[clock])
        return (clock.times[-1] - clock.times[0]) / (num_steps - 1) * (1 - watch.others)

    seconds = fit(3)
    if seconds < longest_seconds / 4:
        seconds = fit(1 + min(MOST_STEPS, round(longest_seconds / seconds)))
    return seconds * 1000 / len(labels)


def one_hot(num_images: int) -> np.ndarray:
    """Returns labels, float32 (num_images, classes)."""
    return np.eye(len(LABELS), dtype=np.float32)[np.arange(num_images) % len(LABELS)]


class Clock(keras.callbacks.Callback):
    """Notes when each step of a training was over."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Notes the time."""
        self.times.append(time.perf_counter())


def _batches(tensors: list[np.ndarray], labels: np.ndarray, num_steps: int) -> tf.data.Dataset:
    inputs = tuple(tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors)
    spec = (inputs if len(inputs) > 1 else inputs[0], tf.TensorSpec((None, labels.shape[1]), tf.float32))
    given = tuple(tensors) if len(tensors) > 1 else tensors[0]
    data = tf.data.Dataset.from_generator(lambda: ((given, labels) for _ in range(num_steps)), output_signature=spec)
    return data.apply(tf.data.experimental.assert_cardinality(num_steps)).prefetch(2)


def decode_ms(image_size: int) -> float:
    """Returns milliseconds per photograph-like JPEG of 512 x 384 pixels, decoded in one thread per core."""
    small = Image.fromarray(noise(1, 48)[0]).resize(PICTURE_SIZE, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90)
    pictures = [file.getvalue()] * NUM_PICTURES
    with ThreadPoolExecutor(machines.num_cores()) as pool:
        return milliseconds(lambda: list(pool.map(lambda data: decode(data, image_size), pictures)), len(pictures))


def disk_seconds(folder: Path) -> float:
    """Returns seconds to write 10 MB safely and read them again."""
    folder.mkdir(parents=True, exist_ok=True)
    data = bytes(DISK_BYTES)
    began = time.perf_counter()
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        file.read()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
