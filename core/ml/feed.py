"""The batches of one phase: what the frozen prefix says of each image, found in the store or computed on the way."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from core import backbones, features
from core.config import RunConfig
from core.features import Key, Store
from core.ml import pipeline
from core.ml.forward import Forward, Pass, Tensors
from core.ml.prefix import Cut
from core.speeds import Way

SAMPLE_IMAGES = 8
WINDOW_IMAGES = 256
WINDOW_BYTES = 64_000_000
READY_BATCHES = 4
PLAIN = -1  # the view of a picture as it is
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
            features.digest_pictures(features_folder, home, list(rows["path"])) if features_folder is not None else []
        )

    def __len__(self) -> int:
        return len(self.paths)


class Feed:
    """What `fit` is fed with in one phase.

    Attributes:
        found: How many answers of the prefix were in the store when the phase began.
        needed: How many the phase will ask for.
        kept: Whether answers are kept; otherwise each epoch computes them anew.
        no_room: Whether some are not kept because there is no room.
        on_no_room: Called when the disk fills up in the middle of a phase.
        needed_bytes: What the missing answers take on the disk.
        computed: How many answers were computed in each epoch so far.
    """

    def __init__(self, cut: Cut, config: RunConfig, table: pd.DataFrame, home: Path, *, epochs: int):
        self.config = config
        self.cut = cut
        self.epoch = 0  # of the whole run, from 0
        self.turn = 0  # epochs of this phase before this one
        wants_store = cut.frontier is not None and config.start == "imagenet" and config.views > 0
        folder = home / features.FOLDER if wants_store else None
        self.training_images = Images(table[table["split"] == "train"], config, home, folder)
        self.validation_images = Images(table[table["split"] == "validation"], config, home, folder)
        forward = Forward(cut.prefix) if cut.prefix is not None else None
        self._pass = Pass(lambda job: pipeline.load(job.path, config, job.seed), forward)
        self._stores: dict[int, Store] = {}
        self.no_room = False
        self.on_no_room: Callable[[], None] = lambda: None
        self.needed_bytes = 0
        self.computed: list[int] = []
        if folder is not None:
            self._open_stores(folder)
        self.kept = bool(self._stores)
        self.needed, self.found = self._count(epochs)
        self._pass.num_done = 0  # the samples do not count

    @property
    def varies(self) -> bool:
        """Whether training images are augmented."""
        return self.config.augmentation != "none"

    @property
    def num_views(self) -> int:
        """How many variations of a training image take turns; 0 for endlessly many."""
        return self.config.views if self.varies else 1

    @property
    def num_steps(self) -> int:
        """Training batches in an epoch."""
        return -(-len(self.training_images) // self.config.batch_size)

    def _open_stores(self, folder: Path) -> None:
        assert self.cut.frontier is not None
        plain = self._key()
        keys = {PLAIN: plain}
        if self.varies:
            strength = self.config.augmentation
            keys |= {view: replace(plain, variation=f"{strength}-{view}") for view in range(self.num_views)}
        stores = {view: Store(folder, key, self.cut.frontier.shapes) for view, key in keys.items()}
        unknown = {view: store.unknown(self._digests_of(view)) for view, store in stores.items()}
        num_unknown = sum(map(len, unknown.values()))
        if num_unknown:
            dtype = features.number_format(self._samples())
            self.needed_bytes = num_unknown * self.cut.frontier.num_values * dtype.itemsize
            self.no_room = not features.make_room(folder, self.needed_bytes, keep=list(keys.values()))
            if self.no_room:
                for store in stores.values():
                    store.close()
                return
            for view, store in stores.items():
                store.make_places(unknown[view], dtype)
        self._stores = stores

    def _key(self) -> Key:
        assert self.cut.frontier is not None
        weights = features.digest(backbones.weights_path(backbones.CATALOG[self.config.backbone]).read_bytes())
        return Key(self.config.backbone, weights.hex(), self.cut.frontier.name, self.config.image_size)

    def _digests_of(self, view: int) -> list[bytes]:
        """The pictures that are asked for in a view: training images in theirs, validation images as they are."""
        if view != PLAIN:
            return self.training_images.digests
        return self.validation_images.digests + ([] if self.varies else self.training_images.digests)

    def _samples(self) -> Tensors:
        """What the prefix says of a few pictures."""
        step = max(1, len(self.training_images) // SAMPLE_IMAGES)
        jobs = [Job(path, None) for path in self.training_images.paths[::step][:SAMPLE_IMAGES]]
        said = list(self._pass.start(jobs))
        return [np.stack(tensors) for tensors in zip(*said, strict=True)]

    def _count(self, epochs: int) -> tuple[int, int]:
        """Returns how many answers are needed, and how many of them are there."""
        needed = len(self.training_images) * (min(epochs, self.num_views) or epochs) + len(self.validation_images)
        found = 0
        for view, store in self._stores.items():
            if view < epochs:
                digests = self._digests_of(view)
                found += int(store.has(store.places(digests)).sum())
        return needed, found

    def _lose_room(self) -> None:
        """Goes on without keeping what is computed, and says so once, when the disk is full."""
        if not self.no_room:
            self.no_room = True
            self.on_no_room()

    def turns(self, epochs_before: int) -> keras.callbacks.Callback:
        """Returns the callback that tells the feed which epoch begins.

        Args:
            epochs_before: Epochs of the run before this phase.
        """

        def begin(epoch: int, logs: dict | None = None) -> None:
            self.turn, self.epoch = epoch, epochs_before + epoch

        def end(epoch: int, logs: dict | None = None) -> None:
            self.computed.append(self._pass.num_done - sum(self.computed))

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)

    def prepare_quick_form(self) -> None:
        """Lets the prefix be converted to its quicker form beside the first batches."""
        self._pass.prepare_quick_form()

    @property
    def way(self) -> Way:
        """How the prefix runs at present: `tensorflow` or `litert`."""
        return "litert" if self._pass.quick is not None else "tensorflow"

    def close(self) -> None:
        """Ends the threads and closes the stores; what was computed is safe."""
        self._pass.close()
        for store in self._stores.values():
            store.close()

    def training(self) -> tf.data.Dataset:
        """Batches of training images in the order of `epoch`: pairs of what the suffix takes and one-hot labels."""
        return self._dataset(self._training_batches, self.training_images)

    def validation(self) -> tf.data.Dataset:
        """Batches of the validation images, in their order and as they are."""
        return self._dataset(self._validation_batches, self.validation_images)

    def _training_batches(self) -> Iterator[Batch]:
        order = pipeline.epoch_order(len(self.training_images), self.config.seed, self.epoch)
        view = self.turn % self.num_views if self.varies and self.num_views else PLAIN
        return self._batches(self.training_images, order, view, self._seed(view))

    def _seed(self, view: int) -> Seed:
        """How the variation of an image is drawn: by its content and view where it is kept, else anew each epoch."""
        if not self.varies:
            return lambda index: None
        if self._stores:
            digests = self.training_images.digests
            return lambda index: [int.from_bytes(digests[index], "big"), view]
        epoch = self.turn % self.num_views if self.num_views else self.epoch
        return lambda index: [self.config.seed, epoch, index]

    def _validation_batches(self) -> Iterator[Batch]:
        images = self.validation_images
        return self._batches(images, np.arange(len(images)), PLAIN, lambda index: None)

    def _batches(self, images: Images, order: np.ndarray, view: int, seed: Seed) -> Iterator[Batch]:
        """Yields labels and tensors, reading what is there and computing what is not, some batches ahead."""
        source = Source(images, self._stores.get(view), self._pass, seed, self._lose_room)
        batches = source.batches(order, self.config.batch_size, self._window)
        return batches if source.is_complete(order) else in_background(batches, READY_BATCHES)

    @property
    def _window(self) -> int:
        """How many images are worked on ahead of the training."""
        image_bytes = self.config.image_size**2 * 3
        return max(1, min(WINDOW_IMAGES, WINDOW_BYTES // image_bytes))

    def _dataset(self, batches: Callable[[], Iterator[Batch]], images: Images) -> tf.data.Dataset:
        shapes = (
            self.cut.frontier.shapes if self.cut.frontier else ((self.config.image_size, self.config.image_size, 3),)
        )
        dtype = tf.float32 if self.cut.frontier else tf.uint8
        inputs = tuple(tf.TensorSpec((None, *shape), dtype) for shape in shapes)
        labels = tf.TensorSpec((None, len(self.config.labels)), tf.float32)

        def generate() -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray]]:
            for one_hot, tensors in batches():
                yield tuple(tensors), one_hot

        def given(tensors: tuple[tf.Tensor, ...], one_hot: tf.Tensor) -> tuple[object, tf.Tensor]:
            as_float = tuple(tf.cast(tensor, tf.float32) for tensor in tensors)
            return as_float if len(as_float) > 1 else as_float[0], one_hot

        data = tf.data.Dataset.from_generator(generate, output_signature=(inputs, labels)).map(given)
        steps = -(-len(images) // self.config.batch_size)
        return pipeline.untuned(data.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2))


class Source:
    """Answers for some images in one view, from its store where they are there."""

    def __init__(
        self, images: Images, store: Store | None, passing: Pass, seed: Seed, on_full_disk: Callable[[], None]
    ):
        self._on_full_disk = on_full_disk
        self._images = images
        self._store = store
        self._pass = passing
        self._seed = seed
        self._places = store.places(images.digests) if store is not None else np.empty((len(images), 2), np.int64)

    def _has(self, indices: np.ndarray) -> np.ndarray:
        if self._store is None:
            return np.zeros(len(indices), bool)
        return self._store.has(self._places[indices])

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
            return self._store.read(self._places[indices])
        computed = [self._keep(index, next(answers)) for index in indices[~there]]
        tensors = [np.stack(one) for one in zip(*computed, strict=True)]
        if there.any() and self._store is not None:
            stored = self._store.read(self._places[indices[there]])
            whole = [np.empty((len(indices), *one.shape[1:]), one.dtype) for one in tensors]
            for place, ours, theirs in zip(whole, tensors, stored, strict=True):
                place[~there], place[there] = ours, theirs
            return whole
        return tensors

    def _keep(self, index: int, tensors: Tensors) -> Tensors:
        if self._store is None:
            return tensors
        try:
            kept = self._store.write(self._places[index], tensors)
        except OSError:
            self._on_full_disk()
            return tensors
        return self._store.rounded(self._places[index], tensors) if kept else tensors


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
