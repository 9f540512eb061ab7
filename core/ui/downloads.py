"""What is taken home: the model, the zip around it, what is inside and how to use it."""

from pathlib import Path

import pandas as pd
import streamlit as st

from core import metrics, takehome
from core.backbones import CATALOG
from core.config import RunConfig
from core.readme import SYSTEMS, commands
from core.runs import Run
from core.text import _, language, number, percent
from core.ui import pieces, words
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.routes import download_url

ZIP_FILE = "headstart-model-{}.zip"  # one for each language, so that two readers do not pack over each other's


def facts(run: Run, config: RunConfig, predictions: pd.DataFrame) -> None:
    """Says in a row what this model is."""
    with st.container(horizontal=True, gap="medium"):
        if len(predictions):
            st.metric(
                _("Accuracy in validation"),
                percent(metrics.accuracy(predictions), 1),
                help=words.meaning("validation"),
                width="content",
            )
        st.metric(_("Classes"), number(len(config.labels)), width="content")
        st.metric(_("Backbone"), CATALOG[config.backbone].title, help=words.meaning("backbone"), width="content")
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
        _download(_("Download the zip"), file, takehome.zip_name(run.name), primary=True)


def model(run: Run) -> None:
    """Offers the model file alone."""
    st.markdown("### :material/deployed_code: " + _("The model alone"), anchors=False)
    st.markdown(
        _(
            "One Keras file. All preparation of the picture is inside: it takes raw red, green and blue values from "
            "0 to 255 and answers with a probability for each class."
        )
    )
    name = Path(takehome.zip_name(run.name)).with_suffix(".keras").name
    _download(_("Download model.keras"), run.folder / "model.keras", name)


def _zip_file(run: Run) -> Path:
    """Returns the run's zip in the reader's language, made where it is missing or no longer fresh."""
    with st.spinner(_("Packing …"), show_time=False):
        return takehome.package_zip(run.folder, run.folder / "exports" / ZIP_FILE.format(language()), run.name)


def _download(label: str, file: Path, name: str, *, primary: bool = False) -> None:
    st.link_button(
        f"{label} ({size_text(file.stat().st_size)})",
        download_url(file, name),
        icon=":material/download:",
        type="primary" if primary else "secondary",
    )


def recipe() -> None:
    """Shows the lines that use the zip, for each system."""
    st.markdown(_("Unpack the zip, open a terminal in its folder, and type:"))
    for system in SYSTEMS:
        with st.container(gap="xsmall"):
            st.markdown(f"**{system}**")
            for command in commands(system):  # each by itself: where one wraps, it must not look like two
                st.code(command, language=None, wrap_lines=True)
    st.caption(_("It needs Python 3.11 to 3.13, and the internet once, for the second line."))
