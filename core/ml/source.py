"""What the frozen prefix says of some images, batch by batch: found in the store, or computed and kept."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core import fingerprints
from core.config import RunConfig
from core.features import Store
from core.ml import pipeline
from core.ml.forward import Pass, Tensors

Batch = tuple[np.ndarray, Tensors]
Seed = Callable[[int], list[int] | None]


@dataclass(frozen=True)
class Job:
    """A picture to load: where it is, and the seed of its variation, None for none."""

    path: Path
    seed: list[int] | None


class Images:
    """Some images of a run in the order of its table: paths, labels, fingerprints."""

    def __init__(self, rows: pd.DataFrame, config: RunConfig, home: Path, features_folder: Path | None):
        self.paths = [home / path for path in rows["path"]]
        self.labels = pipeline.one_hot(rows, config)
        self.digests = (
            fingerprints.of_pictures(features_folder, home, list(rows["path"])) if features_folder is not None else []
        )

    def __len__(self) -> int:
        return len(self.paths)


class Source:
    """Answers for some images in one view, from the store where they are there; computed ones are kept in all stores.

    Args:
        images: Which.
        stores: That of this phase first, then that of the next, which is filled on the way; none to keep nothing.
        passing: Computes what is missing.
        seed: Of an image's variation.
        on_full_disk: Called when something cannot be kept.
    """

    def __init__(
        self, images: Images, stores: list[Store], passing: Pass, seed: Seed, on_full_disk: Callable[[], None]
    ):
        self._on_full_disk = on_full_disk
        self._images = images
        self._stores = stores
        self._store = stores[0] if stores else None
        self._pass = passing
        self._seed = seed
        self._places = [store.places(images.digests) for store in stores]

    def _has(self, indices: np.ndarray) -> np.ndarray:
        if self._store is None:
            return np.zeros(len(indices), bool)
        return self._store.has(self._places[0][indices])

    def is_complete(self, indices: np.ndarray) -> bool:
        """Whether nothing need be computed."""
        return bool(self._has(indices).all())

    def batches(self, order: np.ndarray, batch_size: int, window: int) -> Iterator[Batch]:
        """Yields one-hot labels and tensors for batch after batch of the order."""
        for block, there, answers in self._blocks(order, batch_size * max(1, window // batch_size)):
            for start in range(0, len(block), batch_size):
                here = slice(start, start + batch_size)
                tensors = self._gather(block[here], there[here], answers)
                yield self._images.labels[block[here]], tensors

    def _blocks(self, order: np.ndarray, length: int) -> Iterator[tuple[np.ndarray, np.ndarray, Iterator[Tensors]]]:
        """Yields blocks of the order with what is there of each; the block after it is begun before it is used.

        What is missing is asked anew for each block, so that two runs that fill the same store share the work.
        """
        begun: deque[tuple[np.ndarray, np.ndarray, Iterator[Tensors]]] = deque()
        for start in range(0, len(order), length):
            block = order[start : start + length]
            there = self._has(block)
            jobs = [Job(self._images.paths[index], self._seed(int(index))) for index in block[~there]]
            begun.append((block, there, self._pass.start(jobs)))
            if len(begun) > 1:
                yield begun.popleft()
        yield from begun

    def _gather(self, indices: np.ndarray, there: np.ndarray, answers: Iterator[Tensors]) -> Tensors:
        if there.all() and self._store is not None:
            return self._store.read(self._places[0][indices])
        computed = [self._keep(index, next(answers)) for index in indices[~there]]
        tensors = [np.stack(one) for one in zip(*computed, strict=True)]
        if not there.any() or self._store is None:
            return tensors
        stored = self._store.read(self._places[0][indices[there]])
        whole = [np.empty((len(indices), *one.shape[1:]), one.dtype) for one in tensors]
        for place, ours, theirs in zip(whole, tensors, stored, strict=True):
            place[~there], place[there] = ours, theirs
        return whole

    def _keep(self, index: int, tensors: Tensors) -> Tensors:
        """Keeps the tensors of an image in their stores, and returns those of this phase as they will be read."""
        given = tensors
        for store, places in zip(self._stores, self._places, strict=True):
            own, tensors = tensors[: len(store.shapes)], tensors[len(store.shapes) :]
            try:
                kept = store.write(places[index], own)
            except OSError:
                self._on_full_disk()
                kept = None
            if store is self._store:
                given = kept or own
        return given


def in_background(items: Iterator[Batch], num_ready: int) -> Iterator[Batch]:
    """Yields the items while a thread of its own makes the next ones, at most `num_ready` ahead.

    The thread is one of ours, since tf.data's own may not run TensorFlow while it waits for them.
    """
    ready: queue.Queue = queue.Queue(num_ready)
    stopped = threading.Event()

    def put(item: object) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=0.2)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    return
            put((None, None))
        except Exception as error:
            put((None, error))

    threading.Thread(target=work, name="headstart-feed", daemon=True).start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
