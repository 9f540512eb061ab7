"""What the trained model says about every validation and test image."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from core.config import RunConfig
from core.ml import pipeline


def predict_images(model: keras.Model, config: RunConfig, rows: pd.DataFrame, home: Path) -> np.ndarray:
    """Returns probabilities (images, num_classes), float32, one row an image in the order of `rows`."""
    batches = pipeline.evaluation_batches(rows, config, home)
    return model.predict(batches, verbose=0)


def write_predictions(model: keras.Model, config: RunConfig, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Writes `predictions.parquet` for all images that the network did not learn from.

    Returns:
        What was written: path, name, split, label, predicted, confidence (0 to 1), and probabilities as a list in
        the order of `config.labels`.
    """
    rows = table[table["split"] != "train"].reset_index(drop=True)
    probabilities = predict_images(model, config, rows, folder.parent.parent)
    predictions = rows[["path", "name", "split", "label"]].assign(
        predicted=[config.labels[index] for index in probabilities.argmax(axis=1)],
        confidence=probabilities.max(axis=1).astype(float),
        probabilities=[row.astype(float).tolist() for row in probabilities],
    )
    beside = folder / "writing.parquet"
    predictions.to_parquet(beside, index=False)
    beside.replace(folder / "predictions.parquet")
    return predictions
