"""Projects: all there are, each with how it stands; make one, rename, save, delete, bring back."""

import streamlit as st

from core import projects
from core.text import _
from core.ui import housekeeping, moving, navigation, pieces, project_cards, state
from core.ui.state import Key

at = state.place()
navigation.heading("projects", at)
existing = projects.list_projects(at.workspace)

if not existing:
    project_cards.welcome()

with st.container(horizontal=True):
    if pieces.asks(_("New project"), Key.NEW_PROJECT, type="primary", icon=":material/add:"):
        project_cards.ask_for_new(at.workspace)
    if pieces.asks(_("Bring a saved project"), Key.BRING_PROJECT, icon=":material/upload_file:"):
        moving.ask_for_file(at.workspace)
moving.arriving(at.workspace)

if existing:
    st.space("small")
    cards = st.grid(3, min_column_width=280, gap="medium")
    for project in existing:
        with cards.container(border=True, height="stretch"):
            project_cards.card(at.workspace, project, is_open=at.project == project)

st.space("medium")
housekeeping.deleted(at.workspace)
housekeeping.disk(at.workspace)
housekeeping.follow(at.workspace)
