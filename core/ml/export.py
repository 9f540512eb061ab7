"""From the trained network in memory to the files that are taken home, each replayed before it is offered."""

import math
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from core.ml.litert import litert
from core.predict import predict

AGREEMENT = 1e-4
MAX_COMPARED = 200


def write_keras(model: keras.Model, folder: Path) -> None:
    """Writes `model.keras`, whole or not at all."""
    beside = folder / "writing.keras"
    model.save(beside)
    beside.replace(folder / "model.keras")


def write_litert(model: keras.Model, folder: Path) -> None:
    """Writes `model.tflite`: float32, one image at a time, the same input and output as `model.keras`.

    A traced call is converted, which takes less than a fourth of the time of Keras' own export (docs/decisions/0008).
    """
    beside = folder / "writing.tflite"
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    answer = tf.function(lambda image: model(image, training=False)).get_concrete_function(image)
    beside.write_bytes(litert(answer))
    beside.replace(folder / "model.tflite")


def largest_difference(folder: Path, predictions: pd.DataFrame) -> float:
    """Replays held-out images through `model.tflite`, the way the page does, against what Keras said.

    Args:
        folder: The run folder, with `model.tflite`.
        predictions: As `evaluate.write_predictions` returns them; at most `MAX_COMPARED` of them, spread evenly.

    Returns:
        The largest difference of any probability, 0 to 1.
    """
    step = math.ceil(len(predictions) / MAX_COMPARED)
    sample = predictions.iloc[::step]
    home = folder.parent.parent
    said = predict(folder, [home / path for path in sample["path"]])
    return float(np.abs(said - np.array(sample["probabilities"].tolist())).max())
