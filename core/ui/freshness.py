"""Whether a project's pictures are still those that a run learned from, and what has changed where they are not."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from core import dataset
from core.freshness import Changes, changes_since
from core.runs import Run
from core.text import _, listing, ngettext
from core.ui import navigation


def changes(some_runs: Iterable[Run], table: pd.DataFrame) -> dict[str, Changes]:
    """Returns what changed since each run began, by the run's id; runs since which nothing changed are left out.

    Args:
        some_runs: Runs of one project.
        table: That project's images now.
    """
    now = dataset.fingerprint(table)
    found = {}
    for run in some_runs:
        try:
            found[run.id] = _changes(run.id, now, run, table)
        except FileNotFoundError:  # deleted meanwhile, in another tab
            continue
    return {run_id: changed for run_id, changed in found.items() if changed != Changes()}


@st.cache_data(max_entries=256, show_spinner=False)
def _changes(run_id: str, fingerprint: str, _run: Run, _table: pd.DataFrame) -> Changes:
    return changes_since(_run, _table)


def sentence(changed: Changes) -> str:
    """Says what changed and what to do about it."""
    parts = [
        (changed.added, ngettext("{count} picture was added", "{count} pictures were added", changed.added)),
        (
            changed.moved,
            ngettext(
                "{count} picture was moved to another class",
                "{count} pictures were moved to other classes",
                changed.moved,
            ),
        ),
        (changed.removed, ngettext("{count} picture was removed", "{count} pictures were removed", changed.removed)),
        (changed.renamed, ngettext("{count} class was renamed", "{count} classes were renamed", changed.renamed)),
    ]
    return _(
        "Since this training began, {changes}. Train again, so that the network learns from the pictures as they are "
        "now.",
        changes=listing([part for count, part in parts if count]),
    )


def note(changed: Changes) -> None:
    """Shows what changed, with a link to where a new training starts."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="changed"):
        st.markdown(f":material/update: {sentence(changed)}")
        navigation.link("train", _("Train again"), run=None)
