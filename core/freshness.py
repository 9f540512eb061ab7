"""Freshness: whether a project's images are still those that a run was made with."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from core.runs import Run


@dataclass(frozen=True)
class Changes:
    """How a project's images differ from those that a run was made with.

    Attributes:
        added: Images that the run does not know, whether they were taken in or brought back.
        moved: Images that have another label now, those of a renamed class not counted.
        removed: Images that the project no longer has, or that were set aside.
        renamed: Classes that have another name and otherwise the same images.
    """

    added: int = 0
    moved: int = 0
    removed: int = 0
    renamed: int = 0


def changes_since(run: Run, table: pd.DataFrame) -> Changes:
    """Compares the images that a run was made with to those of its project now.

    Args:
        run: Any run, over or not.
        table: The project's images; columns path and label.

    Raises:
        FileNotFoundError: The run's folder is gone.
    """
    known, both = _then_and_now(run, table)
    renamed = _renamed(both)
    moved = both[(both["label_then"] != both["label_now"]) & ~both["label_then"].isin(list(renamed))]
    return Changes(len(table) - len(both), len(moved), len(known) - len(both), len(renamed))


def renamed_since(run: Run, table: pd.DataFrame) -> dict[str, str]:
    """Returns what the classes that were renamed since a run began are called now, by the name that it knows.

    Args:
        run: Any run, over or not.
        table: The project's images; columns path and label.

    Raises:
        FileNotFoundError: The run's folder is gone.
    """
    return _renamed(_then_and_now(run, table)[1])


def as_now(told: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Says which pictures that a run was checked with are still in use in its project, and in which class.

    Args:
        told: Of the run; column path, which no two contents ever share.
        table: The project's images; columns path, id and label.

    Returns:
        The rows of `told` in their order, with columns id and label_now, missing where a picture is not in use.
    """
    now = table[["path", "id", "label"]].rename(columns={"label": "label_now"}).astype({"id": "Int64"})
    return told.merge(now, on="path", how="left")


def fingerprint(table: pd.DataFrame) -> int:
    """Tells apart which images there are and which class each is of, in whatever order.

    Args:
        table: Columns path and label.
    """
    return int(pd.util.hash_pandas_object(table[["path", "label"]].astype(object), index=False).sum())


def is_fresh(run: Run, now: int) -> bool:
    """Says whether nothing at all changed since a run began; one whose folder is gone is not fresh.

    Args:
        run: Any run, over or not.
        now: The fingerprint of its project's images.
    """
    try:
        return _learned_from(run.folder / "images.parquet") == now
    except FileNotFoundError:
        return False


@lru_cache(maxsize=1024)
def _learned_from(images: Path) -> int:
    """Returns the fingerprint of a run's own table, which never changes."""
    return fingerprint(pd.read_parquet(images, columns=["path", "label"]))


def _then_and_now(run: Run, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the images of a run, and those that are still there, with columns label_then and label_now."""
    known = pd.read_parquet(run.folder / "images.parquet", columns=["path", "label"])
    return known, known.merge(table[["path", "label"]], on="path", suffixes=("_then", "_now"))


def _renamed(both: pd.DataFrame) -> dict[str, str]:
    """Which labels of before, as one, have become a label that was not there before and holds nothing else."""
    pairs = both[["label_then", "label_now"]].drop_duplicates()
    alone = ~(pairs["label_then"].duplicated(keep=False) | pairs["label_now"].duplicated(keep=False))
    new = ~pairs["label_now"].isin(pairs["label_then"])
    return dict(pairs.loc[alone & new, ["label_then", "label_now"]].itertuples(index=False))
