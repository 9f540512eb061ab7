"""What takes room on the disk, and the deleted projects that can still be brought back."""

import shutil
import time

import streamlit as st

from core import budget, projects, sizes
from core.projects import Project
from core.sizes import Sizes
from core.text import _, ngettext
from core.ui import pieces
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key
from core.workspace import Workspace

HOUR_SECONDS, DAY_SECONDS = 3600, 24 * 3600
FOLLOW_SECONDS = 2.0


def sizes_of(workspace: Workspace, project: Project) -> str:
    """Returns the line of a project's card that says what it takes on the disk; empty while that is not known."""
    known = sizes.known(workspace)
    if known is None or project.id not in known.pictures:
        return ""
    told = [_("{size} of pictures", size=size_text(known.pictures[project.id]))]
    if known.runs.get(project.id):
        told.append(_("{size} of runs", size=size_text(known.runs[project.id])))
    return "  \n" + " · ".join(told)


def disk(workspace: Workspace) -> None:
    """Says what everything together takes, and how much room the disk has."""
    known = sizes.known(workspace)
    if known is None:
        return
    told = [_("Everything here takes {size}.", size=size_text(known.total))]
    with pieces.errors_shown():
        if known.features:
            told.append(
                _(
                    "{size} of it is what frozen layers said of your pictures, kept to make trainings quicker. What "
                    "was not used for longest goes by itself once it is more than {limit}.",
                    size=size_text(known.features),
                    limit=size_text(budget.budget_bytes()),
                )
            )
    told.append(_("Free on this disk: {size}.", size=size_text(shutil.disk_usage(workspace.home).free)))
    st.caption(":material/hard_drive: " + " ".join(told))


def follow(workspace: Workspace) -> None:
    """Draws the page once more when newer sizes are there than those that it shows, where these are old."""
    shown = sizes.latest(workspace)
    if shown is None or not shown.is_recent:
        st.fragment(_look, run_every=FOLLOW_SECONDS)(workspace, shown)


def _look(workspace: Workspace, shown: Sizes | None) -> None:
    if sizes.latest(workspace) is not shown:
        st.rerun()


def deleted(workspace: Workspace) -> None:
    """Lists the deleted projects, each with when it goes for good, and offers to bring it back."""
    gone = projects.list_deleted(workspace)
    if not gone:
        return
    title = ngettext("{count} deleted project", "{count} deleted projects", len(gone))
    with st.expander(title, icon=":material/delete:"):
        for project in gone:
            _row(workspace, project)


def _row(workspace: Workspace, project: Project) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width=340):
            told = [_time_left(project.gone_at - time.time()), sizes_of(workspace, project).strip()]
            st.markdown(f"**{plain(project.name)}**  \n:small[:gray[{' · '.join(filter(None, told))}]]")
        with st.container(horizontal=True, width="content"):
            if st.button(
                _("Bring back"), key=Key.RECOVER_PROJECT.format(project.id), icon=":material/restore_from_trash:"
            ):
                with pieces.errors_shown():
                    projects.recover_project(workspace, project.id)
                    st.rerun()
            if pieces.asks(
                _("Delete the project “{name}” for good", name=plain(project.name)),
                Key.REMOVE_PROJECT.format(project.id),
                icon=":material/delete_forever:",
                help=_("Delete for good now"),
                type="tertiary",
                width=pieces.ICON_WIDTH,
            ):
                _ask_before_removing(workspace, project)


def _time_left(seconds: float) -> str:
    if seconds < DAY_SECONDS:
        hours = max(1, round(seconds / HOUR_SECONDS))
        return ngettext("goes for good in {count} hour", "goes for good in {count} hours", hours)
    return ngettext("goes for good in {count} day", "goes for good in {count} days", round(seconds / DAY_SECONDS))


def _ask_before_removing(workspace: Workspace, project: Project) -> None:
    pieces.confirm(
        _("Delete the project for good?"),
        _(
            "“{name}” will be removed from the disk with its pictures, its runs and its models. This cannot be undone.",
            name=plain(project.name),
        ),
        _("Delete for good"),
        lambda: projects.remove_project(workspace, project.id),
    )
