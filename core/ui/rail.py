"""A rail with a mark and a name for each step of the journey; a click leads there."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from streamlit.components.v2 import component

from core.text import _

HEIGHT = 56  # pixels for marks and names, kept free so that the page does not move when they appear

_HERE = Path(__file__).parent
_rail = component(
    "headstart_rail",
    css=(_HERE / "rail.css").read_text(encoding="utf-8"),
    js=(_HERE / "rail.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Mark:
    """One step: `name` for the program, `title` for people, `says` how it stands in words."""

    name: str
    title: str
    kind: Literal["here", "done", "next", "open", "later"]
    says: str


def rail(marks: list[Mark], *, alt: str) -> str | None:
    """Draws the rail.

    Args:
        marks: One for each step.
        alt: What the rail is, for those who cannot see it.

    Returns:
        The name of the step that was clicked just now, else None.
    """
    result = _rail(
        data={"marks": [asdict(mark) for mark in marks], "alt": alt, "skip": _("Skip to main content")},
        key="rail",
        height=HEIGHT,
        on_go_change=lambda: None,
    )
    return next((mark.name for mark in marks if mark.name == result.get("go") and mark.kind != "later"), None)
