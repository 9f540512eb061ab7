"""Which head and rate suit frozen backbones best: the measurement behind the Quick preset.

    python -m bench.heads [--data DIR] [--splits 8]

Frozen backbones say the same of a picture in every epoch, so their vectors are computed once and only the head is
trained, in numpy, for many splits. Each line is one choice with the mean validation accuracy after the last of 20
epochs, by set and backbone.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.accuracy import BACKBONES, SETS
from bench.plain_recipe import VALIDATION_SHARE, photos
from bench.setting import SHARED, bring_weights
from core.backbones import CATALOG
from core.ml.model import build_backbone, preprocess
from core.pictures import decode
from core.split import split_images

EPOCHS, BATCH = 20, 32
MOMENTUM, EPSILON = 0.9, 1e-3  # of batch normalisation, as in core.ml.model.add_head
BETA_1, BETA_2 = 0.9, 0.999  # of Adam


@dataclass(frozen=True)
class Choice:
    """One head and rate."""

    normalize: bool
    dropout: float
    learning_rate: float


CHOICES = (Choice(False, 0.2, 1e-3), *(Choice(True, d, r) for r in (1e-3, 3e-3, 1e-2) for d in (0.2, 0.5)))


def vectors(table: pd.DataFrame, backbone_name: str) -> np.ndarray:
    """Returns what the frozen backbone says, averaged over the places: float32 (photos, channels)."""
    row = CATALOG[backbone_name]
    backbone = build_backbone(row, row.image_size, pretrained=True)
    parts = []
    for start in range(0, len(table), BATCH):
        images = np.stack([decode(Path(path), row.image_size) for path in table["name"][start : start + BATCH]])
        features = backbone(preprocess(images.astype(np.float32), row.pixels), training=False)
        parts.append(np.asarray(features).mean(axis=(1, 2)))
    return np.concatenate(parts)


class Head:
    """A Dense softmax with optional batch normalisation before it, trained by Adam."""

    def __init__(self, choice: Choice, num_inputs: int, num_classes: int, seed: int):
        self.choice = choice
        self.rng = np.random.default_rng(seed)
        limit = np.sqrt(6 / (num_inputs + num_classes))
        kernel = self.rng.uniform(-limit, limit, (num_inputs, num_classes))
        self.weights = [kernel, np.zeros(num_classes), np.ones(num_inputs), np.zeros(num_inputs)]
        self.first = [np.zeros_like(weight) for weight in self.weights]
        self.second = [np.zeros_like(weight) for weight in self.weights]
        self.mean, self.variance = np.zeros(num_inputs), np.ones(num_inputs)
        self.steps = 0

    def fit_batch(self, x: np.ndarray, targets: np.ndarray) -> None:
        """Takes one step; x (batch, inputs), targets one-hot (batch, classes)."""
        kernel, _, scale, _ = self.weights
        if self.choice.normalize:
            mean, variance = x.mean(axis=0), x.var(axis=0)
            self.mean = MOMENTUM * self.mean + (1 - MOMENTUM) * mean
            self.variance = MOMENTUM * self.variance + (1 - MOMENTUM) * variance
            standard = (x - mean) / np.sqrt(variance + EPSILON)
            z = standard * scale + self.weights[3]
        else:
            standard = z = x
        kept = (self.rng.random(z.shape) >= self.choice.dropout) / (1 - self.choice.dropout)
        error = (softmax((z * kept) @ kernel + self.weights[1]) - targets) / len(x)
        gradients = [(z * kept).T @ error, error.sum(axis=0)]
        if self.choice.normalize:
            back = (error @ kernel.T) * kept
            gradients += [(back * standard).sum(axis=0), back.sum(axis=0)]
        self._adam(gradients)

    def _adam(self, gradients: list[np.ndarray]) -> None:
        self.steps += 1
        for index, gradient in enumerate(gradients):
            self.first[index] = BETA_1 * self.first[index] + (1 - BETA_1) * gradient
            self.second[index] = BETA_2 * self.second[index] + (1 - BETA_2) * gradient**2
            first = self.first[index] / (1 - BETA_1**self.steps)
            second = self.second[index] / (1 - BETA_2**self.steps)
            self.weights[index] = self.weights[index] - self.choice.learning_rate * first / (np.sqrt(second) + 1e-7)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Returns the most probable class of each row."""
        if self.choice.normalize:
            x = (x - self.mean) / np.sqrt(self.variance + EPSILON) * self.weights[2] + self.weights[3]
        return (x @ self.weights[0] + self.weights[1]).argmax(axis=1)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def accuracy(choice: Choice, table: pd.DataFrame, x: np.ndarray, seed: int) -> float:
    """Trains a head on one split and returns its validation accuracy after the last epoch."""
    split = split_images(table, VALIDATION_SHARE, seed)["split"].to_numpy()
    classes, y = np.unique(table["label"].to_numpy(dtype=str), return_inverse=True)
    training, validation = np.flatnonzero(split == "train"), np.flatnonzero(split == "validation")
    head = Head(choice, x.shape[1], len(classes), seed)
    for batch in batches(training, seed):
        head.fit_batch(x[batch], np.eye(len(classes))[y[batch]])
    return float((head.predict(x[validation]) == y[validation]).mean())


def batches(indices: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Yields the batches of all epochs, in another order each."""
    rng = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = rng.permutation(indices)
        yield from (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def main() -> None:
    """Prints one line for each choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--splits", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bring_weights(Path(folder), options.data)
        os.environ["KERAS_HOME"] = folder
        tables = {name: photos(options.data / "datasets" / name) for name in SETS}
        cases = [(name, backbone, vectors(tables[name], backbone)) for name in SETS for backbone in BACKBONES]
    for choice in CHOICES:
        means = {
            f"{name}/{backbone}": np.mean([accuracy(choice, tables[name], x, seed) for seed in range(options.splits)])
            for name, backbone, x in cases
        }
        print(choice, {name: round(float(mean), 3) for name, mean in means.items()}, flush=True)


if __name__ == "__main__":
    main()
