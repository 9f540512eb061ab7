"""Where pictures come from: a folder, a zip, files, the camera, a sample set."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import streamlit as st

from core import dataset, intake
from core.incoming import FolderNotFoundError
from core.layout import clean_label
from core.limits import Limits
from core.orders import Order
from core.origins import LabelError
from core.samples import SAMPLES
from core.text import N_, _, ngettext
from core.ui import pieces, sharing, state
from core.ui.camera import camera
from core.ui.folder_input import folder_input
from core.ui.state import Key
from core.ui.tokens import issue_token
from core.ui.upload import FolderUpload, keep
from core.workspace import Workspace

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
    allowed = not sharing.is_shared() and os.environ.get(SERVER_FOLDERS_VARIABLE, "").lower() != "off"
    return [source for source in SOURCES if allowed or source != "server"]


def ask(source: str, workspace: Workspace, project_id: str, *, is_next: bool = True) -> None:
    """Shows the form of one of `SOURCES`.

    Args:
        source: Which.
        workspace: Where the project is.
        project_id: Which it is.
        is_next: Whether bringing pictures is what comes next, so that its button is the one that stands out.
    """
    forms = {
        "folder": _folder,
        "zip": _zip,
        "server": _server,
        "files": _files,
        "camera": _camera,
        "samples": _samples,
    }
    forms[source](workspace, project_id, is_next)


def _look(is_next: bool) -> Literal["primary", "secondary"]:
    return "primary" if is_next else "secondary"


def _folder(workspace: Workspace, project_id: str, is_next: bool) -> None:
    upload = folder_input(key=Key.FOLDER, token=issue_token(project_id), is_next=is_next)
    if upload:
        zip_file = upload.zip_file
        order = Order("zip", str(zip_file)) if zip_file else Order("folder", str(upload.folder))
        _begin_upload(workspace, project_id, upload, order)


def _zip(workspace: Workspace, project_id: str, is_next: bool) -> None:
    uploaded = st.file_uploader(_("Zip file"), type="zip", key=Key.ZIP.format(state.session().uploads))
    if (
        st.button(_("Add these pictures"), key=Key.ZIP_START, type=_look(is_next), disabled=uploaded is None)
        and uploaded
    ):
        with pieces.errors_shown():
            file = keep(workspace, uploaded)
            _begin(workspace, project_id, Order("zip", str(file), discard=str(file.parent)))


def _server(workspace: Workspace, project_id: str, is_next: bool) -> None:
    path = st.text_input(
        _("Where the folder lies (its path)"), key=Key.SERVER_FOLDER, placeholder=str(Path.home() / "pets")
    ).strip()
    if st.button(_("Add these pictures"), key=Key.SERVER_START, type=_look(is_next)) and path:
        folder = Path(path).expanduser()
        with pieces.errors_shown():
            if not folder.is_absolute() or not folder.is_dir():
                raise FolderNotFoundError(folder=path)
            _begin(workspace, project_id, Order("folder", str(folder)))


def _files(workspace: Workspace, project_id: str, is_next: bool) -> None:
    """Asks for a name and for files, in either order: whichever comes second sets them going."""
    typed = st.text_input(_("Name of the class"), key=Key.CLASS_NAME, max_chars=80, placeholder=_("For example: bee"))
    label = clean_label(typed)
    nameless = state.session().nameless
    upload = nameless.get(project_id)
    if upload is None:
        hint = _("They all become pictures of the class “{label}”.", label=label) if label else ""
        upload = folder_input(
            key=Key.CLASS_FILES, token=issue_token(project_id), kind="files", hint=hint, is_next=is_next
        )
        if upload and not label:
            nameless[project_id] = upload
            st.rerun()
    elif not label:
        _ask_for_class(project_id, upload, is_next)
    if upload and label:
        nameless.pop(project_id, None)
        _begin_upload(workspace, project_id, upload, _of_one_class(label, upload))


def _ask_for_class(project_id: str, upload: FolderUpload, is_next: bool) -> None:
    """Says that files have arrived and lack the name of their class; a click on its button ends the typing."""
    count = upload.num_files + len(upload.refused)
    told = ngettext(
        "{count} file has arrived. Type the name of its class above.",
        "{count} files have arrived. Type the name of their class above.",
        count,
    )
    st.info(told, icon=":material/edit:")
    with st.container(horizontal=True):
        wanted = st.button(_("Add these pictures"), key=Key.CLASS_START, type=_look(is_next))
        if st.button(_("Discard them"), key=Key.CLASS_DISCARD, type="tertiary"):
            state.session().nameless.pop(project_id)
            shutil.rmtree(upload.hand_over(), ignore_errors=True)
            st.rerun()
    with pieces.errors_shown():
        if wanted:
            raise LabelError()


def _of_one_class(label: str, upload: FolderUpload) -> Order:
    return Order("files", label=label, files=tuple((name, str(path)) for name, path in upload.files()))


def _camera(workspace: Workspace, project_id: str, is_next: bool) -> None:
    chosen = st.selectbox(
        _("Class of the pictures"),
        dataset.labels(workspace, project_id),
        index=None,
        accept_new_options=True,
        placeholder=_("Choose a class, or type a new name"),
        key=Key.CAMERA_CLASS,
    )
    added = camera(key=Key.CAMERA, token=issue_token(project_id), label=clean_label(chosen or ""), is_next=is_next)
    if added:
        label, upload = added
        _begin_upload(workspace, project_id, upload, _of_one_class(label, upload))


def _samples(workspace: Workspace, project_id: str, is_next: bool) -> None:
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
