"""Try it: drop pictures or use the camera, and see how sure the network is of each class."""

import streamlit as st

from core import runs
from core.text import _
from core.ui import navigation, pieces, state, trial
from core.ui.state import Key

at = state.place()
navigation.heading("try_it", at)
run = pieces.require_model(at)
labels = runs.read_config(run).labels
trial.who_answers(run)

source = st.segmented_control(
    _("Where from?"),
    list(trial.SOURCES),
    format_func=lambda name: _(trial.SOURCES[name]),
    default="files",
    required=True,
    key=Key.TRY_SOURCE,
    label_visibility="collapsed",
)
pictures = trial.ask(source or "files")
if pictures:
    trial.answer(run, labels, pictures)

pieces.explain("probability", "label")
navigation.next_button("take_home", _("Next: take it home"), run=run.id)
