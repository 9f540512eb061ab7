"""Pieces that several pages share: user's text as text, what is missing, errors, explanations."""

import base64
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image
from plotly.graph_objects import Figure

from core import best, dataset, intake, runs
from core.errors import AppError
from core.runs import Run, State
from core.text import N_, _, number, shortened
from core.ui import navigation, state, words
from core.ui.live_chart import live_chart
from core.ui.markup import plain
from core.ui.state import Key, Place

logger = logging.getLogger(__name__)

CHART_HEIGHT = 300
SHOWN_QUALITY = 90
ICON_WIDTH = 24  # of a button, in pixels: of its label, which is heard all the same, nothing is seen beside the icon
NAME_LETTERS = 20  # of a file, in one line below a small picture

STATE_WORDS = {
    State.QUEUED: (N_("waiting"), ":material/hourglass_empty:", "yellow"),
    State.RUNNING: (N_("running"), ":material/play_arrow:", "orange"),
    State.PAUSING: (N_("pausing"), ":material/pause_circle:", "yellow"),
    State.PAUSED: (N_("paused"), ":material/pause:", "blue"),
    State.STOPPING: (N_("stopping"), ":material/stop_circle:", "yellow"),
    State.FINISHED: (N_("finished"), ":material/check:", "green"),
    State.STOPPED: (N_("stopped"), ":material/stop:", "gray"),
    State.FAILED: (N_("failed"), ":material/error:", "red"),
    State.LOST: (N_("broke off"), ":material/help:", "red"),
}


@contextmanager
def errors_shown() -> Iterator[None]:
    """Shows what a user can put right as a message in the page, in the reader's language."""
    try:
        yield
    except AppError as error:
        st.error(plain(error.shown()), icon=":material/error:")


def show_bug(error: Exception) -> bool:
    """Shows one calm sentence for what is a mistake of Headstart's own; for `st.App`'s `on_script_error`.

    Returns:
        True: nothing else is shown. The traceback is in the server's log.
    """
    logger.error("A page could not be shown.", exc_info=error)
    st.error(
        _("Something went wrong here, and it is not your fault. Your pictures and models are safe. Reload the page."),
        icon=":material/error:",
    )
    return True


def picture(pixels: np.ndarray, *, alt: str) -> None:
    """Shows a picture, which goes to its reader alone: it has no address that somebody else could open.

    Args:
        pixels: uint8 (height, width, 3).
        alt: For those who cannot see it.
    """
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=SHOWN_QUALITY)
    st.image(f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}", width="stretch", alt=alt)


def missing(sentence: str, step: str, label: str) -> NoReturn:
    """Says what a page still needs, links to where it is supplied, and ends the page."""
    with st.container(border=True):
        st.markdown(f":material/info: {sentence}")
        navigation.link(step, label)
    st.stop()


def require_project(at: Place) -> None:
    """Ends the page where no project is open."""
    if at.project is None:
        missing(_("No project is open. Choose one, or make a new one."), "projects", _("To the projects"))


def require_images(at: Place) -> pd.DataFrame:
    """Returns the open project's images; ends the page where they cannot be trained on yet."""
    require_project(at)
    assert at.project is not None
    table = dataset.images(at.workspace, at.project.id)
    if table.empty:
        status = intake.intake_status(at.workspace, at.project.id)
        if status and not status.is_over:
            missing(_("Pictures are being taken in. Wait until that is done."), "images", _("See how far it is"))
        missing(_("There are no pictures in this project yet."), "images", _("Bring in pictures"))
    try:
        dataset.check_trainable(table)
    except AppError as error:
        missing(plain(error.shown()), "images", _("To the pictures"))
    return table


def is_trainable(table: pd.DataFrame) -> bool:
    """Says whether there is something to tell apart; where not, shows what is missing."""
    with errors_shown():
        dataset.check_trainable(table)
        return True
    return False


def require_model(at: Place) -> Run:
    """Returns the run that the page is about: the one in the address, else the usual one. Ends the page without any."""
    require_project(at)
    assert at.project is not None
    with_model = [run for run in runs.list_runs(at.workspace, at.project.id) if run.has_model]
    if at.run and not at.run.state.is_over:
        missing(_("This run is not over yet. Its model is there when the training ends."), "train", _("Watch it train"))
    if not with_model:
        missing(_("Nothing has been trained in this project yet."), "train", _("To the training"))
    best_so_far = best.best_run(at.workspace, with_model)
    run = next((run for run in with_model if at.run and run.id == at.run.id), best_so_far or with_model[0])
    return choose_run(with_model, run, best_so_far)


