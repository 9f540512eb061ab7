"""Train: choose how, start, watch, stop; and the runs made so far."""

import streamlit as st

from core import line, runs
from core.text import _
from core.ui import cost, freshness, live, navigation, pieces, run_list, settings, state
from core.ui.state import Key

at = state.place()
navigation.heading("train", at)
table = pieces.require_images(at)
assert at.project is not None

own_runs = runs.list_runs(at.workspace, at.project.id)
waiting = next((run for run in own_runs if not run.state.is_over or run.state == runs.State.PAUSED), None)
newest = own_runs[0] if own_runs and not at.unknown_run else None
watched = at.run or waiting or newest

changed = freshness.changes(own_runs, table)
places = line.places(at.workspace) if any(run.state == runs.State.QUEUED for run in own_runs) else {}

if watched:
    with st.container():
        if watched.id in changed:
            freshness.note(changed[watched.id])
    live.watch(at.workspace, watched, places.get(watched.id))

starts_one = at.run is None and waiting is None
# A form of its own after each start: one that the reader had opened would stay open above the run that it started.
turn = own_runs[0].id if own_runs else ""
form = Key.START_FORM.format(turn)
with st.expander(_("Start a new run"), expanded=starts_one, key=form, icon=":material/play_circle:"):
    settings.choose_preset(at)
    settings.what_freezes(at)
    if state.draft(at).preset == "own":
        settings.own(at, table)
    cost.show(at, table)
    settings.start(at, table, len(own_runs), turn)

pieces.explain(
    "epoch", "batch", "loss", "accuracy", "split", "head", "freezing", "fine_tuning", "learning_rate", "overfitting"
)

if own_runs:
    st.header(_("Runs of this project"), anchor=False)
    run_list.show(at.workspace, own_runs, watched, changed, places)
