"""A drawing of the network: one block for each stage, frozen or learning, and the head at the end."""

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from core.text import _, ngettext

_HERE = Path(__file__).parent
_network = component(
    "headstart_network",
    css=(_HERE / "network.css").read_text(encoding="utf-8"),
    js=(_HERE / "network.js").read_text(encoding="utf-8"),
)


def drawing(*, num_frozen: int, num_stages: int, stage_names: list[str], key: str) -> None:
    """Draws the stages of a backbone and its head; the first `num_frozen` are frozen.

    Args:
        num_frozen: How many stages are wholly frozen.
        num_stages: How many stages the backbone has.
        stage_names: Written below the blocks; empty for a drawing without words.
        key: Of the element.
    """
    names = stage_names or [""] * num_stages
    data: dict[str, Any] = {
        "stages": [{"name": name, "frozen": index < num_frozen} for index, name in enumerate(names)],
        "head": _("head") if stage_names else "",
        "alt": ngettext(
            "Drawing of a network of {stages} stages: {count} frozen, then the new head.",
            "Drawing of a network of {stages} stages: the first {count} frozen, then the new head.",
            num_frozen,
            stages=num_stages,
        ),
    }
    with st.container(key=f"drawing_{key}"):
        _network(data=data, key=key)
