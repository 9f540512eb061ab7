"""Pictures to probabilities with the LiteRT model of a run, in the server's own process and without TensorFlow."""

import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.config import RunConfig
from core.errors import AppError
from core.pictures import decode
from core.text import N_

MODEL_FILE = "model.tflite"
MAX_MODELS = 4
MAX_THREADS = 4


class NoModelYetError(AppError):
    """The run has not got as far as a model."""

    sentence = N_(
        "This run has no model yet: it is made when the training ends. "
        "Wait until the run has finished, or choose another run."
    )


def predict(run_folder: Path, pictures: Sequence[Path | bytes | BinaryIO]) -> np.ndarray:
    """Says for each picture how likely each class is.

    Args:
        run_folder: The folder of a run that has its LiteRT model.
        pictures: Picture files, or what is in them; resized as the training images were.

    Returns:
        Float32 (pictures, classes), 0 to 1, in the order of the run's labels.

    Raises:
        NoModelYetError: The run has no LiteRT model.
        AppError: `core.pictures.decode` cannot read a picture.
    """
    path = run_folder / MODEL_FILE
    if not path.exists():
        raise NoModelYetError()
    config = RunConfig.from_json((run_folder / "config.json").read_text(encoding="utf-8"))
    images = [decode(picture, config.image_size) for picture in pictures]
    model = _model(path, path.stat().st_mtime_ns)
    return np.array([model.answer(image) for image in images], np.float32).reshape(-1, len(config.labels))


class _Model:
    """An interpreter, which bears one caller at a time, with the lock that sees to it."""

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        self._interpreter = Interpreter(str(path), num_threads=min(MAX_THREADS, os.cpu_count() or 1))
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def answer(self, image: np.ndarray) -> np.ndarray:
        """Takes uint8 (height, width, 3), RGB; returns float32 (classes,)."""
        with self._lock:
            self._interpreter.set_tensor(self._input, image[np.newaxis].astype(np.float32))
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output)[0]


@lru_cache(maxsize=MAX_MODELS)
def _model(path: Path, modified: int) -> _Model:
    # `modified` is part of the key, so that a model written anew is read anew.
    return _Model(path)
