"""The runs of a project: state, accuracy, when; look at one or delete it."""

from datetime import datetime

import streamlit as st
from babel.dates import format_datetime

from core import jobs, runs
from core.backbones import CATALOG
from core.freshness import Changes
from core.runs import Run, RunNotFoundError
from core.text import _, language, percent
from core.ui import freshness, navigation, pieces, state, words
from core.ui.markup import plain
from core.ui.state import Key
from core.workspace import Workspace


def show(workspace: Workspace, own_runs: list[Run], watched: Run | None, changed: dict[str, Changes]) -> None:
    """Lists the runs, the newest first; `changed` says what happened to the pictures since a run began."""
    for run in own_runs:
        with (
            st.container(border=True),
            st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
        ):
            _row(workspace, run, changed.get(run.id), is_watched=watched is not None and watched.id == run.id)


def _row(workspace: Workspace, run: Run, changed: Changes | None, *, is_watched: bool) -> None:
    accuracy = state.accuracy(run)
    when = format_datetime(datetime.fromtimestamp(run.created), "short", locale=language())
    with st.container(width=340):
        st.markdown(f"**{plain(run.name)}**  \n:small[:gray[{plain(when)} · {_backbone(run)}]]")
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        pieces.state_badge(run.state)
        if accuracy is not None:
            right = percent(accuracy, 1)
            told = (
                _("{accuracy} right", accuracy=right) if run.state.is_over else _("{accuracy} so far", accuracy=right)
            )
            st.badge(told, icon=":material/school:", color="blue", help=words.meaning("validation"))
        if changed:
            st.badge(
                _("pictures changed since"), icon=":material/update:", color="yellow", help=freshness.sentence(changed)
            )
        if st.button(_("Shown") if is_watched else _("Show"), key=Key.OPEN_RUN.format(run.id), disabled=is_watched):
            navigation.go("train", run=run.id)
        if pieces.asks(
            " ", Key.DELETE_RUN.format(run.id), icon=":material/delete:", type="tertiary", help=_("Delete this run")
        ):
            _ask_before_deleting(workspace, run)


def _backbone(run: Run) -> str:
    try:
        return CATALOG[runs.read_config(run).backbone].title
    except (FileNotFoundError, RunNotFoundError):
        return _("deleted meanwhile")


def _ask_before_deleting(workspace: Workspace, run: Run) -> None:
    def delete() -> None:
        jobs.delete_run(workspace, run.id)
        st.query_params.pop(state.RUN_PARAMETER, None)

    pieces.confirm(
        _("Delete this run?"),
        _("“{name}” will be stopped if it still runs, and deleted with its model.", name=plain(run.name)),
        _("Delete"),
        delete,
    )
