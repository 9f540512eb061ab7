"""The server: pages, the addresses beside them, the watch over queued runs. `streamlit run app.py` starts it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from core import intake, jobs, probing
from core.ui import upload
from core.ui.pieces import show_bug
from core.ui.routes import ROUTES
from core.workspace import Workspace


@asynccontextmanager
async def lifespan(server: st.App) -> AsyncIterator[None]:
    """Removes what interrupted uploads left behind, follows intakes that went on, and launches queued runs."""
    workspace = Workspace.default()
    upload.sweep(workspace)
    intake.adopt(workspace)
    jobs.watch(workspace)
    probing.watch(workspace.home)
    yield


app = st.App(Path(__file__).parent / "pages" / "main.py", routes=ROUTES, lifespan=lifespan, on_script_error=show_bug)
