"""Which classes were taken for which."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.look import (
    BLUE,
    GREY,
    MANY_CLASSES,
    VERMILION,
    as_text,
    class_axis,
    layout,
    percent_sign,
    with_opacity,
)
from core.text import _, number, percent

FEW_CLASSES = 8
# No stronger than this, so that the theme's own text stays readable on a filled cell in light and in dark.
WEAKEST_CELL, STRONGEST_CELL = 0.2, 0.7


def confusion(matrix: pd.DataFrame) -> go.Figure:
    """Draws which classes were taken for which.

    Args:
        matrix: Square table of counts, rows are the true classes, columns the predicted ones.

    Returns:
        Right answers in blue, wrong ones in vermilion, the stronger the larger their share of the true class.
    """
    labels = [str(label) for label in matrix.index]
    counts = matrix.to_numpy(dtype=int)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(counts == 0, np.nan, counts / np.maximum(totals, 1))
    right = np.eye(len(labels), dtype=bool)
    figure = go.Figure(layout=layout(dragmode=False, height=_matrix_height(len(labels)), showlegend=False))
    figure.update_layout(plot_bgcolor=with_opacity(GREY, 0.1), margin_t=10)
    details = _cell_details(labels, counts, totals)
    figure.add_trace(_cells(np.where(right, shares, np.nan), details, BLUE))
    figure.add_trace(_cells(np.where(right, np.nan, shares), details, VERMILION))
    if len(labels) <= MANY_CLASSES:
        figure.add_trace(_cell_texts(counts, shares))
    axis = class_axis(labels)
    figure.update_xaxes(title_text=_("What the model said"), tickangle=_tick_angle(labels), **axis)
    figure.update_yaxes(title_text=_("What the picture shows"), autorange="reversed", **axis)
    return figure


def _matrix_height(num_classes: int) -> int:
    cell = 48 if num_classes <= FEW_CLASSES else 30 if num_classes <= MANY_CLASSES else 16
    return max(300, 140 + cell * num_classes)


def _cells(shares: np.ndarray, details: np.ndarray, colour: str) -> go.Heatmap:
    shown = _(
        "Shows {label}, said {predicted}: {count} of {total} pictures, {share}",
        label="%{customdata[0]}",
        predicted="%{customdata[1]}",
        count="%{customdata[2]}",
        total="%{customdata[3]}",
        share="%{z:.0f}" + percent_sign(),
    )
    return go.Heatmap(
        z=100 * shares,
        zmin=0,
        zmax=100,
        colorscale=[[0, with_opacity(colour, WEAKEST_CELL)], [1, with_opacity(colour, STRONGEST_CELL)]],
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=details,
        hoverongaps=False,
        hovertemplate=shown + "<extra></extra>",
    )


def _cell_details(labels: list[str], counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """What hovering tells of each cell: (classes, classes, 4) of true label, predicted label, count and total."""
    names = np.array([as_text(label) for label in labels], dtype=object)
    true, predicted = np.meshgrid(names, names, indexing="ij")
    return np.stack([true, predicted, counts, np.broadcast_to(totals, counts.shape)], axis=-1)


def _cell_texts(counts: np.ndarray, shares: np.ndarray) -> go.Scatter:
    # A scatter, not the heatmap's own text: that one picks its colour for a white page, this one takes the theme's.
    rows, columns = np.indices(counts.shape)
    with_shares = len(counts) <= FEW_CLASSES
    texts = [
        _cell_text(int(count), float(share), with_shares=with_shares)
        for count, share in zip(counts.flat, shares.flat, strict=True)
    ]
    return go.Scatter(x=columns.flatten(), y=rows.flatten(), text=texts, mode="text", hoverinfo="skip")


def _cell_text(count: int, share: float, *, with_shares: bool) -> str:
    if not with_shares:
        return number(count) if count else ""
    return f"{number(count)}<br>{percent(share)}" if count else "0"


def _tick_angle(labels: list[str]) -> int:
    """Lets the labels below a narrow chart lie flat, lean or hang; plotly by itself would leave some out."""
    if sum(map(len, labels)) <= 32:
        return 0
    return -45 if len(labels) <= MANY_CLASSES else -90
