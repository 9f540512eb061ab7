"""A server with nothing on its page but our components; `test_components.py` starts it."""

from pathlib import Path

import streamlit as st

from core.ui.routes import ROUTES

app = st.App(Path(__file__).parent / "components_page.py", routes=ROUTES)
