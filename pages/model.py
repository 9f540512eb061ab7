"""Model: the backbone, how much of it stays frozen, the head, and the table of all layers."""

import streamlit as st

from core.text import _
from core.ui import backbone_cards, freezing, heads, navigation, pieces, state, words

at = state.place()
navigation.heading("model", at)
table = pieces.require_images(at)

st.header(_("Backbone"), anchor=False, help=words.meaning("backbone"))
backbone_cards.choose(at)
backbone_cards.start(at)
backbone_cards.weights(state.draft(at).row, state.draft(at).start)
pieces.explain("backbone", "imagenet", "freezing", "head", "dropout", "layer", "parameter", "epoch")


@st.fragment
def network() -> None:
    """The part that moves with the slider, redrawn alone so that it keeps up with the hand."""
    st.header(_("What stays frozen"), anchor=False, help=words.meaning("freezing"))
    freezing.choose(at, table)
    st.header(_("Head"), anchor=False, help=words.meaning("head"))
    heads.choose(at)
    freezing.layers(state.draft(at), table["label"].nunique())


network()
navigation.next_button("train", _("Next: train it"), on_click=lambda: state.agree_to_draft(at))
