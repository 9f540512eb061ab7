"""What is taken home: the model, the zip around it, what is inside and how to use it."""

from pathlib import Path

import pandas as pd
import streamlit as st

from core import metrics, takehome
from core.backbones import CATALOG
from core.config import RunConfig
from core.runs import Run
from core.text import _, number, percent
from core.ui import pieces
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.routes import download_url

ZIP_FILE = "headstart-model.zip"


def facts(run: Run, config: RunConfig, predictions: pd.DataFrame) -> None:
    """Says in a row what this model is."""
    with st.container(horizontal=True, gap="medium"):
        if len(predictions):
            st.metric(_("Accuracy in validation"), percent(metrics.accuracy(predictions), 1), width="content")
        st.metric(_("Classes"), number(len(config.labels)), width="content")
        st.metric(_("Backbone"), CATALOG[config.backbone].title, width="content")
        st.metric(_("Picture size"), f"{config.image_size} × {config.image_size}", width="content")
    st.caption(_("Classes: {labels}", labels=", ".join(plain(label) for label in config.labels)))


def package(run: Run) -> None:
    """Offers the zip with everything."""
    st.markdown("### :material/folder_zip: " + _("Everything, in a zip"), anchors=False)
    st.markdown(
        "\n".join(
            (
                "- `model.keras` " + _("the trained network"),
                "- `labels.txt` " + _("the names of the classes, in order"),
                "- `predict.py` " + _("a short program that names pictures"),
                "- `requirements.txt` " + _("what it needs"),
                "- `README.md` " + _("how to use it, and how good it is"),
            )
        )
    )
    with pieces.errors_shown():
        file = _zip_file(run)
        _download(_("Download the zip"), file, f"{file_stem(run)}.zip", primary=True)


def model(run: Run) -> None:
    """Offers the model file alone."""
    st.markdown("### :material/deployed_code: " + _("The model alone"), anchors=False)
    st.markdown(
        _(
            "One Keras file. All preparation of the picture is inside: it takes raw red, green and blue values from "
            "0 to 255 and answers with a probability for each class."
        )
    )
    _download(_("Download model.keras"), run.folder / "model.keras", f"{file_stem(run)}.keras")


def _zip_file(run: Run) -> Path:
    """Returns the run's zip, made on the first visit and kept in its folder."""
    file = run.folder / "exports" / ZIP_FILE
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        with st.spinner(_("Packing …")):
            takehome.package_zip(run.folder, file, run.name)
    return file


def _download(label: str, file: Path, name: str, *, primary: bool = False) -> None:
    st.link_button(
        f"{label} ({size_text(file.stat().st_size)})",
        download_url(file, name),
        icon=":material/download:",
        type="primary" if primary else "secondary",
    )


def file_stem(run: Run) -> str:
    """Returns a run's name made of letters, digits and dashes, for files of any system."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in run.name).split()
    return "-".join(["headstart", *words])[:60].lower()


def recipe() -> None:
    """Shows the three lines that use the zip."""
    st.markdown(_("Unpack the zip, open a terminal in its folder, and type:"))
    st.code(
        "python -m venv .venv && . .venv/bin/activate\npip install -r requirements.txt\npython predict.py picture.jpg",
        language="bash",
    )
    st.caption(_("It needs Python 3.11 to 3.13, and the internet once, for the second line."))
