"""Where pictures come from: a folder, a zip, files, the camera, a sample set; and progress while they arrive."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core import dataset, intake
from core.incoming import FolderNotFoundError
from core.intake import IntakeStatus
from core.layout import clean_label
from core.limits import Limits
from core.orders import Order
from core.origins import LabelError
from core.samples import SAMPLES
from core.taking import IntakeResult
from core.text import N_, _, ngettext, number
from core.ui import pieces, state
from core.ui.camera import camera
from core.ui.folder_input import folder_input
from core.ui.live import duration
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key
from core.ui.upload import FolderUpload, issue_token, keep
from core.workspace import Workspace

REFRESH_SECONDS = 0.5
LOCAL_ADDRESSES = ("localhost", "127.0.0.1", "::1")
SERVER_FOLDERS_VARIABLE = "HEADSTART_SERVER_FOLDERS"

SOURCES = {
    "folder": (
        N_("Upload a folder"),
        N_(
            "Drop or choose a folder in this window; the browser sends its pictures to Headstart. It holds one folder "
            "for each class, whose name becomes the name of the class."
        ),
    ),
    "zip": (
        N_("A zip file"),
        N_(
            "A zip with one folder for each class. Folders named train, validation (or val) and test around them "
            "become the split."
        ),
    ),
    "server": (
        N_("Type where a folder is"),
        N_(
            "For many thousand pictures: nothing goes through the browser. You type where the folder lies on the "
            "computer on which Headstart runs, and Headstart reads it there. It holds one folder for each class."
        ),
    ),
    "files": (N_("Files of one class"), N_("Name a class and choose its pictures; repeat for the next class.")),
    "camera": (N_("Camera"), N_("Name a class and hold a button: pictures are taken as long as you hold it.")),
    "samples": (N_("Sample pictures"), N_("No pictures at hand? Take some of these to see how it goes.")),
}


def offered() -> list[str]:
    """Returns which of `SOURCES` there are: folders of the server only where it is the user's own computer."""
    local = st.get_option("server.address") in LOCAL_ADDRESSES
    allowed = local and os.environ.get(SERVER_FOLDERS_VARIABLE, "").lower() != "off"
    return [source for source in SOURCES if allowed or source != "server"]


def ask(source: str, workspace: Workspace, project_id: str) -> None:
    """Shows the form of one of `SOURCES`."""
    forms = {
        "folder": _folder,
        "zip": _zip,
        "server": _server,
        "files": _files,
        "camera": _camera,
        "samples": _samples,
    }
    forms[source](workspace, project_id)


def _folder(workspace: Workspace, project_id: str) -> None:
    upload = folder_input(key=Key.FOLDER, token=issue_token(project_id))
    if upload:
        zip_file = upload.zip_file
        order = Order("zip", str(zip_file)) if zip_file else Order("folder", str(upload.folder))
        _begin_upload(workspace, project_id, upload, order)


def _zip(workspace: Workspace, project_id: str) -> None:
    uploaded = st.file_uploader(_("Zip file"), type="zip", key=Key.ZIP.format(state.session().uploads))
    if st.button(_("Add these pictures"), key=Key.ZIP_START, type="primary", disabled=uploaded is None) and uploaded:
        with pieces.errors_shown():
            file = keep(workspace, uploaded)
            _begin(workspace, project_id, Order("zip", str(file), discard=str(file.parent)))


def _server(workspace: Workspace, project_id: str) -> None:
    path = st.text_input(
        _("Where the folder lies (its path)"), key=Key.SERVER_FOLDER, placeholder=str(Path.home() / "pets")
    ).strip()
    if st.button(_("Add these pictures"), key=Key.SERVER_START, type="primary") and path:
        folder = Path(path).expanduser()
        with pieces.errors_shown():
            if not folder.is_absolute() or not folder.is_dir():
                raise FolderNotFoundError(folder=path)
            _begin(workspace, project_id, Order("folder", str(folder)))


