"""Runs a frozen prefix over many pictures on all cores, in TensorFlow or in LiteRT, whichever is quicker here."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from core.machines import num_cores
from core.ml.devices import has_gpu
from core.ml.litert import litert

Tensors = list[np.ndarray]
BATCH_IMAGES = 32  # TensorFlow's best size on a processor, by measurement (docs/measurements.md)
GPU_BATCH_IMAGES = 128
AGREEMENT = 1e-4  # of the largest value: what float32 allows for another order of additions


class Forward:
    """A frozen prefix as a function of pictures, in TensorFlow; more than one device share each batch.

    Args:
        prefix: From float32 images (batch, height, width, 3), 0 to 255, to a list of tensors (batch, …).
    """

    def __init__(self, prefix: keras.Model):
        self.batch_images = GPU_BATCH_IMAGES if has_gpu() else BATCH_IMAGES
        self._strategy = tf.distribute.get_strategy()
        spec = tf.TensorSpec((None, *prefix.input_shape[1:]), tf.uint8)
        self._graph = tf.function(
            lambda images: [tf.cast(said, tf.float32) for said in _list(prefix(tf.cast(images, tf.float32)))],
            input_signature=[spec],
        )

    def __call__(self, images: np.ndarray) -> Tensors:
        """Returns the prefix' tensors, float32 (batch, …), for uint8 images (batch, height, width, 3)."""
        num_devices = self._strategy.num_replicas_in_sync
        if num_devices == 1:
            return [said.numpy() for said in self._graph(images)]
        shares = np.array_split(images, num_devices)
        given = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(shares[context.replica_id_in_sync_group])
        )
        said = self._strategy.run(lambda share: self._graph(share), (given,))
        return [np.concatenate([one.numpy() for one in self._strategy.experimental_local_results(x)]) for x in said]

    def convert(self) -> "QuickForward":
        """Returns the same function in LiteRT; takes seconds."""
        return QuickForward(litert(self._graph.get_concrete_function()))


def _list(said: Any) -> list[Any]:
    return list(said) if isinstance(said, list | tuple) else [said]


class QuickForward:
    """A frozen prefix in LiteRT, for one picture at a time; every thread has an interpreter of its own."""

    def __init__(self, content: bytes):
        self._content = content
        self._local = threading.local()

    def __call__(self, image: np.ndarray) -> Tensors:
        """Returns the prefix' tensors, float32 without a batch, for a uint8 image (height, width, 3)."""
        if not hasattr(self._local, "interpreter"):
            interpreter = Interpreter(model_content=self._content, num_threads=1)
            interpreter.allocate_tensors()
            outputs = sorted(interpreter.get_output_details(), key=lambda output: _number(output["name"]))
            self._local.interpreter = interpreter
            self._local.input = interpreter.get_input_details()[0]["index"]
            self._local.outputs = [output["index"] for output in outputs]
        interpreter = self._local.interpreter
        interpreter.set_tensor(self._local.input, image[None])
        interpreter.invoke()
        return [interpreter.get_tensor(index)[0] for index in self._local.outputs]


def _number(name: str) -> int:
    """The place of an output by its name in the frozen graph: Identity, Identity_1 and so on."""
    return int(name.rpartition("_")[2]) if "_" in name else 0


class Pass:
    """Loads pictures and runs a prefix on them; decoding and forward pass overlap, and what is asked comes in order.

    Args:
        load: Returns the uint8 image (height, width, 3) of a job; called in several threads.
        forward: The prefix; None returns the images themselves.

    Attributes:
        quick: The prefix in LiteRT, once it has proved to be quicker.
        num_done: How many answers were given.
    """

    def __init__(self, load: Callable[[Any], np.ndarray], forward: Forward | None):
        self.forward = forward
        self.quick: QuickForward | None = None
        self.num_done = 0
        self._load = load
        self._pool = ThreadPoolExecutor(num_cores(), "headstart-pass")
        self._conversion: Future[QuickForward] | None = None
        self._converter = ThreadPoolExecutor(1, "headstart-convert")

    def start(self, jobs: Sequence[Any]) -> Iterator[Tensors]:
        """Begins at once with the jobs, and returns what the prefix says of each, in their order."""
        return self._collect(deque(self._pool.submit(self._work, job) for job in jobs))

    def prepare_quick_form(self) -> None:
        """Converts the prefix to LiteRT beside the work that goes on; from then on the quicker way is taken."""
        if self.forward is not None and self._conversion is None and not has_gpu():
            self._conversion = self._converter.submit(self.forward.convert)

    def take_quick_form(self, jobs: Sequence[Any]) -> None:
        """Converts the prefix to LiteRT before anything else, and takes it if it proves quicker on these jobs."""
        begun = deque(self._pool.submit(self._load, job) for job in jobs)
        self.prepare_quick_form()
        if self.forward is not None and self._conversion is not None:
            self._conversion.exception()  # waits for it
            self.forward(np.stack([begun[0].result()]))  # TensorFlow prepares itself on its first picture
            self._choose(self._conversion, begun)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._converter.shutdown(wait=False, cancel_futures=True)

    def _work(self, job: Any) -> np.ndarray | Tensors:
        image = self._load(job)
        quick = self.quick
        return quick(image) if quick is not None else image

    def _collect(self, begun: deque[Future]) -> Iterator[Tensors]:
        while begun:
            if self._conversion is not None and self._conversion.done():
                self._choose(self._conversion, begun)
            size = self.forward.batch_images if self.forward else 1
            loaded = [begun.popleft().result() for _ in range(min(size, len(begun)))]
            self.num_done += len(loaded)
            yield from self._complete(loaded)

    def _complete(self, loaded: list[Any]) -> list[Tensors]:
        """Runs the prefix on those that are still images."""
        if self.forward is None:
            return [[image] for image in loaded]
        images = [index for index, one in enumerate(loaded) if isinstance(one, np.ndarray)]
        if images:
            said = self.forward(np.stack([loaded[index] for index in images]))
            for place, index in enumerate(images):
                loaded[index] = [tensor[place] for tensor in said]
        return loaded

    def _choose(self, conversion: Future[QuickForward], begun: deque[Future]) -> None:
        """Takes LiteRT if it says the same and is quicker on the pictures that come next."""
        self._conversion = None
        assert self.forward is not None
        images = [
            one for future in list(begun)[: self.forward.batch_images] if isinstance(one := future.result(), np.ndarray)
        ]
        if not images or conversion.exception() is not None:
            return  # a network that LiteRT does not serve runs on in TensorFlow
        quick = conversion.result()
        for future in begun:
            future.exception()  # the cores are to be free for the comparison
        list(self._pool.map(quick, images[: num_cores()]))  # each thread makes its interpreter
        began = time.perf_counter()
        ours = list(self._pool.map(quick, images))
        middle = time.perf_counter()
        theirs = self.forward(np.stack(images))
        if middle - began < time.perf_counter() - middle and agree(ours, theirs):
            self.quick = quick


def agree(ours: list[Tensors], theirs: Tensors) -> bool:
    """Whether two ways of running a prefix say the same of some pictures, to float32 accuracy.

    Args:
        ours: A list of tensors for each picture.
        theirs: The same tensors, each with the pictures as its batch.
    """
    for index, expected in enumerate(theirs):
        said = np.stack([tensors[index] for tensors in ours])
        if said.shape != expected.shape or np.abs(said - expected).max() > AGREEMENT * np.abs(expected).max():
            return False
    return True
