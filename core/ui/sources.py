"""Where pictures come from: a folder, a zip, files of one class, a sample set; and progress while they arrive."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from core import intake, samples
from core.errors import AppError
from core.intake import IntakeResult
from core.samples import SAMPLES
from core.taking import NothingToTakeError
from core.text import N_, _, ngettext, number
from core.ui import pieces, state
from core.ui.folder_input import folder_input
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key
from core.ui.upload import FolderUpload, Refused, issue_token
from core.workspace import Workspace

REFRESH_SECONDS = 0.5
MOST_FILES = 1_000_000  # far more than an intake takes; a larger count is one of bytes

SOURCES = {
    "folder": (
        N_("A folder"),
        N_("A folder with one folder inside for each class: its name becomes the name of the class."),
    ),
    "zip": (
        N_("A zip file"),
        N_(
            "A zip with one folder for each class. Folders named train, validation (or val) and test around them "
            "become the split."
        ),
    ),
    "files": (N_("Files of one class"), N_("Name a class and choose its pictures; repeat for the next class.")),
    "samples": (N_("Sample pictures"), N_("No pictures at hand? Take some of these to see how it goes.")),
}

Progress = Callable[[int, int], None]
Take = Callable[[Progress], IntakeResult]


def ask(source: str, workspace: Workspace, project_id: str) -> None:
    """Shows the form of one of `SOURCES`."""
    forms = {"folder": _folder, "zip": _zip, "files": _files, "samples": _samples}
    forms[source](workspace, project_id)


def _folder(workspace: Workspace, project_id: str) -> None:
    upload = folder_input(key=Key.FOLDER, token=issue_token(project_id))
    if upload:
        _begin_upload(workspace, project_id, upload, partial(_take_tree, workspace, project_id, upload))


def _take_tree(workspace: Workspace, project_id: str, upload: FolderUpload, on_progress: Progress) -> IntakeResult:
    if upload.zip_file:
        return intake.take_zip(workspace, project_id, upload.zip_file, on_progress)
    return intake.take_folder(workspace, project_id, upload.folder, on_progress)


def _zip(workspace: Workspace, project_id: str) -> None:
    uploaded = st.file_uploader(_("Zip file"), type="zip", key=Key.ZIP.format(state.session().uploads))
    if st.button(_("Add these pictures"), key=Key.ZIP_START, type="primary", disabled=uploaded is None) and uploaded:
        folder = Path(tempfile.mkdtemp(prefix="headstart-"))
        file = folder / "upload.zip"
        with file.open("wb") as target:
            shutil.copyfileobj(uploaded, target)
        _begin(
            workspace,
            project_id,
            partial(intake.take_zip, workspace, project_id, file),
            partial(shutil.rmtree, folder, ignore_errors=True),
        )


def _files(workspace: Workspace, project_id: str) -> None:
    label = st.text_input(
        _("Name of the class"), key=Key.CLASS_NAME, max_chars=80, placeholder=_("For example: bee")
    ).strip()
    if not label:
        st.caption(_("Type the name first, then choose the pictures."))
        return
    hint = _("They all become pictures of the class “{label}”.", label=label)
    upload = folder_input(key=Key.CLASS_FILES, token=issue_token(project_id), kind="files", hint=hint)
    if upload:
        take = partial(intake.take_files, workspace, project_id, label, upload.files())
        _begin_upload(workspace, project_id, upload, take)


def _samples(workspace: Workspace, project_id: str) -> None:
    cards = st.grid(3, min_column_width=240, gap="small")
    for sample in SAMPLES.values():
        with cards.container(border=True, height="stretch"):
            st.markdown(f"**{_(sample.title)}**  \n{_(sample.description)}")
            st.caption(ngettext("{count} picture", "{count} pictures", sample.num_images))
            if sample.needs_network:
                st.badge(_("needs the internet"), icon=":material/cloud_download:", color="yellow")
            else:
                st.badge(_("already here"), icon=":material/check:", color="green")
            if st.button(_("Take these"), key=Key.SAMPLE.format(sample.name)):
                _begin(workspace, project_id, partial(samples.take_sample, workspace, project_id, sample.name))


class RefusedError(AppError):
    """Why the upload did not take a file: the sentence is the upload's own."""

    def __init__(self, refused: Refused):
        self.sentence = refused.problem
        super().__init__(**refused.values)


def _begin_upload(workspace: Workspace, project_id: str, upload: FolderUpload, take: Take) -> None:
    def take_and_note(on_progress: Progress) -> IntakeResult:
        refused = [(one.name, RefusedError(one)) for one in upload.refused]
        # Noted first: the reasons are worth most where nothing is left to take.
        intake.note_set_aside(workspace, project_id, refused)
        try:
            result = take(on_progress)
        except NothingToTakeError:
            if not refused:
                raise
            result = IntakeResult(num_taken=0, num_already_there=0, num_set_aside=0)
        return replace(result, num_set_aside=result.num_set_aside + len(refused))

    _begin(workspace, project_id, take_and_note, upload.discard)


def _begin(workspace: Workspace, project_id: str, take: Take, afterwards: Callable[[], None] | None = None) -> None:
    """Starts the intake in the background, and `afterwards` when it is over, however it ends."""

    def work(on_progress: Progress) -> IntakeResult:
        try:
            return take(on_progress)
        finally:
            if afterwards:
                afterwards()

    with pieces.errors_shown():
        try:
            intake.start_intake(workspace, project_id, work)
        except BaseException:
            # No thread was started that would do it.
            if afterwards:
                afterwards()
            raise
        state.session().uploads += 1
        st.rerun()


def progress(project_id: str) -> None:
    """Shows the intake of a project while it runs, and what came of it after."""
    status = intake.intake_status(project_id)
    if status and (status.result or status.error):
        _outcome(project_id)
    else:
        st.fragment(_running, run_every=REFRESH_SECONDS)(project_id)


def _running(project_id: str) -> None:
    status = intake.intake_status(project_id)
    if status is None or status.result or status.error:
        st.rerun()
    with st.container(border=True):
        downloading = max(status.done, status.total) > MOST_FILES
        doing = _("Downloading …") if downloading else _("Looking at every file …")
        st.markdown(f":material/hourglass_top: **{doing}**")
        write = size_text if downloading else number
        if status.total:
            text = _("{done} of {total}", done=write(status.done), total=write(status.total))
            st.progress(min(1.0, status.done / status.total), text=text)
        else:
            st.progress(0.0, text=write(status.done))
        st.caption(_("You can leave this page; it goes on."))


def _outcome(project_id: str) -> None:
    status = intake.intake_status(project_id)
    assert status is not None
    if status.error:
        st.error(plain(status.error.shown()), icon=":material/error:")
    elif status.result:
        sentence = _result_sentence(status.result)
        if status.result.num_taken or status.result.num_already_there:
            st.success(sentence, icon=":material/check_circle:")
        else:
            st.warning(sentence, icon=":material/report:")
    if st.button(_("All right"), key=Key.DISMISS_INTAKE, icon=":material/check:"):
        intake.dismiss_intake(project_id)
        st.rerun()


def _result_sentence(result: IntakeResult) -> str:
    sentences = [
        ngettext("{count} picture was taken in.", "{count} pictures were taken in.", result.num_taken),
        ngettext("{count} was already here.", "{count} were already here.", result.num_already_there),
        ngettext("{count} file was set aside.", "{count} files were set aside.", result.num_set_aside),
    ]
    counts = (result.num_taken, result.num_already_there, result.num_set_aside)
    return " ".join(text for text, count in zip(sentences, counts, strict=True) if count or text == sentences[0])
