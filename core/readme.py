"""The README that goes home with a model: what it is, how well it does, how to use it, and what it cannot do."""

import re
from pathlib import Path

import pandas as pd

from core import metrics
from core.backbones import CATALOG
from core.config import RunConfig
from core.text import _, ngettext, number, percent

CONFIDENCE = 0.95
COMMANDS = (
    "{python} -m venv .venv",
    "{folder}pip install -r requirements.txt",
    "{folder}python predict.py picture.jpg",
)
# What starts Python on each system, and where the programs of a virtual environment lie.
SYSTEMS = {"Windows": ("py", ".venv\\Scripts\\"), "macOS, Linux": ("python3", ".venv/bin/")}


def write_readme(run_folder: Path, title: str) -> str:
    """Returns the README of a run's model as Markdown, in the present reader's language.

    Args:
        run_folder: The folder of a run that has predictions.
        title: What the model is called. Like the labels it is shown as it is, and never read as markup.

    Raises:
        NoResultsYetError: The run has no predictions.
    """
    config = RunConfig.from_json((run_folder / "config.json").read_text(encoding="utf-8"))
    images = pd.read_parquet(run_folder / "images.parquet")
    paragraphs = [
        "# " + as_markdown(title),
        _intro(config),
        "## " + _("How well it does"),
        *_accuracies(run_folder),
        "## " + _("How to use it"),
        *_usage(),
        "## " + _("What goes in and what comes out"),
        *_contract(config),
        "## " + _("What it learned from"),
        _image_table(images, config),
        "## " + _("What to keep in mind"),
        _("The model answers with one of its classes for every picture, also for one that shows none of them."),
        _("Pictures unlike those it learned from (another camera, light or background) get worse answers."),
        "## " + _("Where it comes from"),
        _origin(config),
    ]
    return "\n\n".join(paragraphs) + "\n"


def as_markdown(text: str) -> str:
    """Makes Markdown show `text` on one line just as it is written."""
    return re.sub(r"([\\`*_\[\]<>#|~&$])", r"\\\1", " ".join(text.split()))


def _intro(config: RunConfig) -> str:
    labels = ", ".join(as_markdown(label) for label in config.labels)
    return ngettext(
        "This model looks at a picture and says which of {count} class it shows: {labels}. It was made with Headstart.",
        "This model looks at a picture and says which of {count} classes it shows: {labels}. "
        "It was made with Headstart.",
        len(config.labels),
        labels=labels,
    )


def _accuracies(run_folder: Path) -> list[str]:
    test = metrics.read_predictions(run_folder, "test")
    sentences = [
        _(
            "Accuracy on {images} validation pictures, which it did not learn from: {accuracy}. "
            "On new pictures of the same kind expect between {low} and {high} ({confidence} interval).",
            **_accuracy(metrics.read_predictions(run_folder, "validation")),
        ),
        _("Which epoch was kept was decided on these pictures too, so the truth may lie a little lower."),
    ]
    if len(test):
        sentences.append(
            _(
                "Accuracy on {images} test pictures: {accuracy} ({confidence} interval: {low} to {high}).",
                **_accuracy(test),
            )
        )
    return sentences


def _accuracy(predictions: pd.DataFrame) -> dict[str, str]:
    low, high = metrics.accuracy_interval(predictions, CONFIDENCE)
    return {
        "images": number(len(predictions)),
        "accuracy": percent(metrics.accuracy(predictions)),
        "low": percent(low),
        "high": percent(high),
        "confidence": percent(CONFIDENCE),
    }


def commands(system: str) -> list[str]:
    """Returns the lines to type on one of `SYSTEMS` to name a picture."""
    python, folder = SYSTEMS[system]
    return [command.format(python=python, folder=folder) for command in COMMANDS]


def _usage() -> list[str]:
    return [
        _(
            "You need Python 3.11, 3.12 or 3.13 from https://www.python.org; a Mac needs an Apple chip. "
            "Open a terminal in this folder and type the three commands below, the first two only once. "
            "Put the name of your picture in place of picture.jpg."
        ),
        *("\n".join([f"{system}:", "", "```", *commands(system), "```"]) for system in SYSTEMS),
        _("Several pictures may be named one after the other. With `--json` every probability is printed."),
    ]


def _contract(config: RunConfig) -> list[str]:
    return [
        _("In a program of your own, {code} opens the model.", code='`keras.models.load_model("model.keras")`'),
        _(
            "In: float32 RGB values from 0 to 255, shape `(pictures, {size}, {size}, 3)`, each picture stretched to "
            "{size} × {size} pixels. Nothing else has to be prepared: that is inside the model. "
            "`decode` in `predict.py` shows how a file is read.",
            size=config.image_size,
        ),
        _(
            "Out: probabilities from 0 to 1, shape `(pictures, {classes})`, in the order of the lines of `labels.txt`.",
            classes=len(config.labels),
        ),
    ]


def _image_table(images: pd.DataFrame, config: RunConfig) -> str:
    counts = pd.crosstab(images["label"], images["split"])
    counts = counts.reindex(index=list(config.labels), columns=["train", "validation", "test"], fill_value=0)
    header = [_("Class"), _("Training"), _("Validation"), _("Test")]
    rows = [header, ["---", "--:", "--:", "--:"]]
    rows += [
        [as_markdown(str(label)), *map(number, row)] for label, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _origin(config: RunConfig) -> str:
    backbone = CATALOG[config.backbone]
    if config.start == "scratch":
        return _("It was trained from scratch, with the architecture {backbone}.", backbone=backbone.title)
    return _(
        "It builds on the pretrained network {backbone} ({source}, {url}), whose weights are under this licence: "
        "{licence}.",
        backbone=backbone.title,
        source=backbone.source_title,
        url=backbone.source_url,
        licence=backbone.licence,
    )
