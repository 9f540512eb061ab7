"""Pictures that arrive: how far that is, and what came of it."""

import streamlit as st

from core import intake
from core.intake import IntakeStatus
from core.taking import IntakeResult
from core.text import _, ngettext, number
from core.ui.live import duration
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key
from core.workspace import Workspace

REFRESH_SECONDS = 0.5


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
            _undo_button(workspace, project_id, status.result.num_taken)


def _undo_button(workspace: Workspace, project_id: str, num_taken: int) -> None:
    if st.button(
        ngettext("Undo: {count} picture taken in", "Undo: {count} pictures taken in", num_taken),
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
