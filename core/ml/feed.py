"""The batches of one phase: what the frozen prefix says of each image, found in the store or computed on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from core import backbones, budget, features, fingerprints
from core.config import RunConfig
from core.features import PLAIN, Key, Store
from core.machines import Way
from core.ml import pipeline
from core.ml.forward import Forward, Pass
from core.ml.prefix import Cut, Frontier
from core.ml.source import Batch, Images, Job, Seed, Source, in_background

SAMPLE_IMAGES = 8
TRIAL_IMAGES = 32
QuickForm = Literal["first", "beside", "no"]
WINDOW_IMAGES = 256
WINDOW_BYTES = 64_000_000
READY_BATCHES = 4


@dataclass(frozen=True)
class Plan:
    """What a phase trains, and what it may compute ahead.

    Attributes:
        config: Of the run.
        cut: Where this phase cuts the network.
        epochs: Of this phase.
        also: A prefix that says what `cut.prefix` says and, after it, what the next phase will ask; None for none.
        next_frontier: What that is.
        quick_form: Says, for a number of images, whether the prefix is to be converted to LiteRT: before anything else,
            beside the first batches, or not at all.
    """

    config: RunConfig
    cut: Cut
    epochs: int
    also: keras.Model | None = None
    next_frontier: Frontier | None = None
    quick_form: Callable[[int], QuickForm] = lambda num_images: "no"

    @property
    def prefix(self) -> keras.Model | None:
        """The prefix that is run."""
        return self.also or self.cut.prefix

    @property
    def frontiers(self) -> list[Frontier]:
        """What is kept of an image: for this phase, then for the next."""
        now = [self.cut.frontier] if self.cut.frontier else []
        return [*now, self.next_frontier] if self.also and self.next_frontier else now


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

    def __init__(self, plan: Plan, table: pd.DataFrame, home: Path):
        self.config = config = plan.config
        self.plan = plan
        self.epoch = 0  # of the whole run, from 0
        self.turn = 0  # epochs of this phase before this one
        wants_store = plan.cut.frontier is not None and config.start == "imagenet" and config.views > 0
        folder = home / features.FOLDER if wants_store else None
        self.training_images = Images(table[table["split"] == "train"], config, home, folder)
        self.validation_images = Images(table[table["split"] == "validation"], config, home, folder)
        prefix = plan.prefix
        forward = Forward(prefix) if prefix is not None else None
        self._pass = Pass(lambda job: pipeline.load(job.path, config, job.seed), forward)
        self._stores: list[dict[int, Store]] = []  # a store for each view, for this phase and, ahead, for the next
        self.no_room = False
        self.on_no_room: Callable[[], None] = lambda: None
        self.needed_bytes = 0
        self.computed: list[int] = []
        self._is_prepared = False
        if folder is not None:
            self._open_stores(folder)
        self.kept = bool(self._stores)
        self.needed, self.found = self._count()
        self._prepare_quick_form(self.needed - self.found)
        self._pass.num_done = 0  # the samples do not count

    @property
    def varies(self) -> bool:
        """Whether training images are augmented."""
        return self.config.augmentation != "none"

    @property
    def num_views(self) -> int:
        """How many variations of a training image take turns; 0 for endlessly many."""
        return self.config.views if self.varies else 1

    def _open_stores(self, folder: Path) -> None:
        """Opens a store for each view and each cut, with places for all pictures, or none where there is no room."""
        frontiers = self.plan.frontiers
        keys = [self._keys(frontier.name) for frontier in frontiers]
        self._stores = [
            {view: Store(folder, key, frontier.shapes) for view, key in of_cut.items()}
            for frontier, of_cut in zip(frontiers, keys, strict=True)
        ]
        unknown = [{view: stores[view].unknown(self._digests_of(view)) for view in stores} for stores in self._stores]
        if not any(unknown[0].values()):
            # Nothing, or the rest of an interrupted fill, is to be computed: the next phase will ask for its own.
            self._close_stores(keep=1)
            return
        self._prepare_quick_form(sum(map(len, unknown[0].values())))
        formats = self._formats()
        self.needed_bytes = sum(
            sum(map(len, new.values())) * frontier.num_values * dtype.itemsize
            for new, frontier, dtype in zip(unknown, frontiers, formats, strict=True)
        )
        self.no_room = not budget.make_room(
            folder, self.needed_bytes, keep=[key.folder for of_cut in keys for key in of_cut.values()]
        )
        if self.no_room:
            self._close_stores()
            return
        for stores, new, dtype in zip(self._stores, unknown, formats, strict=True):
            for view, store in stores.items():
                store.make_places(new[view], dtype)

    def _keys(self, frontier: str) -> dict[int, Key]:
        """Returns the key of each view at a cut."""
        config = self.config
        weights = fingerprints.of_file(backbones.weights_path(backbones.CATALOG[config.backbone])).hex()
        plain = Key(config.backbone, weights, frontier, config.image_size)
        return features.keys_of_views(plain, config.augmentation, min(self.num_views, self.plan.epochs))

    def _prepare_quick_form(self, num_images: int) -> None:
        """Has the prefix converted to LiteRT where that pays; the first call with something to do decides."""
        if not num_images or self.plan.prefix is None or self._is_prepared:
            return
        self._is_prepared = True
        choice = self.plan.quick_form(num_images)
        if choice == "first":
            self._pass.take_quick_form([Job(path, None) for path in self.training_images.paths[:TRIAL_IMAGES]])
        elif choice == "beside":
            self._pass.prepare_quick_form()

    def _formats(self) -> list[np.dtype]:
        """Returns the number format for each cut, from what the prefix says of a few pictures."""
        step = max(1, len(self.training_images) // SAMPLE_IMAGES)
        jobs = [Job(path, None) for path in self.training_images.paths[::step][:SAMPLE_IMAGES]]
        said = [np.stack(tensors) for tensors in zip(*self._pass.start(jobs), strict=True)]
        num_now = len(self.plan.frontiers[0].shapes)
        return [features.number_format(part) for part in (said[:num_now], said[num_now:])[: len(self._stores)]]

    def _digests_of(self, view: int) -> list[bytes]:
        """The pictures that are asked for in a view: training images in theirs, validation images as they are."""
        if view != PLAIN:
            return self.training_images.digests
        return self.validation_images.digests + ([] if self.varies else self.training_images.digests)

    def _count(self) -> tuple[int, int]:
        """Returns how many answers are needed, and how many of them are there."""
        epochs = self.plan.epochs
        needed = len(self.training_images) * (min(epochs, self.num_views) or epochs) + len(self.validation_images)
        found = 0
        for view, store in self._stores[0].items() if self._stores else ():
            if view < epochs:
                found += int(store.has(store.places(self._digests_of(view))).sum())
        return needed, found

    @property
    def filling_epochs(self) -> int:
        """How many epochs, from the first, compute something."""
        if self.found == self.needed:
            return 0
        return min(self.num_views, self.plan.epochs) if self.kept else self.plan.epochs

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

    @property
    def way(self) -> Way:
        """How the prefix runs at present: `tensorflow` or `litert`."""
        return "litert" if self._pass.quick is not None else "tensorflow"

    def close(self) -> None:
        """Ends the threads and closes the stores; what was computed is safe."""
        self._pass.close()
        self._close_stores()

    def _close_stores(self, *, keep: int = 0) -> None:
        for stores in self._stores[keep:]:
            for store in stores.values():
                store.close()
        self._stores = self._stores[:keep]

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
        return lambda index: [self.config.seed, self.epoch, index]

    def _validation_batches(self) -> Iterator[Batch]:
        images = self.validation_images
        return self._batches(images, np.arange(len(images)), PLAIN, lambda index: None)

    def _batches(self, images: Images, order: np.ndarray, view: int, seed: Seed) -> Iterator[Batch]:
        """Yields labels and tensors, reading what is there and computing what is not, some batches ahead."""
        source = Source(images, [stores[view] for stores in self._stores], self._pass, seed, self._lose_room)
        batches = source.batches(order, self.config.batch_size, self._window)
        return batches if source.is_complete(order) else in_background(batches, READY_BATCHES)

    @property
    def _window(self) -> int:
        """How many images are worked on ahead of the training."""
        image_bytes = self.config.image_size**2 * 3
        return max(1, min(WINDOW_IMAGES, WINDOW_BYTES // image_bytes))

    def _dataset(self, batches: Callable[[], Iterator[Batch]], images: Images) -> tf.data.Dataset:
        frontier = self.plan.cut.frontier
        shapes = frontier.shapes if frontier else ((self.config.image_size, self.config.image_size, 3),)
        dtype = tf.float32 if frontier else tf.uint8
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
