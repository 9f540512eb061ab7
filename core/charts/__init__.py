"""Charts: tables in, plotly figures out. Nothing here knows of a page."""

from core.charts.bars import class_counts, probabilities
from core.charts.learning import Metric, history
from core.charts.matrix import confusion

__all__ = ["Metric", "class_counts", "confusion", "history", "probabilities"]
