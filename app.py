"""The server: pages, the addresses beside them, the watch over queued runs. `streamlit run app.py` starts it."""

import gc
import os
import pkgutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

import core.ui
from core import connections, holding, housekeeping, intake, jobs, probing
from core.errors import AppError
from core.saved import moves
from core.ui import sharing, upload, way_back
from core.ui.pieces import show_bug
from core.ui.routes import ROUTES
from core.workspace import Workspace


@asynccontextmanager
async def lifespan(server: st.App) -> AsyncIterator[None]:
    """Asks who may reach it, holds the workspace and keeps it tidy, goes on with what went on, launches queued runs."""
    load_pages()
    workspace = Workspace.default()
    _or_end(sharing.check)
    _or_end(partial(holding.hold, workspace.home))
    housekeeping.watch(workspace, upload.sweep)
    intake.adopt(workspace)
    moves.adopt(workspace)
    jobs.watch(workspace)
    probing.watch(workspace.home)
    yield
    connections.close_all()
    holding.release(workspace.home)


def load_pages() -> None:
    """Loads what the pages need, and leaves it out when garbage is looked for.

    Streamlit looks for garbage after every run of a script. Through all that the libraries hold it takes a tenth of a
    second, in which no page goes on.
    """
    for module in pkgutil.iter_modules(core.ui.__path__, f"{core.ui.__name__}."):
        import_module(module.name)
    gc.collect()
    gc.freeze()


def _or_end(check: Callable[[], None]) -> None:
    """Ends the server with one sentence where a check finds something against it."""
    try:
        check()
    except AppError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)  # nothing has begun; an exception would only bury the sentence


app = st.App(
    Path(__file__).parent / "pages" / "main.py",
    routes=ROUTES,
    middleware=[*sharing.MIDDLEWARE, *way_back.MIDDLEWARE],
    lifespan=lifespan,
    on_script_error=show_bug,
)
