"""The server: pages, the addresses beside them, the watch over queued runs. `streamlit run app.py` starts it."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from core import holding, housekeeping, intake, jobs, moves, probing
from core.holding import HeldError
from core.ui import upload
from core.ui.pieces import show_bug
from core.ui.routes import ROUTES
from core.workspace import Workspace


@asynccontextmanager
async def lifespan(server: st.App) -> AsyncIterator[None]:
    """Holds the workspace, keeps it tidy, follows intakes that went on, and launches queued runs."""
    workspace = Workspace.default()
    _hold(workspace)
    housekeeping.watch(workspace, upload.sweep)
    intake.adopt(workspace)
    moves.adopt(workspace)
    jobs.watch(workspace)
    probing.watch(workspace.home)
    yield
    holding.release(workspace.home)


def _hold(workspace: Workspace) -> None:
    try:
        holding.hold(workspace.home)
    except HeldError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)  # nothing has begun; an exception would only bury the sentence


app = st.App(Path(__file__).parent / "pages" / "main.py", routes=ROUTES, lifespan=lifespan, on_script_error=show_bug)