def _files(workspace: Workspace, project_id: str) -> None:
    """Asks for a name and for files, in either order: whichever comes second sets them going."""
    typed = st.text_input(_("Name of the class"), key=Key.CLASS_NAME, max_chars=80, placeholder=_("For example: bee"))
    label = clean_label(typed)
    nameless = state.session().nameless
    upload = nameless.get(project_id)
    if upload is None:
        hint = _("They all become pictures of the class “{label}”.", label=label) if label else ""
        upload = folder_input(key=Key.CLASS_FILES, token=issue_token(project_id), kind="files", hint=hint)
        if upload and not label:
            nameless[project_id] = upload
            st.rerun()
    elif not label:
        _ask_for_class(project_id, upload)
    if upload and label:
        nameless.pop(project_id, None)
        _begin_upload(workspace, project_id, upload, _of_one_class(label, upload))


def _ask_for_class(project_id: str, upload: FolderUpload) -> None:
    """Says that files have arrived and lack the name of their class; a click on its button ends the typing."""
    count = upload.num_files + len(upload.refused)
    told = ngettext(
        "{count} file has arrived. Type the name of its class above.",
        "{count} files have arrived. Type the name of their class above.",
        count,
    )
    st.info(told, icon=":material/edit:")
    with st.container(horizontal=True):
        wanted = st.button(_("Add these pictures"), key=Key.CLASS_START, type="primary")
        if st.button(_("Discard them"), key=Key.CLASS_DISCARD, type="tertiary"):
            state.session().nameless.pop(project_id)
            shutil.rmtree(upload.hand_over(), ignore_errors=True)
            st.rerun()
    with pieces.errors_shown():
        if wanted:
            raise LabelError()


def _of_one_class(label: str, upload: FolderUpload) -> Order:
    return Order("files", label=label, files=tuple((name, str(path)) for name, path in upload.files()))


def _camera(workspace: Workspace, project_id: str) -> None:
    chosen = st.selectbox(
        _("Class of the pictures"),
        dataset.labels(workspace, project_id),
        index=None,
        accept_new_options=True,
        placeholder=_("Choose a class, or type a new name"),
        key=Key.CAMERA_CLASS,
    )
    added = camera(key=Key.CAMERA, token=issue_token(project_id), label=clean_label(chosen or ""))
    if added:
        label, upload = added
        _begin_upload(workspace, project_id, upload, _of_one_class(label, upload))


def _samples(workspace: Workspace, project_id: str) -> None:
    cards = st.grid(3, min_column_width=240, gap="small")
    for sample in SAMPLES.values():
        with cards.container(border=True, height="stretch"):
            st.markdown(f"**{_(sample.title)}**  \n{_(sample.description)}")
            st.caption(ngettext("{count} picture", "{count} pictures", sample.num_images))
            if sample.needs_network:
                st.badge(_("needs the internet"), icon=":material/cloud_download:", color="yellow")
            else:
                st.badge(_("no download needed"), icon=":material/check:", color="green")
            if st.button(_("Take these"), key=Key.SAMPLE.format(sample.name)):
                _begin(workspace, project_id, Order("sample", sample.name))


def _begin_upload(workspace: Workspace, project_id: str, upload: FolderUpload, order: Order) -> None:
    refused = tuple((one.name, one.problem, one.values) for one in upload.refused)
    _begin(workspace, project_id, replace(order, refused=refused, discard=str(upload.hand_over())))


def _begin(workspace: Workspace, project_id: str, order: Order) -> None:
    with pieces.errors_shown():
        try:
            intake.start_intake(workspace, project_id, order, Limits.from_environment())
        except BaseException:
            order.clear_away()  # no process was started that would do it
            raise
        state.session().uploads += 1
        state.session().brings_classes = order.kind == "files"
        st.rerun()


def progress(workspace: Workspace, project_id: str) -> None:
    """Shows the intake of a project while it runs, and what came of it after."""
    status = intake.intake_status(workspace, project_id)
    if status and status.is_over:
        _outcome(workspace, project_id, status)
    else:
        st.fragment(_running, run_every=REFRESH_SECONDS)(workspace, project_id)


