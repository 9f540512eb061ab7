"""A place to drop a folder of pictures, which sends thousands of files in batches while the page stays alive."""

from typing import Literal

import streamlit as st

from core.limits import Limits
from core.text import _, language
from core.ui import scripts, tokens, upload
from core.ui.batch import MAX_BATCH_FILES
from core.ui.routes import TOKEN_HEADER, UPLOAD_URL
from core.ui.upload import MAX_FILE_BYTES, MAX_FILES, MAX_UPLOAD_BYTES, FolderUpload

Kind = Literal["folder", "files", "project"]

BATCH_BYTES = 32 * 1024**2
HTML = """
<div class="zone" role="group">
  <input type="file" multiple tabindex="-1" aria-hidden="true">
  <div class="idle">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 7.5A2.5 2.5 0 0 1 5.5 5h3.6a2 2 0 0 1 1.4.6L12 7h6.5A2.5
      2.5 0 0 1 21 9.5v7a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 3 16.5z"/><path d="M12 16v-5m-2.3 2L12 10.7l2.3 2.3"/>
    </svg>
    <p class="title"></p>
    <p class="hint"></p>
    <div class="buttons">
      <button type="button" class="choose-folder primary"></button>
      <button type="button" class="choose-files"></button>
    </div>
  </div>
  <div class="busy" hidden>
    <div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><div></div></div>
    <p class="numbers"></p>
    <p class="time"></p>
    <button type="button" class="cancel"></button>
  </div>
  <div class="failed" hidden role="alert">
    <p class="sentence"></p>
    <div class="buttons">
      <button type="button" class="retry primary"></button>
      <button type="button" class="give-up"></button>
    </div>
  </div>
  <p class="news" role="status"></p>
</div>
"""

_component = st.components.v2.component(
    "headstart_folder_input",
    html=HTML,
    css=scripts.joined("folder_input.css"),
    js=scripts.joined("lasting.js", "sending.js", "folder_input.js"),
)


def folder_input(
    *,
    key: str,
    token: str,
    kind: Kind = "folder",
    hint: str = "",
    is_next: bool = True,
) -> FolderUpload | None:
    """Shows a drop zone and returns what was sent with it, once.

    Args:
        key: Names the element on the page.
        token: Comes from `tokens.issue_token`; says which project the files are for.
        kind: `folder` asks for a folder and also takes a zip or loose files; `files` asks for loose files,
            `project` for the file of a saved project.
        hint: A short sentence under the title, in the reader's language.
        is_next: Whether its button stands out, as that of what comes next.

    Returns:
        The upload in the first run after it was complete; None in every other.
    """
    result = _component(
        key=key,
        data={
            "url": UPLOAD_URL,
            "header": TOKEN_HEADER,
            "token": token,
            "kind": kind,
            "language": language(),
            "isNext": is_next,
            "limits": {
                "files": 1 if kind == "project" else MAX_FILES,
                "batchFiles": MAX_BATCH_FILES,
                "batchBytes": BATCH_BYTES,
                "fileBytes": MAX_FILE_BYTES,
                "uploadBytes": MAX_UPLOAD_BYTES,
                "zipFiles": Limits().num_files,
            },
            "words": _words(kind) | {"hint": hint},
        },
        on_upload_id_change=lambda: None,
    )
    upload_id = result.get("upload_id")
    return upload.claim(upload_id, tokens.project_of(token)) if isinstance(upload_id, str) else None


def _words(kind: Kind) -> dict[str, str]:
    """The words of the component; `{…}` places are filled in the browser."""
    asked = {
        "folder": {
            "title": _("Drop a folder here, or choose one"),
            "title_without_folders": _("Choose a zip file with one folder for each class"),
            "choose_files": _("Choose files or a zip"),
        },
        "files": {
            "title": _("Drop pictures here, or choose them"),
            "title_without_folders": _("Choose pictures"),
            "choose_files": _("Choose pictures"),
        },
        "project": {
            "title": _("Drop the file of a saved project here, or choose it"),
            "title_without_folders": _("Choose the file of a saved project"),
            "choose_files": _("Choose the file"),
        },
    }[kind]
    return asked | _working_words() | _error_words()


def _working_words() -> dict[str, str]:
    return {
        "choose_folder": _("Choose a folder"),
        "drop": _("Let go to add these files"),
        "reading": _("Looking into the folder. Files found so far: {files}"),
        "numbers": _("{done} of {files} files · {done_megabytes} of {megabytes} MB"),
        "seconds_left": _("about {seconds} seconds left"),
        "minutes_left": _("about {minutes} min left"),
        "finishing": _("almost there"),
        "cancel": _("Cancel"),
        "cancelled": _("Cancelled. Nothing was added."),
        "done": _("Everything has arrived. Files: {files}"),
        "retry": _("Try again"),
        "give_up": _("Start over"),
        "progress": _("Progress of the upload"),
    }


def _error_words() -> dict[str, str]:
    return {
        "error_network": _(
            "The connection was lost after {done} of {files} files. Check it and choose “Try again”: it goes on "
            "where it stopped."
        ),
        "error_forbidden": _(
            "This page has been open for too long to take files. Reload it and drop the folder again."
        ),
        "error_unknown": _("The upload was interrupted for too long. Choose “Start over” and drop the folder again."),
        "error_too_large": _(
            "This is more than fits at once: at most {limit_files} files and {limit_gigabytes} GB. Pack the folder "
            "into a zip and choose that, which may hold {zip_files} files; or add it in smaller parts."
        ),
        "error_disk_full": _(
            "There is not enough room left on the disk where Headstart keeps its pictures. Free some space and choose "
            "“Try again”."
        ),
        "error_empty": _("There is no file in there. Choose a folder that holds pictures."),
        "error_failed": _("The files could not be taken. Choose “Try again”; if it fails again, restart Headstart."),
    }
