"""Take it home: the trained model alone, or in a zip with everything needed to use it elsewhere."""

import streamlit as st

from core import metrics, runs
from core.text import _
from core.ui import downloads, navigation, pieces, state

at = state.place()
navigation.heading("take_home", at)
run = pieces.require_model(at)
config = runs.read_config(run)

downloads.facts(run, config, metrics.read_predictions(run.folder))
left, right = st.columns(2, gap="medium")
with left.container(border=True, height="stretch"):
    downloads.package(run)
with right.container(border=True, height="stretch"):
    downloads.model(run)

st.header(_("How to use it"), anchor=False)
downloads.recipe()

navigation.next_button("projects", _("Back to the projects"))
