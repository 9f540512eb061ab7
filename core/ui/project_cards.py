"""Project cards, the dialogs that change projects, and the welcome for somebody who has none yet."""

import streamlit as st

from core import best, dataset, jobs, projects, runs
from core.projects import KEPT_DAYS, MAX_NAME_LENGTH, Project
from core.text import _, ngettext, percent
from core.ui import housekeeping, moving, navigation, pieces, routes, sharing, state
from core.ui.markup import plain
from core.ui.network import drawing
from core.ui.state import Key
from core.workspace import Workspace


def welcome() -> None:
    """Says in three short steps what Headstart does."""
    with st.container(border=True):
        st.subheader(_("Teach a computer to see what you see"), anchor=False)
        st.markdown(
            _("A network that already knows what the world looks like gets a head start on your pictures.")
            + " "
            + (
                _("You need no code and no special machine.")
                if sharing.is_shared()
                else _("You need no code, no account and no special machine.")
            )
        )
        drawing(num_frozen=3, num_stages=4, stage_names=[], key="welcome")
        steps = st.columns(3, gap="medium")
        told = (
            (
                ":material/photo_library:",
                _("Bring pictures"),
                _("A folder for each thing to tell apart: ants, bees. A few dozen pictures each will do."),
            ),
            (
                ":material/exercise:",
                _("Let it practise"),
                _("The network keeps what it knows (blue) and learns your classes (orange). You watch it happen."),
            ),
            (
                ":material/download:",
                _("Take it home"),
                _("Try it on new pictures, then download it. It is yours and works without Headstart."),
            ),
        )
        for column, (icon, title, text) in zip(steps, told, strict=True):
            column.markdown(f"##### {icon} {title}\n{text}")


def card(workspace: Workspace, project: Project, *, is_open: bool) -> None:
    """Shows one project: name, what is in it, how well it did, and what can be done with it."""
    own_runs = runs.list_runs(workspace, project.id)
    accuracy = state.accuracy(best.usual_run(workspace, own_runs))
    st.markdown(f"### {plain(project.name)}", anchors=False)
    contents = [
        ngettext("{count} picture", "{count} pictures", dataset.num_images(workspace, project.id)),
        ngettext("{count} class", "{count} classes", len(dataset.labels(workspace, project.id))),
        ngettext("{count} run", "{count} runs", len(own_runs)),
    ]
    st.caption(" · ".join(contents) + housekeeping.sizes_of(workspace, project))
    with st.container(horizontal=True):
        if any(not run.state.is_over for run in own_runs):
            st.badge(_("training now"), icon=":material/play_arrow:", color="orange")
        elif accuracy is None:
            st.badge(_("not trained yet"), icon=":material/hourglass_empty:", color="gray")
        else:
            st.badge(_("{accuracy} right", accuracy=percent(accuracy, 1)), icon=":material/school:", color="green")
        if is_open:
            st.badge(_("open"), icon=":material/folder_open:", color="orange")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button(_("Open"), key=Key.OPEN_PROJECT.format(project.id), type="primary"):
            navigation.go("learned" if accuracy is not None else "images", project=project.id, run=None)
        if pieces.asks(_("Rename"), Key.RENAME_PROJECT.format(project.id), type="tertiary"):
            ask_for_name(workspace, project)
        st.button(
            _("Save as a file"),
            key=Key.SAVE_PROJECT.format(project.id),
            help=_("To keep it, or to take it to another computer"),
            type="tertiary",
            on_click=moving.save,
            args=(workspace, project),
        )
        if pieces.asks(_("Delete"), Key.DELETE_PROJECT.format(project.id), type="tertiary"):
            ask_before_deleting(workspace, project)
    moving.saving(workspace, project)


def ask_for_new(workspace: Workspace) -> None:
    """Opens the dialog that makes a project."""

    @st.dialog(_("New project"), icon=":material/add:", on_dismiss=pieces.close_question)
    def dialog() -> None:
        with st.form(Key.NEW_PROJECT_FORM, border=False):  # so that Enter in the field is as good as the button
            name = st.text_input(
                _("Name"),
                max_chars=MAX_NAME_LENGTH,
                key=Key.NEW_PROJECT_NAME,
                placeholder=_("For example: ants and bees"),
            )
            agreed = st.form_submit_button(_("Create"), key=Key.CREATE_PROJECT, type="primary", icon=":material/check:")
        if agreed:
            with pieces.errors_shown():
                project = projects.create_project(workspace, name)
                pieces.close_question()
                navigation.go("images", project=project.id, run=None)

    dialog()


def ask_for_name(workspace: Workspace, project: Project) -> None:
    """Opens the dialog that renames a project."""

    @st.dialog(_("Rename the project"), icon=":material/edit:", on_dismiss=pieces.close_question)
    def dialog() -> None:
        with st.form(Key.RENAME_FORM, border=False):
            name = st.text_input(_("Name"), project.name, max_chars=MAX_NAME_LENGTH, key=Key.RENAME_NAME)
            agreed = st.form_submit_button(_("Rename"), key=Key.CONFIRM, type="primary", icon=":material/check:")
        if agreed:
            with pieces.errors_shown():
                _tell_number(name, projects.rename_project(workspace, project.id, name))
                pieces.close_question()
                st.rerun()

    dialog()


def _tell_number(wished: str, given: str) -> None:
    """Says it where a project's name got a number, since another one is called like that."""
    wished = " ".join(wished.split())
    if given != wished:
        told = _(
            "There was a “{name}” already, so this one is called “{other}”.", name=plain(wished), other=plain(given)
        )
        st.toast(told, icon=":material/info:")


def ask_before_deleting(workspace: Workspace, project: Project) -> None:
    """Opens the dialog that asks before a project is deleted."""
    pieces.confirm(
        _("Delete the project?"),
        _(
            "“{name}” goes out of sight with its pictures, its runs and its models. For {days} days you can bring it "
            "back at the bottom of this page; then it is gone for good.",
            name=plain(project.name),
            days=KEPT_DAYS,
        ),
        _("Delete"),
        lambda: _delete(workspace, project),
    )


def _delete(workspace: Workspace, project: Project) -> None:
    folders = [run.folder for run in runs.list_runs(workspace, project.id)]
    jobs.delete_project(workspace, project.id)
    routes.withdraw(workspace.project_folder(project.id), *folders)
