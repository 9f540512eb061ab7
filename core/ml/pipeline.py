"""From a run's table of images to pixels and labels: decoded the one way, varied, in the order of the epoch."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
from PIL import Image

from core.config import Augmentation, RunConfig
from core.errors import AppError
from core.machines import num_cores
from core.pictures import UnreadablePictureError, decode
from core.text import N_

SMALL_PIXELS = 16
LEVELS = np.arange(256, dtype=np.float32)


class MissingPictureError(AppError):
    """A picture that the run was started with is gone or broken."""

    sentence = N_(
        "The picture “{name}” can no longer be read. Add it to the project again, or remove it, and start a new run."
    )


def load(path: Path, config: RunConfig, seed: list[int] | None) -> np.ndarray:
    """Decodes a training or validation picture, varied at random where a seed is given.

    Args:
        path: The picture.
        config: Gives image size and augmentation.
        seed: The same seed, the same variation; None for the picture as it is.

    Returns:
        uint8 (image_size, image_size, 3), RGB.
    """
    image = decode(path, config.image_size)
    return image if seed is None else vary(image, config.augmentation, np.random.default_rng(seed))


def vary(image: np.ndarray, strength: Augmentation, random: np.random.Generator) -> np.ndarray:
    """Flips, turns, zooms and, when `strong`, shifts and brightens a picture at random.

    It is done to the picture and not by layers of the model, so that the exported model is free of it, and by numbers
    that are drawn here, so that the same seed gives the same picture on any machine and in any batch.

    Args:
        image: uint8 (height, width, 3).
        strength: `none` returns the picture itself.
        random: What is drawn from.

    Returns:
        uint8 (height, width, 3); what lies outside the picture is mirrored.

    Source: the ranges of `light` are those of Keras' guide on image classification from scratch.
    """
    if strength == "none":
        return image
    amount = {"light": 0.1, "strong": 0.2}[strength]
    mirrored = random.random() < 0.5
    angle = random.uniform(-amount / 2, amount / 2) * 2 * math.pi
    zoom_y, zoom_x = 1 + random.uniform(-amount, amount, 2)
    reach, light = (0.1, 0.2) if strength == "strong" else (0.0, 0.0)
    shift = random.uniform(-reach, reach, 2) * image.shape[:2]
    brightness = random.uniform(-light, light) * 255 if light else 0.0
    turned = _sample(image, _affine(image.shape[:2], angle, (zoom_y, zoom_x), shift, mirrored))
    return (LEVELS + brightness).clip(0, 255).astype(np.uint8)[turned] if brightness else turned


def _affine(
    size: tuple[int, ...], angle: float, zoom: tuple[float, float], shift: np.ndarray, mirrored: bool
) -> np.ndarray:
    """Returns the 3 x 3 matrix that leads from a place (x, y, 1) of the result to one of the picture."""
    centre_y, centre_x = (size[0] - 1) / 2, (size[1] - 1) / 2
    to_centre = np.array([[1, 0, -centre_x - shift[1]], [0, 1, -centre_y - shift[0]], [0, 0, 1]])
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    scale = np.diag([-zoom[1] if mirrored else zoom[1], zoom[0], 1])
    back = np.array([[1, 0, centre_x], [0, 1, centre_y], [0, 0, 1]])
    return back @ scale @ turn @ to_centre


def _sample(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns the picture as seen through a 3 x 3 matrix; in one thread, since the cores have other pictures."""
    height, width = image.shape[:2]
    corners = np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]])
    places = (matrix @ corners)[:2]
    beyond = math.ceil(max(-places.min(), (places - [[width - 1], [height - 1]]).max(), 0)) + 1
    mirrored = np.pad(image, ((beyond, beyond), (beyond, beyond), (0, 0)), "symmetric")
    across, down = matrix[:2, :2].sum(axis=1) / 2  # Pillow counts from the corner of a pixel, not from its middle
    shifted = matrix[:2] + np.array([[0, 0, beyond + 0.5 - across], [0, 0, beyond + 0.5 - down]])
    affine = Image.Transform.AFFINE
    seen = Image.fromarray(mirrored).transform((width, height), affine, shifted.ravel(), Image.Resampling.BILINEAR)
    return np.asarray(seen)


def epoch_order(num_images: int, seed: int, epoch: int) -> np.ndarray:
    """Returns the order of the training images in an epoch, counted from 0 over the whole run: int (num_images,).

    It depends on nothing else, so that a run with stored features sees what one without sees.
    """
    return np.random.default_rng([seed, epoch]).permutation(num_images)


def one_hot(rows: pd.DataFrame, config: RunConfig) -> np.ndarray:
    """Returns the labels as float32 (images, num_classes)."""
    index_of = {label: index for index, label in enumerate(config.labels)}
    return np.eye(len(config.labels), dtype=np.float32)[[index_of[label] for label in rows["label"]]]


def evaluation_batches(rows: pd.DataFrame, config: RunConfig, home: Path) -> tf.data.Dataset:
    """Batches of exactly these images, in this order and as they are.

    Args:
        rows: Of a run's table.
        config: Gives image size, batch size and labels.
        home: The workspace, which the table's paths start from.

    Returns:
        Pairs of float32 images (batch, image_size, image_size, 3), RGB 0 to 255, and float32 one-hot labels
        (batch, num_classes).
    """
    names = _names_and_labels(rows, config, home)
    return untuned(_decoded(names, config).batch(config.batch_size).prefetch(2))


def untuned(data: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the data without tf.data's tuning thread.

    An iterator that goes waits for that thread, which may sleep for half a minute at a time: seen between the epochs,
    in TensorFlow 2.21 (`Model::OptimizeLoop`).
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


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
    paths = [str(home / path) for path in rows["path"]]
    return tf.data.Dataset.from_tensor_slices((paths, one_hot(rows, config)))


def _decoded(names: tf.data.Dataset, config: RunConfig) -> tf.data.Dataset:
    size = config.image_size

    def read(path: bytes) -> np.ndarray:
        return decode(Path(path.decode()), size)

    def with_pixels(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.numpy_function(read, [path], tf.uint8)
        image.set_shape((size, size, 3))
        return tf.cast(image, tf.float32), label

    return names.map(with_pixels, num_parallel_calls=num_cores(), deterministic=True)
