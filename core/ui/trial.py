"""Trying a trained network: pictures in, bars of probability out, and how long it took."""

import time
from typing import Any

import numpy as np
import streamlit as st

from core import charts, jobs, predict
from core import pictures as decoding
from core.errors import AppError
from core.runs import Run
from core.text import N_, _, ngettext, number, percent
from core.ui import pieces, sharing, state
from core.ui.markup import plain
from core.ui.state import Key

SOURCES = {"files": N_("Pictures"), "camera": N_("Camera")}
SHOWN_PIXELS = 320
NEARLY = 2 / 3  # of the best probability: from there on the second one is worth a word
MAX_PICTURE_MB = 50
PICTURE_TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "heic", "heif"]


def who_answers(run: Run) -> None:
    """Says so where the quick model does not agree with Keras, and Keras answers instead."""
    if not _answers_quickly(run):
        st.warning(
            _(
                "For this network the quick model does not agree with Keras closely enough, so Keras itself answers. "
                "That takes some seconds."
            ),
            icon=":material/hourglass_bottom:",
        )


def _answers_quickly(run: Run) -> bool:
    exported = state.history(run).exported
    return bool(exported and exported.agrees)


def ask(source: str) -> list[Any]:
    """Shows the uploader or the camera and returns the pictures given, as files."""
    if source == "camera":
        told = _("Browsers allow the camera only on this machine (localhost) or over https.")
        st.caption(told if sharing.is_shared() else told + " " + _("Nothing leaves this machine."))
        shot = st.camera_input(_("Take a picture"), key=Key.TRY_CAMERA)
        return [shot] if shot else []
    return (
        st.file_uploader(
            _("Drop one picture or several"),
            type=PICTURE_TYPES,
            accept_multiple_files=True,
            max_upload_size=MAX_PICTURE_MB,
            key=Key.TRY_FILES,
        )
        or []
    )


def answer(run: Run, labels: tuple[str, ...], files: list[Any]) -> None:
    """Shows each picture beside the probabilities of the classes; what cannot be read is named with the reason."""
    readable = [(file, shown) for file in files if (shown := _decoded(file)) is not None]
    if not readable:
        return
    with pieces.errors_shown():
        began = time.perf_counter()
        probabilities = _probabilities(run, [file.getvalue() for file, _shown in readable])
        milliseconds = (time.perf_counter() - began) * 1000
        st.caption(
            ngettext(
                "{count} picture in {milliseconds} ms",
                "{count} pictures in {milliseconds} ms",
                len(readable),
                milliseconds=number(milliseconds),
            )
        )
        for index, (file, shown) in enumerate(readable):
            _card(index, file.name, shown, labels, probabilities[index])


def _decoded(file: Any) -> np.ndarray | None:
    """Returns the picture as it is shown, or says by the file's name why it cannot be read."""
    try:
        return decoding.decode(file.getvalue(), SHOWN_PIXELS)
    except AppError as error:
        st.error(f"**{plain(file.name)}** {plain(error.shown())}", icon=":material/error:")
        return None


def _probabilities(run: Run, pictures: list[bytes]) -> np.ndarray:
    if _answers_quickly(run):
        return predict.predict(run.folder, list(pictures))
    with st.spinner(_("Keras is looking …")):
        return jobs.predict_with_keras(run, pictures)


def _card(index: int, name: str, shown: np.ndarray, labels: tuple[str, ...], values: np.ndarray) -> None:
    best, second = (int(index) for index in (-values).argsort()[:2])
    with st.container(border=True):
        left, right = st.columns([1, 2], gap="medium", vertical_alignment="center")
        with left:
            pieces.picture(shown, alt=name)
            pieces.file_name(name)
        right.markdown(f"### {plain(labels[best])} :gray[{percent(float(values[best]), 1)}]", anchors=False)
        if values[second] > values[best] * NEARLY:
            right.markdown(
                ":material/help: "
                + _("It is not sure: it could as well be {label}.", label=f"**{plain(labels[second])}**")
            )
        with right:
            pieces.chart(
                charts.probabilities(list(labels), values.tolist()),
                key=Key.PROBABILITIES.format(index),
                alt=_("Bar chart: how probable each class is for this picture."),
            )
