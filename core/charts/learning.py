"""How a run learns: loss and accuracy over the epochs."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from core.charts.look import BLUE, GREEN, GREY, VERMILION, layout, percent_sign, with_opacity
from core.events import PhaseBegun
from core.text import _

FAINT = 0.45

Metric = Literal["loss", "accuracy"]


def history(
    epochs: pd.DataFrame, progress: pd.DataFrame, metric: Metric, *, phases: Sequence[PhaseBegun] = ()
) -> go.Figure:
    """Draws how a run learns.

    Args:
        epochs: Columns epoch, phase, loss, accuracy, val_loss, val_accuracy and best; accuracies are 0 to 1.
        progress: Columns position (in epochs), loss and accuracy: the running means within epochs.
        metric: Which of the two to draw.
        phases: The phases that have begun, so that the line where fine-tuning begins need not wait for the end of the
            first such epoch.

    Returns:
        Epochs to the right; loss, or accuracy in per cent, upwards. Always the same four lines in the same order, so
        that an update in place keeps zoom and hidden lines.
    """
    best = epochs[epochs["best"].astype(bool)].tail(1)
    figure = go.Figure(layout=layout(uirevision="history", hovermode="closest"))
    figure.add_trace(_within_epochs(progress, metric))
    figure.add_trace(_epoch_line(epochs, metric, metric, _("Training"), BLUE, "circle"))
    figure.add_trace(_epoch_line(epochs, f"val_{metric}", metric, _("Validation"), VERMILION, "diamond"))
    figure.add_trace(_best_epoch(best, metric))
    last = max(epochs["epoch"].max() if len(epochs) else 0, progress["position"].max() if len(progress) else 0)
    figure.update_xaxes(title_text=_("Epoch"), rangemode="tozero", zeroline=False, dtick=1 if last <= 10 else None)
    figure.update_yaxes(**_metric_axis(metric))
    if last < 1:  # plotly would show what lies before the first epoch too
        figure.update_xaxes(range=[0, 1])
    for start in _fine_tuning_starts(epochs, phases):
        _mark_fine_tuning(figure, start, metric, to_the_right=start < last / 2)
    return figure


def _metric_axis(metric: Metric) -> dict[str, Any]:
    if metric == "accuracy":
        title = _("Accuracy (higher is better)")
        return {"title_text": title, "range": [0, 100], "ticksuffix": percent_sign(), "zeroline": False}
    return {"title_text": _("Loss (lower is better)"), "rangemode": "tozero", "zeroline": False}


def _values(table: pd.DataFrame, column: str, metric: Metric) -> pd.Series:
    return table[column].astype(float) * (100 if metric == "accuracy" else 1)


def _shown_value(metric: Metric) -> str:
    return "%{y:.1f}" + percent_sign() if metric == "accuracy" else "%{y:.3f}"


def _epoch_line(epochs: pd.DataFrame, column: str, metric: Metric, name: str, colour: str, symbol: str) -> go.Scatter:
    shown = _("{name}: {value} after epoch {epoch}", name=name, value=_shown_value(metric), epoch="%{x}")
    return go.Scatter(
        x=epochs["epoch"].astype(int),
        y=_values(epochs, column, metric),
        name=name,
        legendgroup=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "symbol": symbol, "size": 7 if len(epochs) <= 40 else 4},
        cliponaxis=False,
        hovertemplate=shown + "<extra></extra>",
    )


def _within_epochs(progress: pd.DataFrame, metric: Metric) -> go.Scatter:
    shown = _("Training: {value} after {epochs} epochs", value=_shown_value(metric), epochs="%{x:.1f}")
    return go.Scatter(
        x=progress["position"].astype(float),
        y=_values(progress, metric, metric),
        legendgroup=_("Training"),
        showlegend=False,
        mode="lines",
        line={"color": with_opacity(BLUE, FAINT), "width": 1.5},
        hovertemplate=shown + "<extra></extra>",
    )


def _best_epoch(best: pd.DataFrame, metric: Metric) -> go.Scatter:
    value = _shown_value(metric)
    shown = _("Epoch {epoch}, the one that is kept, with {value} in validation", epoch="%{x}", value=value)
    return go.Scatter(
        x=best["epoch"].astype(int),
        y=_values(best, f"val_{metric}", metric),
        name=_("Kept epoch"),
        mode="markers",
        marker={"color": GREEN, "symbol": "circle-open", "size": 16, "line": {"width": 3}},
        cliponaxis=False,
        hovertemplate=shown + "<extra></extra>",
    )


def _fine_tuning_starts(epochs: pd.DataFrame, phases: Sequence[PhaseBegun]) -> list[float]:
    """Positions in epochs where every phase but the first begins, which is where the epoch before it ended."""
    first_epochs = {phase.phase: phase.first_epoch for phase in phases}
    if not first_epochs:
        first_epochs = epochs.groupby("phase")["epoch"].min().to_dict()
    return sorted(float(epoch) - 1 for epoch in first_epochs.values())[1:]


def _mark_fine_tuning(figure: go.Figure, start: float, metric: Metric, *, to_the_right: bool) -> None:
    # Learning curves leave the lower edge free when they rise and the upper one when they fall.
    height = 0 if metric == "accuracy" else 1
    figure.add_vline(x=start, line={"color": GREY, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=start,
        y=height,
        yref="paper",
        text=_("fine-tuning begins"),
        showarrow=False,
        xanchor="left" if to_the_right else "right",
        yanchor="top" if height else "bottom",
    )
