"""Mistakes: wrong answers as pictures, and a way to put right what a picture is called where that is what is wrong."""

from typing import Any

import pandas as pd
import streamlit as st

from core import curation, intake, metrics, pictures
from core.freshness import as_now, renamed_since
from core.runs import Run
from core.text import _, percent
from core.ui import curating, pieces
from core.ui.markup import plain
from core.ui.state import Key
from core.workspace import Workspace

NUM_SHOWN = 12
PIXELS = 256


def show(workspace: Workspace, run: Run, predictions: pd.DataFrame, table: pd.DataFrame) -> None:
    """Shows the wrong answers of which the network was most sure, and what can be done where it was right after all.

    Args:
        workspace: Where the run is.
        run: Which.
        predictions: Of it, from `metrics.read_predictions`.
        table: Its project's images now, from `dataset.images`.
    """
    project_id = run.project_id
    wrong = as_now(metrics.worst_mistakes(predictions, NUM_SHOWN), table)
    wrong[["label", "predicted"]] = wrong[["label", "predicted"]].replace(renamed_since(run, table))
    status = intake.intake_status(workspace, project_id)
    is_locked = status is not None and not status.is_over
    st.space("xsmall")  # which a heading that is not in a row brings along
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(_("Its most confident mistakes"), anchor=False, width="content")
        if (wrong["label_now"] != wrong["label"]).any():
            curating.undo_button(workspace, project_id, is_locked=is_locked)
    if wrong.empty:
        st.success(_("There are none: every one of these pictures was named rightly."), icon=":material/celebration:")
        return
    st.caption(
        _(
            "Was the network right after all? Then it is the class of the picture that is wrong: correct it here. It "
            "counts once you train again; these results stay as they are."
        )
    )
    cards = st.grid(4, min_column_width=170, gap="small")
    for row in wrong.itertuples():
        with cards.container(gap="xsmall"):
            _answer(workspace, row)
            if row.label_now == row.label:
                _ways_out(
                    workspace, project_id, row, is_class=row.predicted in set(table["label"]), is_locked=is_locked
                )
            else:
                st.caption(_what_became_of(row))


def _answer(workspace: Workspace, row: Any) -> None:
    """Shows a picture, what it was and what the network said."""
    path = workspace.home / row.path
    if path.exists():
        pieces.picture(pictures.decode(path, PIXELS), alt=row.name)
    else:
        st.caption(_("The picture was removed from the project."))
    said = _(
        "was **{label}**, said **{predicted}** with {confidence}",
        label=plain(row.label),
        predicted=plain(row.predicted),
        confidence=percent(row.confidence),
    )
    st.markdown(f":small[{said}]")
    pieces.file_name(row.name)


def _ways_out(workspace: Workspace, project_id: str, row: Any, *, is_class: bool, is_locked: bool) -> None:
    """Offers to set a picture aside, or to move it to the class that the network named, where there still is that."""
    with st.popover(_("Wrong class?"), icon=":material/edit:", type="tertiary", disabled=is_locked):
        moved = is_class and st.button(
            _("This is really “{label}”", label=plain(row.predicted)),
            key=Key.MOVE_MISTAKE.format(row.id),
            icon=":material/drive_file_move:",
            help=_("Moves the picture to that class. This can be undone."),
        )
        set_aside = st.button(
            _("Set aside"),
            key=Key.SET_MISTAKE_ASIDE.format(row.id),
            icon=":material/visibility_off:",
            help=_("The next training does without the picture. This can be undone."),
        )
    if moved:
        curation.move_images(workspace, project_id, [row.id], row.predicted)
    elif set_aside:
        curation.set_images_aside(workspace, project_id, [row.id])
    if moved or set_aside:
        st.rerun()


def _what_became_of(row: Any) -> str:
    if pd.isna(row.label_now):
        return ":material/visibility_off: " + _("no longer in use")
    return ":material/check: " + _("now in “{label}”", label=plain(row.label_now))
