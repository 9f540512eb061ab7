"""The split: which images are learned from, checked with and tested with, near duplicates always on one side."""

import zlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from core.layout import TEST, TRAIN, VALIDATION


def split_images(table: pd.DataFrame, validation_share: float, seed: int, *, test_share: float = 0.0) -> pd.DataFrame:
    """Decides for every image whether it is learned from, checked with or kept for the test.

    Images with a split of their own keep it, and near duplicates of theirs without one join them. A class with
    validation images of its own gets no others; from all other classes the share is drawn at random, at least one
    image and never all of them: from the images that are in no split, or else from those of the training. Near
    duplicates are drawn together, also across classes. Only a class that has no group to spare is divided within a
    group, since it could not be checked otherwise; a test part is never drawn from it.

    Args:
        table: Columns label and split, which may be missing, and optionally similar, the group of near duplicates.
        validation_share: Between 0 and 1, of the images that are not tested with.
        seed: The same seed, the same split; without groups a class's draw does not depend on the other classes.
        test_share: Between 0 and 1, for classes without test images of their own.

    Returns:
        A copy of the table in which every split is train, validation or test.

    Source: grouped and stratified as in scikit-learn's StratifiedGroupKFold, drawn once instead of in folds.
    """
    draw = _Draw(table, seed)
    if test_share > 0:
        draw.part(TEST, test_share)
    draw.part(VALIDATION, validation_share)
    draw.split[draw.split == ""] = TRAIN
    return table.assign(split=draw.split.astype(str))


def split_both_ways(
    table: pd.DataFrame, validation_share: float, seed: int, *, test_share: float = 0.0
) -> pd.DataFrame:
    """Splits like `split_images` and adds the column random_split: what a split blind to near duplicates says."""
    blind = split_images(table.drop(columns="similar"), validation_share, seed, test_share=test_share)
    made = split_images(table, validation_share, seed, test_share=test_share)
    return made.assign(random_split=blind["split"])


def comes_with(table: pd.DataFrame, part: str) -> bool:
    """Whether every class has images that are in a part already, so that none are drawn for it.

    Args:
        table: Columns label and split, which may be missing.
        part: train, validation or test.
    """
    return not table.empty and bool((table["split"] == part).groupby(table["label"]).any().all())


def leaks(table: pd.DataFrame) -> int:
    """Counts the validation and test images that have a near duplicate among those learned from.

    Args:
        table: Columns similar and split, as `split_images` returns them.
    """
    learned = table.loc[table["split"] == TRAIN, "similar"].dropna()
    return int((table["split"].isin([VALIDATION, TEST]) & table["similar"].isin(learned)).sum())


class _Draw:
    """A split in the making: one array of sides, and which rows go together."""

    def __init__(self, table: pd.DataFrame, seed: int) -> None:
        self.seed = seed
        self.labels = table["label"].to_numpy(dtype=object)
        self.split = np.array(table["split"].astype(object).where(table["split"].notna(), ""), dtype=object)
        self.group = _groups(table)
        self.rows_of: dict[str, np.ndarray] = table.reset_index(drop=True).groupby("label", sort=True).indices
        self.members = _members(self.group)
        self._join_fixed()

    def _join_fixed(self) -> None:
        """Puts images without a split where a near duplicate of theirs has one, unless their class then lacked some."""
        before = self.split.copy()
        for rows in [rows for rows in self.members if len(rows) > 1]:
            own = [side for side in (TEST, VALIDATION, TRAIN) if side in self.split[rows]]
            if own:
                self.split[rows[self.split[rows] == ""]] = own[0]
        for label in set(self.labels[self.split != before]):
            rows = self.rows_of[label]
            num_learned = int(np.isin(self.split[rows], ["", TRAIN]).sum())
            if num_learned < (1 if self._has(label, VALIDATION) else 2):
                self.split[rows] = before[rows]

    def part(self, side: str, share: float) -> None:
        """Draws one part from every class that has none of its own."""
        keep = 2 if side == TEST else 1
        pools = dict(self._pools(side))
        movable = np.zeros(len(self.split), dtype=bool)
        for pool in pools.values():
            movable[pool] = True
        whole = np.bincount(self.group, weights=~movable) == 0
        left = self._groups_left()
        for label, pool in pools.items():
            need = self._need(label, side, share, keep)
            order = self._shuffled(pool, label, side)
            self._take(
                label, side, need, [group for group in dict.fromkeys(self.group[order].tolist()) if whole[group]], left
            )
            if side == VALIDATION and not self._has(label, side):
                self.split[order[self.split[order] != side][: max(0, need)]] = side

    def _pools(self, side: str) -> Iterator[tuple[str, np.ndarray]]:
        """Yields for each class without images on this side the rows that may go there."""
        for label, rows in self.rows_of.items():
            if not self._has(label, side):
                free = rows[self.split[rows] == ""]
                yield label, free if len(free) else rows[self.split[rows] == TRAIN]

    def _need(self, label: str, side: str, share: float, keep: int) -> int:
        """How many images a class still lacks on a side; `keep` of them at least stay in training."""
        split = self.split[self.rows_of[label]]
        rest = np.isin(split, ["", TRAIN, side])
        there = int((split == side).sum())
        return min(max(1, round(share * int(rest.sum()))), int(rest.sum()) - keep) - there

    def _has(self, label: str, side: str) -> bool:
        return bool((self.split[self.rows_of[label]] == side).any())

    def _groups_left(self) -> Counter[str]:
        """How many groups each class has to learn from, those in no split counted."""
        learned = np.isin(self.split, ["", TRAIN])
        pairs = set(zip(self.labels[learned], self.group[learned], strict=True))
        return Counter(label for label, _group in pairs)

    def _shuffled(self, pool: np.ndarray, label: str, side: str) -> np.ndarray:
        seed = [self.seed, zlib.crc32(label.encode())] + ([1] if side == TEST else [])
        return np.random.default_rng(seed).permutation(pool)

    def _take(self, label: str, side: str, need: int, groups: list[int], left: Counter[str]) -> None:
        """Moves whole groups until the class has what it needs: those that fit, or else the smallest one."""
        sizes = Counter(self.group[self.rows_of[label]].tolist())
        for group in groups:
            if sizes[group] <= need and self._move(group, side, left):
                need -= sizes[group]
        if not self._has(label, side) and need > 0:
            # Every group is larger than the share: the smallest that may go is nearest to it.
            any(self._move(group, side, left) for group in sorted(groups, key=lambda group: sizes[group]))

    def _move(self, group: int, side: str, left: Counter[str]) -> bool:
        """Moves a group unless it is there or a class of its could then no longer be learned; says whether it did."""
        rows = self.members[group]
        labels = set(self.labels[rows])
        keep = 2 if side == TEST else 1
        if self.split[rows[0]] == side or any(left[label] <= keep for label in labels):
            return False
        self.split[rows] = side
        left.subtract(labels)
        return True


def _groups(table: pd.DataFrame) -> np.ndarray:
    """Numbers the groups of near duplicates from 0, int64 (images,); an image that has none is a group of its own."""
    alone = -1 - np.arange(len(table))
    if "similar" in table:
        similar = table["similar"].astype("Int64")
        alone = np.where(similar.isna(), alone, similar.fillna(0).astype("int64"))
    return np.unique(alone, return_inverse=True)[1]


def _members(group: np.ndarray) -> list[np.ndarray]:
    """Returns the rows of each group."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.cumsum(np.bincount(group))[:-1]) if len(group) else []
