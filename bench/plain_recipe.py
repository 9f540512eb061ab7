"""The plain Keras transfer-learning recipe, written as the guide writes it, to compare Headstart with.

    python -m bench.plain_recipe FOLDER --backbone residual10 --epochs 20 --seed 1

`image_dataset_from_directory` with prefetching, frozen base, global average pooling, dropout 0.2, Dense, Adam 1e-3.
FOLDER holds class folders, or `train` and `val` with class folders; without them the split is Headstart's own, so that
both see the same pictures.

Source: Keras' guides "Transfer learning & fine-tuning" and "Image classification from scratch" (augmentation).
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pandas as pd
import tensorflow as tf
from keras import layers

from core.backbones import CATALOG
from core.ml.model import build_backbone, preprocess
from core.split import split_images

VALIDATION_SHARE = 0.2
PICTURES = {".jpg", ".jpeg", ".png"}
LAST_EPOCHS = 5


def photos(folder: Path) -> pd.DataFrame:
    """Lists the files of a set: columns id, name (the path), label and, where its folders say so, split."""
    rows = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES:
            split = {"train": "train", "val": "validation"}.get(path.relative_to(folder).parts[0])
            rows.append({"id": len(rows), "name": str(path.absolute()), "label": path.parent.name, "split": split})
    return pd.DataFrame(rows)


def lay_out(folder: Path, seed: int, out: Path) -> None:
    """Makes `train` and `validation` with class folders in `out`, of links to the pictures."""
    for row in split_images(photos(folder), VALIDATION_SHARE, seed).itertuples():
        link = out / row.split / row.label / f"{row.id:06}{Path(row.name).suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(row.name)


def batches(folder: Path, size: int, *, seed: int, shuffle: bool) -> tf.data.Dataset:
    data = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=32, shuffle=shuffle, seed=seed, follow_links=True, verbose=False
    )
    return data.prefetch(tf.data.AUTOTUNE)


def without_pauses(data: tf.data.Dataset) -> tf.data.Dataset:
    """Switches off the tuning thread for which TensorFlow 2.21 pauses between epochs (docs/decisions/0012).

    The pauses are no part of the recipe, and would flatter what it is compared with.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def augmented(data: tf.data.Dataset) -> tf.data.Dataset:
    """Varies the pictures in the pipeline, as the guide recommends on a processor; the ranges are those of `light`."""
    vary = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.05), layers.RandomZoom((-0.1, 0.1))]
    )
    return data.map(lambda images, labels: (vary(images, training=True), labels), tf.data.AUTOTUNE)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--backbone", choices=CATALOG, default="residual10")
    parser.add_argument("--frozen", type=int, help="how many of the base's layers stay frozen; all by default")
    parser.add_argument("--flatten", action="store_true", help="flatten in place of pooling and dropout")
    parser.add_argument("--augment", action="store_true")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--as-written", action="store_true", help="leave the pauses between epochs in")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        lay_out(options.images, options.seed, Path(folder))
        print(json.dumps(fit(options, Path(folder))))


def fit(options: argparse.Namespace, folder: Path) -> dict:
    """Builds and trains; returns the figures."""
    keras.utils.set_random_seed(options.seed)
    backbone = CATALOG[options.backbone]
    size = options.image_size or backbone.image_size
    training = batches(folder / "train", size, seed=options.seed, shuffle=True)
    validation = batches(folder / "validation", size, seed=options.seed, shuffle=False)
    if options.augment:
        training = augmented(training)
    if not options.as_written:
        training, validation = without_pauses(training), without_pauses(validation)
    num_classes = len(list((folder / "train").iterdir()))

    base = build_backbone(backbone, size, pretrained=True)
    for layer in base.layers[: options.frozen]:
        layer.trainable = False
    inputs = keras.Input((size, size, 3))
    x = base(preprocess(inputs, backbone.pixels), training=False)
    x = layers.Flatten()(x) if options.flatten else layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(options.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])

    began = time.monotonic()
    story = model.fit(
        training,
        validation_data=validation,
        epochs=options.epochs,
        verbose=0,
    ).history
    seconds = time.monotonic() - began
    last = story["val_accuracy"][-LAST_EPOCHS:]
    return {
        "num_training": len(list((folder / "train").rglob("*.*"))),
        "num_validation": len(list((folder / "validation").rglob("*.*"))),
        "val_accuracy": round(story["val_accuracy"][-1], 4),
        "val_accuracy_best": round(max(story["val_accuracy"]), 4),
        "val_accuracy_last_epochs": round(sum(last) / len(last), 4),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
