"""The questions about the new head."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.config import Head
from core.text import N_, _
from core.ui import state
from core.ui.state import Key, Place
from core.ui.words import HEAD

KINDS = {"pool": N_("Average (recommended)"), "flatten": N_("Keep all (flatten)")}
KEYS = {
    "kind": Key.HEAD_KIND,
    "normalize": Key.HEAD_NORMALIZE,
    "hidden_units": Key.HEAD_HIDDEN,
    "dropout": Key.HEAD_DROPOUT,
}
HIDDEN_UNITS = (0, 32, 64, 128, 256, 512, 1024)


def choose(at: Place) -> None:
    """Asks how the head is built; every change is kept at once."""
    head = state.draft(at).head
    left, right = st.columns(2, gap="large")
    with left:
        kinds = list(KINDS)
        _ask(at, "kind", st.radio, kinds, kinds.index(head.kind), format_func=lambda kind: _(KINDS[kind]))
        _ask(at, "normalize", st.toggle, head.normalize, disabled=head.kind == "flatten")
    with right:
        nearest = min(HIDDEN_UNITS, key=lambda units: abs(units - head.hidden_units))
        _ask(at, "hidden_units", st.select_slider, HIDDEN_UNITS, nearest, format_func=_shown_units)
        _ask(at, "dropout", st.slider, 0.0, 0.8, head.dropout, 0.05)


def _ask(at: Place, name: str, widget: Callable[..., Any], *positions: Any, **options: Any) -> None:
    title, meaning = HEAD[name]
    widget(_(title), *positions, key=KEYS[name], help=_(meaning), on_change=_keep, args=(at,), **options)


def _shown_units(units: int) -> str:
    return str(units) if units else _("none")


def _keep(at: Place) -> None:
    head = Head(**{name: st.session_state[key] for name, key in KEYS.items()})
    state.keep_draft(at, replace(state.draft(at), head=head))
