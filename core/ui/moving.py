"""Projects that go out into a file and come in from one: how far that is, and what came of it."""

import shutil

import streamlit as st

from core import takehome
from core.errors import AppError
from core.limits import Limits
from core.projects import Project
from core.saved import moves
from core.saved.moves import Move
from core.saved.parcel import BadParcelError, LargeParcelError
from core.saved.unpacking import Brought
from core.taking import FullDiskError, is_full
from core.text import _, ngettext
from core.ui import navigation, pieces, sharing
from core.ui.folder_input import folder_input
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.routes import download_url
from core.ui.state import Key
from core.ui.tokens import issue_token
from core.ui.upload import FolderUpload
from core.workspace import Workspace

REFRESH_SECONDS = 0.5
NO_PROJECT = ""  # whose token opens the upload: the project is not there yet


def save(workspace: Workspace, project: Project) -> None:
    """Begins to save a project as a file; for a button."""
    try:
        moves.save_project(workspace, project.id)
    except AppError as error:
        st.toast(plain(error.shown()))
    except OSError as error:
        st.toast(_("That could not be done: {reason}.", reason=plain(error.strerror or str(error))))


def saving(workspace: Workspace, project: Project) -> None:
    """Shows on a project's card how far its file is, and offers it when it is there."""
    move = moves.find_saving(workspace, project.id)
    if move is None:
        return
    if not move.is_over:
        st.fragment(_under_way, run_every=REFRESH_SECONDS)(workspace, move.name, _("Saving as a file …"))
        return
    if move.error:
        _show_error(move.error)
    with st.container(horizontal=True):
        if move.parcel and move.parcel.exists():
            name = takehome.zip_name(project.name, "project")
            label = _("Download ({size})", size=size_text(move.parcel.stat().st_size))
            st.link_button(label, download_url(move.parcel, name), icon=":material/download:", type="primary")
        _dismiss_button(workspace, move)


def arriving(workspace: Workspace) -> None:
    """Shows the projects that come in, and what came of those that have."""
    for move in moves.list_arriving(workspace):
        with st.container(border=True):
            if not move.is_over:
                title = _("Looking at every part of the saved project …")
                st.fragment(_under_way, run_every=REFRESH_SECONDS)(workspace, move.name, title)
                continue
            if move.error:
                _show_error(move.error)
            with st.container(horizontal=True):
                if move.brought:
                    _outcome(workspace, move, move.brought)
                _dismiss_button(workspace, move)


def ask_for_file(workspace: Workspace) -> None:
    """Opens the dialog that takes the file of a saved project."""

    @st.dialog(_("Bring a saved project"), icon=":material/upload_file:", on_dismiss=pieces.close_question)
    def dialog() -> None:
        st.markdown(
            _(
                "The file that “Save as a file” made, here or on another computer. It becomes a project of its own; "
                "nothing that is here changes. Bring only files of people whom you trust."
            )
        )
        upload = folder_input(key=Key.BROUGHT_FILE, token=issue_token(NO_PROJECT), kind="project")
        if upload:
            with pieces.errors_shown():
                bring(workspace, upload)
                pieces.close_question()
                st.rerun()

    dialog()


def bring(workspace: Workspace, upload: FolderUpload) -> None:
    """Begins to take in the file of a saved project that has arrived.

    Raises:
        BadParcelError: It is no zip.
        FullDiskError: Not even that can be written down.
        LimitError: A setting is not a number that can be meant.
    """
    file, folder = upload.zip_file, upload.hand_over()
    try:
        if file is None:
            names = [name for name, _file in upload.files()] + [refused.name for refused in upload.refused]
            raise BadParcelError(part=", ".join(names))
        moves.bring_project(workspace, file, Limits.from_environment(), discard=folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)  # no process was started that would do it
        if is_full(error):
            raise FullDiskError(folder=workspace.home) from error
        raise


def _under_way(workspace: Workspace, name: str, title: str) -> None:
    move = moves.find(workspace, name)
    if move is None or move.is_over:
        st.rerun()
    share = min(1.0, move.done / move.total) if move.total else 0.0
    told = _("{done} of {total}", done=size_text(move.done), total=size_text(move.total)) if move.total else ""
    st.progress(share, text=" ".join(filter(None, (title, told))))
    if st.button(_("Cancel"), key=Key.CANCEL_MOVE.format(name), icon=":material/close:"):
        with st.spinner(_("Cancelling …")):
            moves.cancel(workspace, name)
        st.rerun()


def _show_error(error: AppError) -> None:
    told = error.shown()
    if error.sentence == LargeParcelError.sentence and sharing.is_shared():
        # The settings are not this reader's.
        told = _(
            "This saved project holds more than is taken in at a time: {files} files with {gigabytes} GB. Ask whoever "
            "looks after this server to allow more, then bring it once more.",
            **error.values,
        )
    st.error(plain(told), icon=":material/error:")


def _dismiss_button(workspace: Workspace, move: Move) -> None:
    st.button(
        _("All right"),
        key=Key.DISMISS_MOVE.format(move.name),
        icon=":material/check:",
        on_click=moves.dismiss,
        args=(workspace, move.name),
    )


def _outcome(workspace: Workspace, move: Move, brought: Brought) -> None:
    pictures = ngettext("{count} picture", "{count} pictures", brought.num_images)
    runs = ngettext("{count} run", "{count} runs", brought.num_runs)
    told = [_("“{name}” is here: {pictures}, {runs}.", name=plain(brought.name), pictures=pictures, runs=runs)]
    if brought.num_set_aside:
        told.append(
            ngettext(
                "{count} picture was missing or damaged in the file, and is listed in the project.",
                "{count} pictures were missing or damaged in the file, and are listed in the project.",
                brought.num_set_aside,
            )
        )
    if brought.runs_left_out:
        names = ", ".join(plain(name) for name in brought.runs_left_out)
        told.append(_("These runs were not as Headstart writes them, and were left out: {names}.", names=names))
    show = st.warning if len(told) > 1 else st.success
    show(" ".join(told), icon=":material/check_circle:")
    if st.button(_("Open"), key=Key.OPEN_BROUGHT.format(move.name), type="primary"):
        moves.dismiss(workspace, move.name)
        navigation.go("images", project=brought.project_id, run=None)