def choose_run(own_runs: list[Run], chosen: Run, best_so_far: Run | None) -> Run:
    """Lets the reader choose among several runs, and keeps the choice in the address."""
    names = {run.id: run_label(run, is_best=run == best_so_far) for run in own_runs}
    if len(own_runs) > 1:
        key = state.in_words(Key.RUN)
        picked = st.selectbox(
            _("Run"),
            list(names),
            index=list(names).index(chosen.id),
            format_func=lambda run_id: names.get(run_id, run_id),
            key=key,
            on_change=_follow_choice,
            args=(key,),
        )
        chosen = next(run for run in own_runs if run.id == picked)
    if st.query_params.get(state.RUN_PARAMETER) != chosen.id:
        st.query_params[state.RUN_PARAMETER] = chosen.id
    return chosen


def _follow_choice(key: str) -> None:
    st.query_params[state.RUN_PARAMETER] = st.session_state[key]


def run_label(run: Run, *, is_best: bool) -> str:
    """Returns a run's name with its state, as plain text, and says so where it is the best."""
    parts = [run.name, _(STATE_WORDS[run.state][0]), _("best so far") if is_best else ""]
    return " · ".join(filter(None, parts))


def state_badge(run_state: State, note: str = "") -> None:
    """Shows a run's state as a coloured badge with an icon, so that colour alone carries nothing.

    Args:
        run_state: Which.
        note: What more is told of it in the badge; empty for nothing.
    """
    word, icon, color = STATE_WORDS[run_state]
    st.badge(" · ".join(filter(None, (_(word), note))), icon=icon, color=color)  # type: ignore[arg-type]


def explain(*names: str) -> None:
    """Offers short explanations of words, side by side with the step that uses them."""
    with st.expander(_("What do these words mean?"), icon=":material/lightbulb:"):
        for name in names:
            term, meaning = words.GLOSSARY[name]
            st.markdown(f"**{_(term)}.** {_(meaning)}")


def size_text(size_bytes: int) -> str:
    """Writes a file size in megabytes, in kilobytes below one, in gigabytes from one thousand on."""
    if size_bytes < 1_000_000:
        return _("{size} KB", size=number(size_bytes / 1000))
    if size_bytes >= 1_000_000_000:
        return _("{size} GB", size=number(size_bytes / 1_000_000_000, 1))
    return _("{size} MB", size=number(size_bytes / 1_000_000, 1 if size_bytes < 10_000_000 else 0))


def file_name(name: str) -> None:
    """Shows a picture's name, without folders and with its middle cut out where long; whole where one points at it."""
    short = shortened(PurePosixPath(name).name, NAME_LETTERS)
    st.caption(plain(short), help=plain(name) if short != name else None)


def asks(label: str, key: str, **look: Any) -> bool:
    """Shows a button that opens a question, and says whether that question is open.

    An open question is remembered in the session, so that it stays open however often the page is drawn again.
    """
    st.button(label, key=key, on_click=_open_question, args=(key,), **look)
    return state.session().question == key


def _open_question(key: str) -> None:
    state.session().question = key


def close_question() -> None:
    """Closes the open question at the next run."""
    state.session().question = ""


def confirm(title: str, question: str, yes: str, action: Callable[[], object]) -> None:
    """Asks before something that is lost or out of sight afterwards, and does it after a yes."""

    @st.dialog(title, icon=":material/delete:", on_dismiss=close_question)
    def dialog() -> None:
        st.markdown(question)
        with st.container(horizontal=True, horizontal_alignment="right"):
            cancelled = st.button(_("Cancel"), key=Key.CANCEL)
            agreed = st.button(yes, key=Key.CONFIRM, type="primary", icon=":material/delete:")
        with errors_shown():
            if agreed:
                with st.spinner(_("One moment …")):
                    action()
            if agreed or cancelled:
                close_question()
                st.rerun()

    dialog()


def chart(figure: Figure, *, key: str, alt: str) -> None:
    """Shows a figure in the colours of the page's theme, as tall as it wants to be."""
    live_chart(figure, key=key, height=int(figure.layout.height or CHART_HEIGHT), alt=alt)