def _running(workspace: Workspace, project_id: str) -> None:
    status = intake.intake_status(workspace, project_id)
    if status is None or status.is_over:
        st.rerun()
    with st.container(border=True):
        doing = {
            "downloading": _("Downloading …"),
            "looking": _("Looking at every file …") if status.total else _("Getting ready …"),
            "comparing": _("Looking for pictures that are nearly the same …"),
        }[status.stage]
        st.markdown(f":material/hourglass_top: **{doing}**")
        st.progress(min(1.0, status.done / status.total) if status.total else 0.0, text=_how_far(status))
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(_("You can leave this page; it goes on."), width="content")
            if st.button(_("Cancel"), key=Key.CANCEL_INTAKE, icon=":material/close:"):
                with st.spinner(_("Cancelling …")):
                    intake.cancel_intake(workspace, project_id)
                st.toast(_("Cancelled. The project is as it was before."), icon=":material/undo:")
                st.rerun()


def _how_far(status: IntakeStatus) -> str:
    """Says how many are done, how fast that goes, and how long it will take."""
    write = size_text if status.stage == "downloading" else number
    if not status.total:
        return write(status.done)
    parts = []
    if status.stage != "comparing":  # pairs of pictures are no number that anybody counts in
        parts.append(_("{done} of {total}", done=write(status.done), total=write(status.total)))
    if status.done and status.stage == "looking":
        parts.append(_("{count} files a second", count=number(max(1, round(status.per_second)))))
    left = status.seconds_left
    if left is not None and left >= 1:
        parts.append(_("about {time} left", time=duration(left)))
    return " · ".join(parts)


def _outcome(workspace: Workspace, project_id: str, status: IntakeStatus) -> None:
    if status.error:
        st.error(plain(status.error.shown()), icon=":material/error:")
    elif status.result:
        _told(status.result)
    with st.container(horizontal=True):
        if st.button(_("All right"), key=Key.DISMISS_INTAKE, icon=":material/check:"):
            intake.dismiss_intake(workspace, project_id)
            st.rerun()
        if status.result and status.result.num_taken:
            _undo_button(workspace, project_id)


def _undo_button(workspace: Workspace, project_id: str) -> None:
    if st.button(
        _("Undo"),
        key=Key.UNDO_INTAKE,
        icon=":material/undo:",
        type="tertiary",
        help=_("Sets exactly these pictures aside. They are kept, and come back when you bring them in again."),
    ):
        count = intake.undo_intake(workspace, project_id)
        told = ngettext("{count} new picture set aside", "{count} new pictures set aside", count)
        st.toast(told, icon=":material/undo:")
        st.rerun()


def _told(result: IntakeResult) -> None:
    """Says what came of an intake: a success only where pictures came in, a warning only where some did not."""
    if result.num_taken:
        st.success(_result_sentence(result), icon=":material/check_circle:")
    elif result.num_set_aside:
        st.warning(_result_sentence(result), icon=":material/report:")
    else:
        st.info(_result_sentence(result), icon=":material/info:")


def _result_sentence(result: IntakeResult) -> str:
    if result == IntakeResult(num_already_there=result.num_already_there):
        return ngettext(
            "Nothing new: this picture was already here.",
            "Nothing new: all {count} pictures were already here.",
            result.num_already_there,
        )
    counted = (
        (
            ngettext("{count} picture was taken in.", "{count} pictures were taken in.", result.num_taken),
            result.num_taken,
        ),
        (
            ngettext(
                "{count} picture was already here.", "{count} pictures were already here.", result.num_already_there
            ),
            result.num_already_there,
        ),
        (
            ngettext("{count} file was set aside.", "{count} files were set aside.", result.num_set_aside),
            result.num_set_aside,
        ),
        (
            ngettext(
                "{count} picture is among those that you set aside, and stays there.",
                "{count} pictures are among those that you set aside, and stay there.",
                result.num_removed,
            ),
            result.num_removed,
        ),
    )
    sentences = [sentence for sentence, count in counted if count]
    return " ".join(sentences if result.num_taken else [_("Nothing was taken in."), *sentences])
