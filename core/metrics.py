"""What the predictions table says about a model: accuracy, confusion, scores per class, worst mistakes.

scikit-learn is imported where it is used: a server on which nobody looks at results does without its 80 MB.
"""

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd

from core.errors import AppError
from core.text import N_

PREDICTIONS_FILE = "predictions.parquet"
MISTAKE_COLUMNS = ["name", "label", "predicted", "confidence", "path"]


class NoResultsYetError(AppError):
    """The run has not got as far as its predictions."""

    sentence = N_(
        "This run has no results yet: they are made when the training ends. "
        "Wait until the run has finished, or choose another run."
    )


def read_predictions(run_folder: Path, split: str = "validation") -> pd.DataFrame:
    """Reads what the model of a run said about the pictures that it did not learn from.

    Args:
        run_folder: The folder of a run.
        split: `validation` or `test`.

    Returns:
        Columns path, name, split, label, predicted, confidence (0 to 1) and probabilities (one list of floats in the
        order of the run's labels); empty where the run had no pictures in that split.

    Raises:
        NoResultsYetError: The run has no predictions.
    """
    path = run_folder / PREDICTIONS_FILE
    if not path.exists():
        raise NoResultsYetError()
    predictions = pd.read_parquet(path)
    return predictions[predictions["split"] == split].reset_index(drop=True)


def accuracy(predictions: pd.DataFrame) -> float:
    """Returns the share of right answers, 0 to 1; NaN without predictions."""
    return float((predictions["label"] == predictions["predicted"]).mean())


def accuracy_interval(predictions: pd.DataFrame, confidence: float = 0.95) -> tuple[float, float]:
    """Returns between which two values the accuracy on new pictures of the same kind probably lies.

    Args:
        predictions: As `read_predictions` returns them.
        confidence: How often such an interval holds the true value, above 0 and below 1.

    Returns:
        Lower and upper end, 0 to 1; (0, 1), which says nothing, without predictions.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953; unlike the textbook interval it stays true for few
        pictures and for an accuracy near 0 or 1.
    """
    total = len(predictions)
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = accuracy(predictions)
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    reach = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def best_guess(predictions: pd.DataFrame) -> tuple[str, float]:
    """Returns the label that is right most often when it is said of every picture, and how often it is, 0 to 1.

    Args:
        predictions: As `read_predictions` returns them, at least one.
    """
    shares = predictions["label"].value_counts(normalize=True)
    return str(shares.index[0]), float(shares.iloc[0])


def is_like_guessing(predictions: pd.DataFrame) -> bool:
    """Whether nothing tells the answers from those of somebody who always names the largest class.

    They are not told apart where that one's share lies within or above the interval of the accuracy. Without
    predictions nothing is known, which is no reason to say so.
    """
    return not predictions.empty and accuracy_interval(predictions)[0] <= best_guess(predictions)[1]


def confusion(predictions: pd.DataFrame, labels: list[str] | tuple[str, ...]) -> pd.DataFrame:
    """Counts how often each class was taken for which.

    Args:
        predictions: Columns label and predicted.
        labels: The classes in the order wanted.

    Returns:
        Square table of ints: rows are the true classes, columns the predicted ones, both in the order of `labels`.
    """
    from sklearn import metrics

    names = list(labels)
    if predictions.empty:
        counts = np.zeros((len(names), len(names)), dtype=int)
    else:
        counts = metrics.confusion_matrix(_texts(predictions["label"]), _texts(predictions["predicted"]), labels=names)
    return pd.DataFrame(counts, index=pd.Index(names, name="label"), columns=pd.Index(names, name="predicted"))


def class_scores(predictions: pd.DataFrame, labels: list[str] | tuple[str, ...]) -> pd.DataFrame:
    """Scores each class on its own.

    Args:
        predictions: Columns label and predicted.
        labels: The classes in the order wanted.

    Returns:
        One row a class, columns label, images, precision (of the pictures given this label, the share that has it),
        recall (of the pictures that have this label, the share that was given it) and f1 (their harmonic mean), 0 to
        1; NaN where there was nothing to divide by, such as the precision of a class that was never predicted.
    """
    from sklearn import metrics

    names = list(labels)
    if predictions.empty:  # scikit-learn refuses to score nothing
        return pd.DataFrame({"label": names, "images": 0, "precision": np.nan, "recall": np.nan, "f1": np.nan})
    precision, recall, f1, images = metrics.precision_recall_fscore_support(
        _texts(predictions["label"]), _texts(predictions["predicted"]), labels=names, average=None, zero_division=np.nan
    )
    return pd.DataFrame({"label": names, "images": images, "precision": precision, "recall": recall, "f1": f1})


def worst_mistakes(predictions: pd.DataFrame, count: int) -> pd.DataFrame:
    """Returns the wrong answers of which the model was most sure, at most `count`, columns `MISTAKE_COLUMNS`."""
    wrong = predictions[predictions["label"] != predictions["predicted"]]
    # The name decides between equals, so that the page shows the same order each time.
    ordered = wrong.sort_values(["confidence", "name"], ascending=[False, True])
    return ordered[MISTAKE_COLUMNS].head(count).reset_index(drop=True)


def _texts(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=object)
