"""What a finished run is worth, in words a beginner reads: headline, what is confused, scores for each class."""

from typing import Any

import pandas as pd
import streamlit as st

from core import charts, metrics
from core.runs import Run
from core.text import _, ngettext, number, percent
from core.ui import navigation, pieces, state, words
from core.ui.markup import plain
from core.ui.state import Key
from core.ui.words import SPLITS

NARROW_PIXELS, SHARE_PIXELS = 72, 100  # columns that fit on a phone beside the names of the classes


def choose_split(run: Run) -> str:
    """Lets the reader look at the test pictures too, where the run has any."""
    if metrics.read_predictions(run.folder, "test").empty:
        return "validation"
    return (
        st.segmented_control(
            _("Pictures for"),
            ["validation", "test"],
            format_func=lambda name: _(SPLITS[name]),
            default="validation",
            required=True,
            key=Key.SPLIT,
            help=words.meaning("split"),
        )
        or "validation"
    )


def headline(run: Run, predictions: pd.DataFrame) -> None:
    """Says how many it got right, how sure that is, and how long it took."""
    right = int((predictions["label"] == predictions["predicted"]).sum())
    low, high = metrics.accuracy_interval(predictions)
    with st.container(border=True):
        with st.container(horizontal=True, gap="medium"):
            st.metric(
                _("Accuracy"),
                percent(metrics.accuracy(predictions), 1),
                help=words.meaning("accuracy"),
                width="content",
            )
            st.metric(
                _("Right"),
                _("{right} of {total}", right=number(right), total=number(len(predictions))),
                width="content",
            )
            st.metric(
                _("Probable range"),
                _("{low} to {high}", low=percent(low), high=percent(high)),
                help=_("Where the accuracy on new pictures of the same kind probably lies (95 %)."),
                width="content",
            )
            st.metric(
                _("Kept epoch"),
                number(state.history(run).best_epoch),
                help=words.meaning("kept_epoch"),
                width="content",
            )
        st.markdown(
            ngettext(
                "These are {count} picture that it never practised on.",
                "These are {count} pictures that it never practised on.",
                len(predictions),
            )
        )


def like_guessing(run: Run, predictions: pd.DataFrame) -> None:
    """Says that it is no better than guessing, and what to try next.

    Args:
        run: One that has a model.
        predictions: Of the pictures that are looked at, from `metrics.read_predictions`.
    """
    label, share = metrics.best_guess(predictions)
    with st.container(border=True, key=Key.LIKE_GUESSING):
        st.warning(_guess_sentence(len(predictions), label, share), icon=":material/casino:")
        st.markdown(_("What to try next, best first:") + "".join(f"\n1. {hint}" for hint in _hints(run)))
        with st.container(horizontal=True):
            navigation.link("images", _("Bring in pictures"))
            navigation.link("model", _("Change the network"))
            navigation.link("train", _("Train again"), run=None)


def _guess_sentence(num_pictures: int, label: str, share: float) -> str:
    return ngettext(
        "This cannot be told from guessing, as far as {count} picture can tell: always saying “{label}” would be right "
        "for {share}.",
        "This cannot be told from guessing, as far as {count} pictures can tell: always saying “{label}” would be "
        "right for {share} of them.",
        num_pictures,
        label=plain(label),
        share=percent(share),
    )


def _hints(run: Run) -> list[str]:
    hints = [_("More pictures of each class: a few dozen at least, and unlike each other.")]
    phases = state.history(run).phases
    if phases and phases[-1].frozen_layers:
        hints.append(_("Fewer frozen stages, so that more of the network learns your pictures."))
    return [
        *hints,
        _("More epochs, where the loss in validation was still falling."),
        _("Another network, which may see what sets your classes apart."),
    ]


def confusion(predictions: pd.DataFrame, labels: tuple[str, ...]) -> None:
    """Draws which classes were taken for which."""
    figure = charts.confusion(metrics.confusion(predictions, labels))
    # The live chart counts the points of every trace along x or y, which a heatmap need not name.
    places = list(range(len(labels)))
    figure.update_traces(x=places, y=places, selector={"type": "heatmap"})
    pieces.chart(
        figure,
        key=Key.CONFUSION,
        alt=_("Confusion matrix: rows are what is in the picture, columns what the network said."),
    )


def class_table(scores: pd.DataFrame) -> None:
    """Shows precision and recall of each class as bars in a table."""
    hundredths = scores[["precision", "recall"]] * 100
    st.dataframe(
        scores[["label", "images"]].join(hundredths),
        hide_index=True,
        column_config={
            "label": _("Class"),
            "images": st.column_config.NumberColumn(_("Pictures"), width=NARROW_PIXELS),
            "precision": _share_column(_("Precision"), _("When it says this class, how often that is true.")),
            "recall": _share_column(_("Recall"), _("Of the pictures of this class, how many it found.")),
        },
        alt=_("Table of the classes with the number of pictures, precision and recall."),
    )


def _share_column(title: str, help_text: str) -> Any:
    written = percent(0.0).replace("%", "%%").replace("0", "%.0f")
    return st.column_config.ProgressColumn(
        title, width=SHARE_PIXELS, help=help_text, min_value=0.0, max_value=100.0, format=written
    )


def training_charts(run: Run) -> None:
    """Draws how accuracy and loss went."""
    story = state.history(run)
    left, right = st.columns(2, gap="medium")
    with left:
        pieces.chart(
            charts.history(story.epochs, story.progress, "accuracy", phases=story.phases),
            key=Key.CHART_ACCURACY,
            alt=_("Line chart: accuracy on training and validation pictures over the epochs."),
        )
    with right:
        pieces.chart(
            charts.history(story.epochs, story.progress, "loss", phases=story.phases),
            key=Key.CHART_LOSS,
            alt=_("Line chart: loss on training and validation pictures over the epochs."),
        )
