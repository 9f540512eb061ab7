"""A camera that takes pictures in a burst while a button is held, and sends them while the page stays alive."""

import streamlit as st

from core.text import _, language
from core.ui import scripts, tokens, upload
from core.ui.routes import TOKEN_HEADER, UPLOAD_URL
from core.ui.upload import FolderUpload

MAX_SHOTS = 500
RATE = 4  # pictures a second
BATCH_FILES = 16
LONGEST_SIDE = 1024  # pixels
SHOT_BYTES = 400 * 1024  # more than a picture of that size usually takes
HTML = """
<div class="camera" role="group">
  <div class="stage">
    <video class="preview" playsinline muted></video>
    <div class="off">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4.5 7.5h3l1.4-2h6.2l1.4 2h3A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0
        0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5V9a1.5 1.5 0 0 1 1.5-1.5z"/><circle cx="12" cy="13" r="3.4"/></svg>
      <button type="button" class="turn-on primary"></button>
    </div>
    <span class="light" aria-hidden="true"></span>
  </div>
  <div class="strip" role="group"></div>
  <div class="controls">
    <p class="problem" role="alert"></p>
    <label><span class="rate-text"></span><input type="range" class="rate" min="1" max="15" step="1"></label>
    <button type="button" class="hold primary"></button>
    <p class="count"></p>
    <div class="failed" hidden role="alert">
      <p class="sentence"></p>
      <button type="button" class="retry"></button>
    </div>
    <div class="buttons keep">
      <button type="button" class="add primary"></button>
      <button type="button" class="discard"></button>
    </div>
    <p class="unsaved" hidden></p>
    <p class="news" role="status"></p>
    <div class="buttons small">
      <button type="button" class="switch" hidden></button>
      <button type="button" class="turn-off" hidden></button>
    </div>
  </div>
</div>
"""

_component = st.components.v2.component(
    "headstart_camera",
    html=HTML,
    css=scripts.joined("camera.css"),
    js=scripts.joined("lasting.js", "sending.js", "burst.js", "camera.js"),
)


def camera(
    *,
    key: str,
    token: str,
    label: str,
    upload_url: str = UPLOAD_URL,
    max_shots: int = MAX_SHOTS,
    is_next: bool = True,
) -> tuple[str, FolderUpload] | None:
    """Shows a camera and returns the pictures that were taken with it, once.

    They are JPEG files with a longest side of at most `LONGEST_SIDE` pixels, as the camera sees: only the preview is
    mirrored.

    Args:
        key: Names the element on the page.
        token: Comes from `tokens.issue_token`; says which project the pictures are for.
        label: The class that they are for; while it is empty, pictures can be taken and not added.
        upload_url: Where the batches go.
        max_shots: So many may wait to be added.
        is_next: Whether its buttons stand out, as those of what comes next.

    Returns:
        The class that the user added the pictures to, and the upload, in the first run after; None in every other.
    """
    result = _component(
        key=key,
        data={
            "url": upload_url,
            "header": TOKEN_HEADER,
            "token": token,
            "language": language(),
            "isNext": is_next,
            "label": label,
            "rate": RATE,
            "side": LONGEST_SIDE,
            "maxShots": max_shots,
            "shotBytes": SHOT_BYTES,
            "batchFiles": BATCH_FILES,
            "words": _working_words() | _problem_words() | _error_words(),
        },
        on_added_change=lambda: None,
    )
    added = result.get("added")
    if not added:
        return None
    claimed = upload.claim(str(added["upload_id"]), tokens.project_of(token))
    return (str(added["label"]), claimed) if claimed else None


def _working_words() -> dict[str, str]:
    """The words of the component; `{…}` places are filled in the browser."""
    return {
        "camera": _("Camera"),
        "preview": _("What the camera sees"),
        "turn_on": _("Turn on the camera"),
        "turn_off": _("Turn off the camera"),
        "use_front": _("Use the front camera"),
        "use_back": _("Use the back camera"),
        "use_next": _("Use the other camera"),
        "rate": _("Pictures a second: {rate}"),
        "hold": _("Hold to take pictures"),
        "holding": _("Taking pictures … let go to stop"),
        "count": _("Taken: {taken} · sent: {sent}"),
        "taken": _("Pictures waiting to be added: {taken}"),
        "strip": _("The last pictures"),
        "add": _("Add {taken} to “{label}”"),
        "unnamed": _("Choose the class first"),
        "adding": _("Adding …"),
        "added": _("Pictures added: {taken}"),
        "discard": _("Discard"),
        "discarded": _("Discarded. Nothing was added."),
        "unsaved": _(
            "They are not in the class yet. If you first leave this page or choose something other than the camera, "
            "they are lost."
        ),
        "retry": _("Try again"),
    }


def _problem_words() -> dict[str, str]:
    return {
        "problem_insecure": _(
            "Browsers open the camera only at an address that begins with https, or on the computer that Headstart "
            "runs on (localhost). Open Headstart there, or take the pictures with another program and add them as "
            "files."
        ),
        "problem_refused": _(
            "The browser does not let this page use the camera. Allow it at the sign beside the address, then choose "
            "“Turn on the camera” again."
        ),
        "problem_missing": _("No camera was found. Connect one and choose “Turn on the camera” again."),
        "problem_busy": _(
            "The camera gives no picture. Close other programs that use it, then choose “Turn on the camera” again."
        ),
        "problem_ended": _(
            "The camera has stopped. Check that it is connected, then choose “Turn on the camera” again."
        ),
        "problem_hidden": _(
            "The camera was turned off because this page was out of sight. Choose “Turn on the camera” to go on."
        ),
        "problem_limit": _("{limit} pictures are as many as can wait. Add or discard them, then take more."),
    }


def _error_words() -> dict[str, str]:
    return {
        "error_network": _("The connection was lost. Check it and choose “Try again”: no picture is lost."),
        "error_forbidden": _(
            "This page has been open for too long to take pictures. Reload it and take the pictures again."
        ),
        "error_unknown": _("Headstart was restarted meanwhile. Choose “Try again”: no picture is lost."),
        "error_disk_full": _(
            "There is not enough room left on the disk where Headstart keeps its pictures. Free some space and choose "
            "“Try again”."
        ),
        "error_failed": _("The pictures could not be sent. Choose “Try again”; if it fails again, restart Headstart."),
    }
