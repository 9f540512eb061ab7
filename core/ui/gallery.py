"""What is in a project: totals, a row of thumbnails for each class, and the files that were set aside."""

import pandas as pd
import streamlit as st

from core import dataset
from core.text import _, ngettext, number
from core.ui import pieces, state
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key
from core.ui.thumbnails import thumbnails
from core.workspace import Workspace

FIRST_PICTURES = 10
MORE_PICTURES = 40
ROW_OF_TWO_LINES = 52  # pixels; longer texts wrap into it


def totals(table: pd.DataFrame) -> None:
    """Shows how many pictures and classes there are, and how large they are together."""
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Pictures"), number(len(table)), width="content")
        st.metric(_("Classes"), number(table["label"].nunique()), width="content")
        st.metric(_("Size"), size_text(int(table["size_bytes"].sum())), width="content")


def class_row(
    workspace: Workspace, project_id: str, label: str, pictures: pd.DataFrame, *, is_locked: bool = False
) -> None:
    """Shows one class: name, count, the first thumbnails, more on demand, and a way to remove it unless locked."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            count = ngettext("{count} picture", "{count} pictures", len(pictures))
            st.markdown(f"**{plain(label)}** :gray[{count}]", width="content")
            asked = pieces.asks(
                " ",
                Key.REMOVE_CLASS.format(label),
                icon=":material/delete:",
                type="tertiary",
                help=_("Remove this class"),
                disabled=is_locked,
            )
            if asked and not is_locked:
                _ask_before_removing(workspace, project_id, label, len(pictures))
        shown = state.session().shown_pictures.get(f"{project_id} {label}", FIRST_PICTURES)
        thumbnails(workspace, pictures.head(shown))
        if len(pictures) > shown and st.button(
            _("Show more"), key=Key.MORE_PICTURES.format(label), icon=":material/expand_more:", type="tertiary"
        ):
            state.session().shown_pictures[f"{project_id} {label}"] = shown + MORE_PICTURES
            st.rerun()


def set_aside(table: pd.DataFrame) -> None:
    """Lists the files that were set aside, each with the reason in the reader's language."""
    title = ngettext("{count} file was set aside", "{count} files were set aside", len(table))
    with st.expander(title, icon=":material/report:"):
        reasons = [
            _(problem, **values) if values else _(problem)
            for problem, values in zip(table["problem"], table["values"], strict=True)
        ]
        st.dataframe(
            pd.DataFrame({_("File"): table["name"].to_list(), _("Reason"): reasons}),
            hide_index=True,
            row_height=ROW_OF_TWO_LINES,
            column_config={
                _("File"): st.column_config.TextColumn(width="small"),
                _("Reason"): st.column_config.TextColumn(width="large"),
            },
            alt=_("Table of the files that were set aside, with the reason for each."),
        )


def _ask_before_removing(workspace: Workspace, project_id: str, label: str, count: int) -> None:
    pieces.confirm(
        _("Remove this class?"),
        ngettext(
            "“{label}” with its {count} picture will be removed from the project.",
            "“{label}” with its {count} pictures will be removed from the project.",
            count,
            label=plain(label),
        ),
        _("Remove"),
        lambda: dataset.remove_class(workspace, project_id, label),
    )


def ask_before_removing_all(workspace: Workspace, project_id: str) -> None:
    """Asks, then removes every picture of a project."""
    pieces.confirm(
        _("Remove all pictures?"),
        _("Every picture and the list of files set aside will be removed from this project. Trained models stay."),
        _("Remove"),
        lambda: dataset.remove_all(workspace, project_id),
    )
