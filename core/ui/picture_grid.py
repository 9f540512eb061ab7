"""A grid of thumbnails, grouped by class, that a click selects; the browser fetches them from our own address."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from core.text import _
from core.ui import large, scripts
from core.ui.large import Picture

HTML = f"""
<div class="picture-grid">
  <button type="button" class="all"></button>
  <div class="groups"></div>
  {large.HTML}
</div>
"""

# Not isolated: it also styles the bar of actions, which stays in sight while the pictures scroll below it.
_component = st.components.v2.component(
    "headstart_picture_grid",
    html=HTML,
    css=scripts.joined("picture_grid.css", "large.css"),
    js=scripts.joined("lasting.js", "large.js", "roving.js", "picture_grid.js"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Group:
    """The pictures of a class that are on this page; `count` says how many the class has, in the reader's language."""

    label: str
    count: str
    pictures: list[Picture]


def picture_grid(groups: Sequence[Group], *, key: str, url: str, selection: int) -> list[int]:
    """Shows pictures and returns the ids of those that are selected, also of those on other pages.

    A click selects or deselects; with the shift key it does so for all from the last clicked one on. The button in a
    picture's corner shows it large. For the keyboard all pictures are one stop: arrows lead from one to the other, the
    space bar selects, Enter shows large.

    Args:
        groups: What is on this page.
        key: Of the element.
        url: Where the thumbnails are, from `routes.thumbnails_url`.
        selection: The number of this selection; with the next number nothing is selected any more.
    """
    known = st.session_state.get(key, {}).get("selection")
    result = _component(
        key=key,
        data={
            "url": url,
            "groups": [asdict(group) for group in groups],
            "selection": selection,
            "selected": _selected(known, selection),
            "words": large.words() | {"all": _("Select all on this page"), "none": _("Deselect all on this page")},
        },
        on_selection_change=lambda: None,
    )
    return _selected(result.get("selection"), selection)


def _selected(told: Any, selection: int) -> list[int]:
    """The ids of what the browser told, unless it told it of an earlier selection."""
    is_current = isinstance(told, dict) and told.get("number") == selection
    return [image_id for image_id in told.get("ids", []) if isinstance(image_id, int)] if is_current else []
