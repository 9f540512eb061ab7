"""Small tables of images for tests, written as letters, and read again as counts."""

import pandas as pd

from core.dataset import class_counts


def table(**splits: str) -> pd.DataFrame:
    """`table(ants="ttv..")`: an image for each letter; a point is in no split, x is in the test."""
    meaning = {"t": "train", "v": "validation", "x": "test", ".": None}
    rows = [(label, meaning[letter]) for label, letters in splits.items() for letter in letters]
    return pd.DataFrame(rows, columns=["label", "split"])


def counts(split: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    return {row.label: (row.train, row.validation, row.test) for row in class_counts(split).itertuples()}
