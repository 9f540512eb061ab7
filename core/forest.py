"""Groups of near duplicates, which grow as pairs are joined."""

import numpy as np

LARGEST_GROUP = 200  # pictures


class Forest:
    """Groups that grow as pairs are joined, each with its first picture standing for it."""

    def __init__(self, count: int):
        self.parents = list(range(count))
        self.sizes = [1] * count

    def root(self, picture: int) -> int:
        """Returns which picture stands for the group of this one."""
        parents = self.parents
        while parents[picture] != picture:
            parents[picture] = picture = parents[parents[picture]]
        return picture

    def join(self, first: np.ndarray, second: np.ndarray) -> None:
        """Makes the groups of each pair one, in this order, unless it became too large."""
        for pair in zip(first.tolist(), second.tolist(), strict=True):
            one, other = sorted(map(self.root, pair))
            if one != other and self.sizes[one] + self.sizes[other] <= LARGEST_GROUP:
                self.parents[other] = one
                self.sizes[one] += self.sizes[other]

    def numbers(self) -> np.ndarray:
        """Returns the number of each picture's group, int64 (pictures,), -1 where it is alone."""
        roots = np.array([self.root(picture) for picture in range(len(self.parents))], dtype=np.int64)
        several = np.array(self.sizes, dtype=np.int64)[roots] > 1
        numbers = np.full(len(roots), -1, dtype=np.int64)
        numbers[several] = np.unique(roots[several], return_inverse=True)[1]
        return numbers
