"""Words of the trade: each is explained in plain words right where a newcomer first meets it."""

import pytest

from core.ui import words
from core.ui.words import GLOSSARY
from tests.pages.reader import open_page, texts


def helps(app) -> dict[str, str]:
    """The help text beside each header, figure and choice, by what it stands beside."""
    found = {header.value: header.proto.help for header in app.header}
    found |= {metric.label: metric.help for metric in app.metric}
    for kind in ("slider", "select_slider", "radio", "toggle", "number_input", "selectbox"):
        found |= {one.label: one.help for one in getattr(app, kind)}
    return found


def explained(app) -> list[str]:
    """The words that the page offers to explain."""
    return [text.value.split("**")[1].rstrip(".") for text in app.markdown if text.value.startswith("**")]


@pytest.mark.parametrize(
    "beside", ["Backbone", "What stays frozen", "Head", "Dropout", "First epoch", "19 later epochs, each"]
)
def test_the_model_page_explains_beside_the_word(filled, beside):
    assert len(helps(open_page("model", project=filled.id, lang="en"))[beside]) > 40


def test_the_share_on_imagenet_is_explained_above_the_networks(filled):
    app = open_page("model", project=filled.id, lang="en")
    caption = next(one for one in app.caption if "1,000 kinds of things" in one.value)
    assert "Tiny ImageNet is a small part of it" in caption.proto.help


@pytest.mark.parametrize("beside", ["Right in training", "Right in validation", "Kept epoch"])
def test_the_figures_of_a_run_are_explained(filled, finished, beside):
    assert len(helps(open_page("train", project=filled.id, run=finished.id, lang="en"))[beside]) > 40


@pytest.mark.parametrize("beside", ["Accuracy", "Probable range", "Kept epoch", "What it confuses"])
def test_the_figures_of_the_results_are_explained(filled, finished, beside):
    assert len(helps(open_page("learned", project=filled.id, run=finished.id, lang="en"))[beside]) > 40


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("model", {"Backbone", "ImageNet and Tiny ImageNet", "Head", "Dropout", "Epoch"}),
        ("train", {"Epoch", "Batch", "Learning rate", "Training and validation", "Head", "Fine-tuning"}),
        ("learned", {"Validation", "Epoch"}),
    ],
)
def test_the_words_of_a_page_are_in_its_list(filled, finished, page, expected):
    assert expected <= set(explained(open_page(page, project=filled.id, run=finished.id, lang="en")))


def test_stopping_is_told_without_the_word_batch(filled, worker, own_process):
    worker.begin(*own_process)
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    stop = next(button for button in app.button if button.label == "Stop")
    assert "batch" not in stop.proto.help


def test_a_meaning_is_told_in_the_readers_language(filled):
    assert "Una ronda de práctica" in texts(open_page("train", project=filled.id, lang="es"))
    assert words.meaning("epoch") == GLOSSARY["epoch"][1]
