"""From a run's table of images to batches of tensors: decoded the one way, shuffled, varied."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers

from core.config import Augmentation, RunConfig
from core.errors import AppError
from core.pictures import UnreadablePictureError, decode
from core.text import N_

SHUFFLE_BUFFER_IMAGES = 20_000
SMALL_PIXELS = 16


class MissingPictureError(AppError):
    """A picture that the run was started with is gone or broken."""

    sentence = N_(
        "The picture “{name}” can no longer be read. Add it to the project again, or remove it, and start a new run."
    )


def training_batches(table: pd.DataFrame, config: RunConfig, home: Path) -> tf.data.Dataset:
    """Batches of the training images, in another order each epoch and varied as the config says.

    Args:
        table: A run's images; rows with split `train` are used.
        config: Gives image size, batch size, augmentation and seed.
        home: The workspace, which the table's paths start from.

    Returns:
        Pairs of float32 images (batch, image_size, image_size, 3), RGB 0 to 255, and float32 one-hot labels
        (batch, num_classes).
    """
    rows = table[table["split"] == "train"]
    names = _names_and_labels(rows, config, home)
    shuffled = names.shuffle(min(len(rows), SHUFFLE_BUFFER_IMAGES), seed=config.seed, reshuffle_each_iteration=True)
    batches = _decoded(shuffled, config).batch(config.batch_size)
    vary = augmentation_layers(config.augmentation, config.seed)
    if vary is not None:
        batches = batches.map(lambda images, labels: (vary(images, training=True), labels), tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE)


def evaluation_batches(rows: pd.DataFrame, config: RunConfig, home: Path) -> tf.data.Dataset:
    """Batches of exactly these images, in this order and as they are; shapes as in `training_batches`."""
    return _decoded(_names_and_labels(rows, config, home), config).batch(config.batch_size).prefetch(tf.data.AUTOTUNE)


def augmentation_layers(strength: Augmentation, seed: int) -> keras.Sequential | None:
    """Returns layers that vary images at random, or None for `none`.

    They stand before the model and not in it, so that the exported model is free of them.

    Source: the ranges of `light` are those of Keras' guide on image classification from scratch.
    """
    if strength == "none":
        return None
    amount = {"light": 0.1, "strong": 0.2}[strength]
    steps = [layers.RandomFlip("horizontal", seed=seed), layers.RandomRotation(amount / 2, seed=seed + 1)]
    steps.append(layers.RandomZoom((-amount, amount), seed=seed + 2))
    if strength == "strong":
        steps.append(layers.RandomTranslation(0.1, 0.1, seed=seed + 3))
        steps.append(layers.RandomBrightness(0.2, value_range=(0, 255), seed=seed + 4))
    return keras.Sequential(steps, name="augmentation")


def class_weights(table: pd.DataFrame, config: RunConfig) -> dict[int, float]:
    """Weights by which every class counts the same in the loss, however many training images it has.

    Returns:
        For each class index: all training images / (classes * training images of the class).

    Source: scikit-learn's `class_weight="balanced"`.
    """
    counts = table.loc[table["split"] == "train", "label"].value_counts()
    return {
        index: float(counts.sum() / (len(config.labels) * counts[label])) for index, label in enumerate(config.labels)
    }


def first_unreadable(table: pd.DataFrame, home: Path) -> str | None:
    """Returns the user's name of the first image whose file is gone or broken, None when all can be read."""
    for path, name in zip(table["path"], table["name"], strict=True):
        try:
            decode(home / path, SMALL_PIXELS)
        except (OSError, UnreadablePictureError):
            return name
    return None


def _names_and_labels(rows: pd.DataFrame, config: RunConfig, home: Path) -> tf.data.Dataset:
    index_of = {label: index for index, label in enumerate(config.labels)}
    paths = [str(home / path) for path in rows["path"]]
    one_hot = np.eye(len(config.labels), dtype=np.float32)[[index_of[label] for label in rows["label"]]]
    return tf.data.Dataset.from_tensor_slices((paths, one_hot))


def _decoded(names: tf.data.Dataset, config: RunConfig) -> tf.data.Dataset:
    size = config.image_size

    def read(path: bytes) -> np.ndarray:
        return decode(Path(path.decode()), size)

    def load(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.numpy_function(read, [path], tf.uint8)
        image.set_shape((size, size, 3))
        return tf.cast(image, tf.float32), label

    return names.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
