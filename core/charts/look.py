"""How all charts look: the palette, the frame, and labels as text.

Backgrounds are transparent, and text, axes and grid have no colour of their own: whoever shows a figure gives it those
of the page's theme. The palette keeps a contrast of 3:1 against a white and against a near-black page.
"""

import html
from collections.abc import Sequence
from typing import Any

from core.text import number, percent

# Told apart with the usual colour vision deficiencies too; the hues of Okabe and Ito 2008
# (https://jfly.uni-koeln.de/color/), their lightness evened out for light and dark pages.
BLUE = "#2179BF"
VERMILION = "#D55E00"
GREEN = "#00916A"
GREY = "#808890"

MAX_LABEL_LENGTH = 18
MANY_CLASSES = 20


def layout(**settings: Any) -> dict[str, Any]:
    """What all charts share: no colours of their own, the legend on top, numbers written the reader's way."""
    example = number(12345.5, 1)
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "separators": example[-2] + example[2],
        "margin": {"l": 10, "r": 10, "t": 40, "b": 10},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        "xaxis": {"automargin": True, "title": {"standoff": 10}},
        "yaxis": {"automargin": True, "title": {"standoff": 10}},
        **settings,
    }


def percent_sign() -> str:
    """The sign that follows a percentage, with a space before it where the reader's language wants one."""
    return percent(0.05).removeprefix("5")


def with_opacity(colour: str, opacity: float) -> str:
    """A `#RRGGBB` colour that lets the page through; `opacity` is 0 to 1."""
    red, green, blue = bytes.fromhex(colour[1:])
    return f"rgba({red},{green},{blue},{opacity})"


def class_axis(labels: Sequence[str]) -> dict[str, Any]:
    """Positions 0, 1, 2 … with the labels as tick texts: labels such as “7” would otherwise be taken for numbers."""
    size = 10 if len(labels) > MANY_CLASSES else 12
    return {
        "ticks": "",
        "ticklabelstandoff": 5,
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": [as_text(_shortened(label)) for label in labels],
        "tickfont": {"size": size},
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def _shortened(label: str) -> str:
    return label if len(label) <= MAX_LABEL_LENGTH else label[: MAX_LABEL_LENGTH - 1] + "…"


def as_text(label: str) -> str:
    """Keeps plotly from reading a class called `<b>` as markup."""
    return html.escape(label, quote=False)
