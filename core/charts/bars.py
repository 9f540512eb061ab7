"""Bars: the answer to one picture, and the pictures of each class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.look import BLUE, GREEN, GREY, VERMILION, as_text, class_axis, layout, with_opacity
from core.text import _, percent

NUM_PROBABILITIES = 5
FAINT = 0.45
MOST_MARKS = 10


def probabilities(labels: Sequence[str], values: Sequence[float] | np.ndarray) -> go.Figure:
    """Draws what the model says about one picture: its most likely classes, at most five, the likeliest on top.

    Args:
        labels: The classes, in the order of the model's outputs.
        values: A probability for each, 0 to 1.
    """
    shares = np.asarray(values, dtype=float)
    order = np.argsort(-shares, kind="stable")[:NUM_PROBABILITIES]
    names = [str(labels[index]) for index in order]
    colours = [BLUE, *[with_opacity(BLUE, FAINT)] * (len(order) - 1)]
    bars = go.Bar(
        x=100 * shares[order],
        y=list(range(len(order))),
        orientation="h",
        marker={"color": colours},
        text=[percent(shares[index], 1) for index in order],
        textposition="outside",
        cliponaxis=False,
        customdata=[as_text(name) for name in names],
        hovertemplate="%{customdata}: %{text}<extra></extra>",
    )
    figure = go.Figure(bars, layout=layout(dragmode=False, height=30 + 38 * len(order), bargap=0.3))
    figure.update_layout(margin={"t": 10, "b": 10})
    figure.update_xaxes(range=[0, 118], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", **class_axis(names))
    return figure


def class_counts(counts: pd.DataFrame) -> go.Figure:
    """Draws how many pictures each class has, and what they are for.

    Args:
        counts: Columns label, images, train, validation and test; `images` also counts those not divided yet.
    """
    labels = [str(label) for label in counts["label"]]
    # Without validation images of its own a class still gives some of its training images when the training starts.
    training = counts["train"].where(counts["validation"] > 0, 0)
    undivided = counts["images"] - training - counts["validation"] - counts["test"]
    parts = [
        (_("Training"), BLUE, training),
        (_("Validation"), VERMILION, counts["validation"]),
        (_("Test"), GREEN, counts["test"]),
        (_("Headstart picks"), GREY, undivided),
    ]
    parts = [part for part in parts if part[2].sum()]
    figure = go.Figure(layout=layout(dragmode=False, barmode="stack", height=110 + 28 * len(labels), bargap=0.3))
    for name, colour, values in parts:
        figure.add_trace(_count_bars(name, colour, values, labels))
    if len(parts) < 2:  # of one colour there is nothing to tell apart
        figure.update_layout(showlegend=False, margin={"t": 10}, height=figure.layout.height - 30)
    # Plotly would mark half pictures where there are few.
    step = 1 if counts["images"].max() <= MOST_MARKS else None
    figure.update_xaxes(title_text=_("Pictures"), rangemode="tozero", fixedrange=True, dtick=step)
    figure.update_yaxes(autorange="reversed", **class_axis(labels))
    return figure


def _count_bars(name: str, colour: str, values: pd.Series, labels: list[str]) -> go.Bar:
    return go.Bar(
        x=values.astype(int),
        y=list(range(len(labels))),
        orientation="h",
        name=name,
        marker={"color": colour},
        showlegend=True,
        customdata=[as_text(label) for label in labels],
        hovertemplate="%{customdata}<br>" + name + ": %{x:,d}<extra></extra>",
    )
