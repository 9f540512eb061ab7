"""The questions about the new head."""

from dataclasses import replace

import streamlit as st

from core.config import Head
from core.text import N_, _
from core.ui import state
from core.ui.state import Key, Place
from core.ui.words import HEAD

KINDS = {"pool": N_("Average (recommended)"), "flatten": N_("Keep all (flatten)")}
HIDDEN_UNITS = (0, 32, 64, 128, 256, 512, 1024)


def choose(at: Place) -> None:
    """Asks how the head is built; every change is kept at once."""
    head = state.draft(at).head
    words = {name: (_(title), _(meaning)) for name, (title, meaning) in HEAD.items()}
    left, right = st.columns(2, gap="large")
    with left:
        st.radio(
            words["kind"][0],
            list(KINDS),
            index=list(KINDS).index(head.kind),
            format_func=lambda kind: _(KINDS[kind]),
            key=Key.HEAD_KIND,
            help=words["kind"][1],
            on_change=_keep,
            args=(at,),
        )
        st.toggle(
            words["normalize"][0],
            head.normalize,
            key=Key.HEAD_NORMALIZE,
            help=words["normalize"][1],
            disabled=head.kind == "flatten",
            on_change=_keep,
            args=(at,),
        )
    with right:
        st.select_slider(
            words["hidden_units"][0],
            HIDDEN_UNITS,
            min(HIDDEN_UNITS, key=lambda units: abs(units - head.hidden_units)),
            format_func=lambda units: str(units) if units else _("none"),
            key=Key.HEAD_HIDDEN,
            help=words["hidden_units"][1],
            on_change=_keep,
            args=(at,),
        )
        st.slider(
            words["dropout"][0],
            0.0,
            0.8,
            head.dropout,
            0.05,
            key=Key.HEAD_DROPOUT,
            help=words["dropout"][1],
            on_change=_keep,
            args=(at,),
        )


def _keep(at: Place) -> None:
    answers = st.session_state
    head = Head(
        kind=answers[Key.HEAD_KIND],
        normalize=answers[Key.HEAD_NORMALIZE],
        hidden_units=answers[Key.HEAD_HIDDEN],
        dropout=answers[Key.HEAD_DROPOUT],
    )
    state.keep_draft(at, replace(state.draft(at), head=head))
