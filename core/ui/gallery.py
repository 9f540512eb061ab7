"""What is in a project: totals, the size of each class, and the files that were set aside."""

import pandas as pd
import streamlit as st

from core import charts, dataset
from core.text import _, ngettext, number
from core.ui import pieces
from core.ui.pieces import size_text
from core.ui.state import Key
from core.workspace import Workspace

MOST_BARS = 30
TABLE_HEIGHT = 320  # pixels
ROW_OF_LINES = 92  # pixels; the longest reasons wrap into it


def totals(table: pd.DataFrame) -> None:
    """Shows how many pictures and classes there are, and how large they are together."""
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Pictures"), number(len(table)), width="content")
        st.metric(_("Classes"), number(table["label"].nunique()), width="content")
        st.metric(_("Size"), size_text(int(table["size_bytes"].sum())), width="content")


def classes(counts: pd.DataFrame) -> None:
    """Shows how many pictures each class has, and what becomes of them where the user's folders do not say.

    As bars, and where those would fill many screens as a table.

    Args:
        counts: From `dataset.class_counts`.
    """
    if len(counts) <= MOST_BARS:
        pieces.chart(
            charts.class_counts(counts),
            key=Key.CLASS_COUNTS,
            alt=_("Bar chart: how many pictures each class has, by split."),
        )
    else:
        _class_table(counts)
    divided = counts[["train", "validation", "test"]].sum(axis=1)
    if not divided.any():
        st.caption(
            _(
                "When a training starts, Headstart picks some pictures of each class to check with (validation); the "
                "network learns from the rest (training)."
            )
        )
    elif (counts["validation"] == 0).any() or (divided < counts["images"]).any():
        st.caption(
            _(
                "“Headstart picks”: where a class has no pictures to check with (validation), some of these are picked "
                "for it when a training starts; the network learns from the rest (training)."
            )
        )


def _class_table(counts: pd.DataFrame) -> None:
    names = {
        "label": _("Class"),
        "images": _("Pictures"),
        "train": _("Training"),
        "validation": _("Validation"),
        "test": _("Test"),
    }
    st.dataframe(
        counts[list(names)].rename(columns=names),
        hide_index=True,
        height=TABLE_HEIGHT,
        column_config={
            names["images"]: st.column_config.ProgressColumn(
                format="localized", min_value=0, max_value=int(counts["images"].max())
            )
        },
        alt=_("Table: how many pictures each class has, by split."),
    )


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
            row_height=ROW_OF_LINES,
            column_config={
                _("File"): st.column_config.TextColumn(width="small"),
                _("Reason"): st.column_config.TextColumn(width="large"),
            },
            alt=_("Table of the files that were set aside, with the reason for each."),
        )


def ask_before_removing_all(workspace: Workspace, project_id: str) -> None:
    """Asks, then removes every picture of a project."""
    pieces.confirm(
        _("Remove all pictures?"),
        _(
            "Every picture, also those that you set aside, and the list of files set aside will be deleted from this "
            "project. This cannot be undone. Trained models stay."
        ),
        _("Remove"),
        lambda: dataset.remove_all(workspace, project_id),
    )
