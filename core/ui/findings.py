"""Findings: what is worth a look in a project's images, each with its pictures, and buttons that mend or hide it."""

import zlib

import pandas as pd
import streamlit as st

from core import checks, curation, dataset, split
from core.checks import Disputed
from core.config import RunConfig
from core.curation import Fine
from core.finding import Finding
from core.text import _, ngettext
from core.ui import large, state
from core.ui.large import Picture
from core.ui.markup import plain
from core.ui.routes import thumbnails_url
from core.ui.state import Key
from core.ui.thumbnails import thumbnails
from core.workspace import Workspace

MOST_PICTURES = 24


def show(workspace: Workspace, project_id: str, table: pd.DataFrame, *, is_locked: bool = False) -> list[Finding]:
    """Lists what is worth a look, and says which twins are kept together.

    The list is folded away unless something is serious, or something was just done about it.

    Args:
        workspace: Where the project is.
        project_id: Which it is.
        table: Its images, from `dataset.images`.
        is_locked: Whether nothing may be changed now.

    Returns:
        What it lists.
    """
    fingerprint = dataset.fingerprint(table)
    fine, disputed = curation.what_is_fine(workspace, project_id), dataset.disputed(workspace, project_id)
    found, num_hidden = _found(fingerprint, table, fine, disputed)
    if found:
        title = ngettext("{count} thing worth a look", "{count} things worth a look", len(found))
        is_open = state.session().is_mending or any(finding.is_serious for finding in found)
        with st.expander(title, expanded=is_open, icon=":material/search_insights:"):
            seen = {image_id for finding in found for image_id in finding.ids[:MOST_PICTURES]}
            pictures = large.pictures(workspace, project_id, table[table["id"].isin(seen)], found)
            for finding in found:
                own = [pictures[image_id] for image_id in finding.ids[:MOST_PICTURES]]
                _show_one(workspace, project_id, finding, own, is_locked=is_locked)
    if num_hidden:
        _show_hidden(workspace, project_id, num_hidden, is_locked=is_locked)
    parted = _parted_by_chance(fingerprint, table)
    if parted:
        st.caption(_kept_together(parted))
    return found


@st.cache_data(max_entries=16, show_spinner=False)
def _found(fingerprint: str, _table: pd.DataFrame, fine: Fine, disputed: Disputed) -> tuple[list[Finding], int]:
    """Returns what is told, and how many findings are hidden."""
    return checks.find(_table, fine, disputed), len(checks.hidden(_table, fine, disputed))


@st.cache_data(max_entries=16, show_spinner=False)
def _parted_by_chance(fingerprint: str, _table: pd.DataFrame) -> int:
    """How many more pictures would be checked with that have a twin to learn from, were the split blind to twins."""
    if _table["similar"].isna().all():
        return 0
    made = split.split_both_ways(_table, RunConfig.validation_share, RunConfig.seed)
    return split.leaks(made.assign(split=made["random_split"])) - split.leaks(made)


def _kept_together(count: int) -> str:
    return ngettext(
        "Divided by chance, {count} validation picture would have had a near twin among the training pictures, and the "
        "result would have looked better than it is; Headstart keeps such pictures on one side.",
        "Divided by chance, {count} validation pictures would have had a near twin among the training pictures, and "
        "the result would have looked better than it is; Headstart keeps such pictures on one side.",
        count,
    )


def _show_one(
    workspace: Workspace, project_id: str, finding: Finding, pictures: list[Picture], *, is_locked: bool
) -> None:
    icon = ":material/warning:" if finding.is_serious else ":material/visibility:"
    with st.container(border=True):
        st.markdown(f"{icon} **{finding.title()}**")
        st.markdown(plain(finding.shown()))
        thumbnails(
            pictures,
            key=Key.FINDING_PICTURES.format(_name(finding)),
            url=thumbnails_url(workspace.project_folder(project_id)),
        )
        num_more = len(finding.ids) - len(pictures)
        if num_more:
            st.caption(ngettext("and {count} more picture", "and {count} more pictures", num_more))
        with st.container(horizontal=True, vertical_alignment="center"):
            label = finding.button()
            # Nothing is changed that its reader did not see: what was found anew has buttons of its own.
            if label and st.button(plain(label), key=Key.MEND.format(_name(finding)), disabled=is_locked):
                checks.mend(workspace, project_id, finding)
                _go_on()
            if st.button(
                plain(finding.fine()),
                key=Key.FINE.format(_name(finding)),
                icon=":material/check:",
                type="tertiary",
                help=_("Hides this, and tells you again when there are new ones. This can be undone."),
                disabled=is_locked,
            ):
                checks.dismiss(workspace, project_id, finding)
                _go_on()


def _show_hidden(workspace: Workspace, project_id: str, count: int, *, is_locked: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(ngettext("{count} finding hidden", "{count} findings hidden", count), width="content")
        if st.button(
            ngettext("Show it again", "Show them again", count),
            key=Key.SHOW_FINDINGS,
            icon=":material/visibility:",
            type="tertiary",
            disabled=is_locked,
        ):
            curation.show_again(workspace, project_id)
            _go_on()


def _go_on() -> None:
    """Draws the page again, with the list open for the next finding."""
    state.session().is_mending = True
    st.rerun()


def _name(finding: Finding) -> str:
    seen = (finding.values, finding.ids, finding.to_mend)
    return f"{finding.kind}_{zlib.crc32(repr(seen).encode()):x}"
