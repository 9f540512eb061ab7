"""A rail with a mark for each step of the journey: done, here, or still to come."""

from pathlib import Path

from streamlit.components.v2 import component

_HERE = Path(__file__).parent
_rail = component(
    "headstart_rail",
    css=(_HERE / "rail.css").read_text(encoding="utf-8"),
    js=(_HERE / "rail.js").read_text(encoding="utf-8"),
)


def rail(done: list[bool], here: int, *, alt: str) -> None:
    """Draws the rail.

    Args:
        done: For each step whether what it supplies is there.
        here: Index of the present step.
        alt: What the drawing says, for those who cannot see it.
    """
    marks = ["here" if index == here else "done" if one else "open" for index, one in enumerate(done)]
    _rail(data={"marks": marks, "alt": alt}, key="rail", height=12)
