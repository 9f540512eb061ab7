"""The runs of a project: state, accuracy, when; look at one or delete it."""

from collections.abc import Mapping
from datetime import datetime

import streamlit as st
from babel.dates import format_datetime

from core import jobs, line, runs
from core.backbones import CATALOG
from core.freshness import Changes
from core.runs import Run, RunNotFoundError
from core.text import _, language, ngettext, percent
from core.ui import freshness, navigation, pieces, state, words
from core.ui.markup import plain
from core.ui.state import Key
from core.workspace import Workspace


def show(
    workspace: Workspace,
    own_runs: list[Run],
    watched: Run | None,
    changed: Mapping[str, Changes],
    places: Mapping[str, line.Place],
) -> None:
    """Lists the runs of a project.

    Args:
        workspace: Where they are.
        own_runs: The newest first.
        watched: The one that the page shows.
        changed: What happened to the pictures since a run began, by its id.
        places: In line, of those that wait, by their ids.
    """
    for run in own_runs:
        with (
            st.container(border=True),
            st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
        ):
            _name(run)
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                _badges(run, places.get(run.id), changed.get(run.id))
                _buttons(workspace, run, is_watched=watched is not None and watched.id == run.id)


def _name(run: Run) -> None:
    when = format_datetime(datetime.fromtimestamp(run.created), "short", locale=language())
    with st.container(width=340):
        st.markdown(f"**{plain(run.name)}**  \n:small[:gray[{plain(when)} · {_backbone(run)}]]")


def _badges(run: Run, place: line.Place | None, changed: Changes | None) -> None:
    pieces.state_badge(run.state, _before_it(place.num_before) if place else "")
    accuracy = state.accuracy(run)
    if accuracy is not None:
        right = percent(accuracy, 1)
        told = _("{accuracy} right", accuracy=right) if run.state.is_over else _("{accuracy} so far", accuracy=right)
        st.badge(told, icon=":material/school:", color="blue", help=words.meaning("validation"))
    if changed:
        st.badge(
            _("pictures changed since"), icon=":material/update:", color="yellow", help=freshness.sentence(changed)
        )


def _before_it(num_before: int) -> str:
    if not num_before:
        return _("begins in a moment")
    return ngettext("{count} run before it", "{count} runs before it", num_before)


def _buttons(workspace: Workspace, run: Run, *, is_watched: bool) -> None:
    if st.button(_("Shown") if is_watched else _("Show"), key=Key.OPEN_RUN.format(run.id), disabled=is_watched):
        navigation.go("train", run=run.id)
    if pieces.asks(
        _("Delete the training “{name}”", name=plain(run.name)),
        Key.DELETE_RUN.format(run.id),
        icon=":material/delete:",
        type="tertiary",
        width=pieces.ICON_WIDTH,
        help=_("Delete this run"),
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
