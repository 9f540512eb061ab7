"""A plotly chart that is redrawn in place: no blank frame, and zoom and hover stay while new points arrive."""

from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from core.text import _
from core.ui.routes import PLOTLY_URL

HTML = """
<div class="headstart-live-chart" role="img">
  <div></div>
</div>
"""

# Streamlit fades what waits for its next run, and on a machine that is busy training that would be most of the time.
CSS = """
[data-testid="stElementContainer"]:has(.headstart-live-chart) {
  opacity: 1 !important;
  transition: none !important;
}
"""

# Not isolated: plotly puts its own styles into the head of the page, where a shadow root does not see them.
_component = st.components.v2.component(
    "headstart_live_chart",
    html=HTML,
    css=CSS,
    js=(Path(__file__).parent / "live_chart.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def live_chart(figure: go.Figure, *, key: str, height: int = 320, alt: str) -> None:
    """Shows a figure that changes while one looks at it.

    Backgrounds are transparent; text, grid and, where the figure names none, the colours of its traces are those of the
    page's theme. The element tells how many points it shows (`data-points`) and how often it was drawn
    (`data-updates`).

    Args:
        figure: What to show now.
        key: The same key at every run is the same chart on the page.
        height: In pixels; the page does not move when the chart appears.
        alt: What the chart says, for those who cannot see it.
    """
    _component(
        key=key,
        height=height,
        data={
            "script": PLOTLY_URL,
            "figure": figure.to_json(validate=False),
            "height": height,
            "alt": alt,
            "points": num_points(figure),
            "words": {
                "reset": _("Show everything again"),
                "save": _("Save as a picture"),
                "failed": _("The chart could not be drawn. Reload the page to try again."),
            },
        },
    )


def num_points(figure: go.Figure) -> int:
    """Returns how many points the traces of a figure, with `x` or `y`, have together."""
    lengths = ([len(trace[axis]) for axis in ("x", "y") if trace[axis] is not None] for trace in figure.data)
    return sum(max(both, default=0) for both in lengths)
