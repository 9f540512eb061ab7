"""The plain Keras transfer-learning recipe, written as the guide writes it, to compare Headstart with.

    python -m bench.plain_recipe FOLDER --backbone residual10 --epochs 20 --seed 1

Frozen base, global average pooling, dropout 0.2, Dense, Adam 1e-3. FOLDER holds class folders, or `train` and `val`
with class folders; without them the split is Headstart's own, so that both see the same pictures.

Source: Keras' guide "Transfer learning & fine-tuning".
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pandas as pd
import tensorflow as tf
from keras import layers

from core import dataset
from core.backbones import CATALOG
from core.ml.model import build_backbone, preprocess

VALIDATION_SHARE = 0.2
PICTURES = {".jpg", ".jpeg", ".png"}


def photos(folder: Path) -> pd.DataFrame:
    """Lists the files of a set: columns id, name (the path), label and, where its folders say so, split."""
    rows = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES:
            split = {"train": "train", "val": "validation"}.get(path.relative_to(folder).parts[0])
            rows.append({"id": len(rows), "name": str(path), "label": path.parent.name, "split": split})
    return pd.DataFrame(rows)


def tables(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the training and the validation files, columns as in `photos`."""
    table = dataset.split_images(photos(folder), VALIDATION_SHARE, seed)
    return table[table["split"] == "train"], table[table["split"] == "validation"]


def batches(table: pd.DataFrame, labels: list[str], size: int, *, shuffle: bool) -> tf.data.Dataset:
    """What `image_dataset_from_directory` makes, for a list of files: decode, resize bilinearly, batch, prefetch."""

    def load(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.image.resize(image, (size, size)), label

    indices = [labels.index(label) for label in table["label"]]
    data = tf.data.Dataset.from_tensor_slices((list(table["name"]), indices))
    if shuffle:
        data = data.shuffle(len(table))
    return data.map(load, tf.data.AUTOTUNE).batch(32).prefetch(tf.data.AUTOTUNE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--backbone", choices=CATALOG, default="residual10")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    backbone = CATALOG[options.backbone]
    size = backbone.image_size
    training, validation = tables(options.images, options.seed)
    labels = sorted(training["label"].unique())

    base = build_backbone(backbone, size, pretrained=True)
    base.trainable = False
    inputs = keras.Input((size, size, 3))
    x = base(preprocess(inputs, backbone.pixels), training=False)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    model = keras.Model(inputs, layers.Dense(len(labels), activation="softmax")(x))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

    began = time.monotonic()
    story = model.fit(
        batches(training, labels, size, shuffle=True),
        validation_data=batches(validation, labels, size, shuffle=False),
        epochs=options.epochs,
        verbose=0,
    ).history
    report = {
        "num_training": len(training),
        "num_validation": len(validation),
        "val_accuracy": round(story["val_accuracy"][-1], 4),
        "val_accuracy_best": round(max(story["val_accuracy"]), 4),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
