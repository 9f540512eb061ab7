"""Elsewhere: what an address shows that names no page of Headstart."""

import streamlit as st

from core.text import _
from core.ui import navigation, pieces
from core.ui.markup import plain

st.title(_("No such page"), anchor=False)
name = plain(navigation.unknown_page())
pieces.missing(_("Headstart has no page “{name}”.", name=name), "projects", _("To the projects"))
