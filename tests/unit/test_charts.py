"""core.charts: tables in, plotly figures out."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from core import charts, text
from core.charts import look
from core.events import PhaseBegun

EPOCHS = pd.DataFrame(
    {
        "epoch": [1, 2, 3, 4],
        "phase": [1, 1, 2, 2],
        "loss": [0.9, 0.7, 0.5, 0.4],
        "accuracy": [0.5, 0.6, 0.7, 0.8],
        "val_loss": [1.0, 0.8, 0.7, 0.75],
        "val_accuracy": [0.4, 0.55, 0.65, 0.6],
        "best": [True, True, True, False],
    }
)
PROGRESS = pd.DataFrame({"position": [0.5, 1.0, 1.5], "loss": [1.0, 0.9, 0.8], "accuracy": [0.4, 0.5, 0.55]})
TRAINING, VALIDATION, BEST = 1, 2, 3  # the place of each line in the figure; 0 are the points within epochs


@pytest.fixture
def spanish():
    text.set_language_source(lambda: "es")
    yield
    text.set_language_source(lambda: text.DEFAULT_LANGUAGE)


def phase(number: int, first_epoch: int) -> PhaseBegun:
    return PhaseBegun(
        phase=number, first_epoch=first_epoch, frozen_layers=0, trainable_parameters=1, non_trainable_parameters=0
    )


def text_of(figure) -> str:
    return figure.to_json()


def test_accuracy_is_drawn_in_per_cent_from_0_to_100():
    figure = charts.history(EPOCHS, PROGRESS, "accuracy")
    assert list(figure.data[TRAINING].y) == pytest.approx([50, 60, 70, 80])
    assert list(figure.data[VALIDATION].y) == pytest.approx([40, 55, 65, 60])
    assert list(figure.data[0].y) == pytest.approx([40, 50, 55])
    assert figure.layout.yaxis.range == (0, 100)


def test_loss_is_drawn_as_it_is():
    figure = charts.history(EPOCHS, PROGRESS, "loss")
    assert list(figure.data[VALIDATION].y) == pytest.approx([1.0, 0.8, 0.7, 0.75])


def test_one_epoch_already_shows():
    training = charts.history(EPOCHS.head(1), PROGRESS, "loss").data[TRAINING]
    assert "markers" in training.mode
    assert list(training.x) == [1]


def test_within_the_first_epoch_the_axis_begins_at_its_begin():
    assert charts.history(EPOCHS.head(0), PROGRESS.head(1), "loss").layout.xaxis.range == (0, 1)


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_before_the_first_batch_the_chart_is_empty_but_whole(metric):
    figure = charts.history(EPOCHS.head(0), PROGRESS.head(0), metric)
    assert [len(trace.x) for trace in figure.data] == [0, 0, 0, 0]
    assert figure.layout.xaxis.range == (0, 1)
    assert not figure.layout.shapes


def test_an_update_keeps_zoom_and_the_order_of_lines():
    early, late = (charts.history(EPOCHS.head(count), PROGRESS, "loss") for count in (1, 4))
    assert early.layout.uirevision == late.layout.uirevision is not None
    assert [trace.name for trace in early.data] == [trace.name for trace in late.data]


def test_the_kept_epoch_is_marked_and_not_the_last():
    best = charts.history(EPOCHS, PROGRESS, "accuracy").data[BEST]
    assert list(best.x) == [3]
    assert list(best.y) == pytest.approx([65])


def test_the_line_stands_where_fine_tuning_begins():
    figure = charts.history(EPOCHS, PROGRESS, "loss")
    assert [(shape.x0, shape.line.dash) for shape in figure.layout.shapes] == [(2, "dot")]


def test_the_line_does_not_wait_for_the_first_fine_tuned_epoch():
    figure = charts.history(EPOCHS.head(2), PROGRESS, "loss", phases=[phase(1, 1), phase(2, 3)])
    assert [shape.x0 for shape in figure.layout.shapes] == [2]


def test_one_phase_has_no_such_line():
    assert not charts.history(EPOCHS.head(2), PROGRESS, "loss", phases=[phase(1, 1)]).layout.shapes


def test_a_loss_that_is_not_a_number_becomes_a_gap():
    broken = EPOCHS.assign(loss=[0.9, math.nan, math.nan, math.nan])
    assert math.isnan(charts.history(broken, PROGRESS, "loss").data[TRAINING].y[3])


MATRIX = pd.DataFrame([[3, 1], [0, 0]], index=["7", "<b>"], columns=["7", "<b>"])


def test_right_answers_and_mistakes_are_told_apart():
    right, wrong, _texts = charts.confusion(MATRIX).data
    assert np.nan_to_num(np.array(right.z), nan=-1).tolist() == [[75, -1], [-1, -1]]
    assert np.nan_to_num(np.array(wrong.z), nan=-1).tolist() == [[-1, 25], [-1, -1]]


def test_each_cell_says_count_and_share_of_the_true_class():
    texts = charts.confusion(MATRIX).data[2]
    assert dict(zip(zip(texts.y, texts.x, strict=True), texts.text, strict=True)) == {
        (0, 0): "3<br>75%",
        (0, 1): "1<br>25%",
        (1, 0): "0",
        (1, 1): "0",
    }


def test_true_classes_run_downwards_from_the_first():
    axis = charts.confusion(MATRIX).layout.yaxis
    assert axis.autorange == "reversed"
    assert axis.ticktext[0] == "7"


@pytest.mark.parametrize("num_classes", [2, 8, 20, 50])
def test_a_matrix_stays_within_a_screen_or_two(num_classes):
    labels = [f"class number {index}" for index in range(num_classes)]
    figure = charts.confusion(pd.DataFrame(np.eye(num_classes, dtype=int), index=labels, columns=labels))
    assert 300 <= figure.layout.height <= 1000
    assert len(figure.layout.xaxis.ticktext) == num_classes


def test_many_classes_are_shown_without_texts_in_the_cells():
    labels = [str(index) for index in range(50)]
    figure = charts.confusion(pd.DataFrame(np.eye(50, dtype=int), index=labels, columns=labels))
    assert [trace.type for trace in figure.data] == ["heatmap", "heatmap"]


def test_probabilities_show_the_five_likeliest_with_the_first_emphasised():
    values = np.array([0.05, 0.6, 0.1, 0.03, 0.02, 0.2], dtype=np.float32)
    bars = charts.probabilities(list("abcdef"), values)
    assert list(bars.layout.yaxis.ticktext) == ["b", "f", "c", "a", "d"]
    assert list(bars.data[0].text) == ["60.0%", "20.0%", "10.0%", "5.0%", "3.0%"]
    colours = bars.data[0].marker.color
    assert colours[0] == look.BLUE
    assert len(set(colours[1:])) == 1 and colours[1] != colours[0]


def test_fewer_classes_than_five_are_all_shown():
    assert len(charts.probabilities(["a", "b"], [0.4, 0.6]).data[0].x) == 2


COUNTS = pd.DataFrame(
    {"label": ["1", "2"], "images": [10, 8], "train": [8, 0], "validation": [2, 0], "test": [0, 0]},
)


def test_class_counts_are_stacked_by_split_and_leave_out_what_is_empty():
    figure = charts.class_counts(COUNTS)
    assert figure.layout.barmode == "stack"
    assert [list(trace.x) for trace in figure.data] == [[8, 0], [2, 0], [0, 8]]


def test_what_is_not_divided_yet_is_told_by_what_will_come_of_it():
    assert charts.class_counts(COUNTS).data[-1].name == "Headstart picks"


def test_few_pictures_are_counted_in_whole_ones():
    assert charts.class_counts(COUNTS).layout.xaxis.dtick == 1
    assert charts.class_counts(COUNTS.assign(images=COUNTS["images"] * 2)).layout.xaxis.dtick is None


def test_bars_of_one_colour_need_no_legend():
    assert charts.class_counts(COUNTS.tail(1)).layout.showlegend is False
    assert charts.class_counts(COUNTS).layout.showlegend is not False


def test_divided_classes_have_no_undivided_bar():
    assert [trace.name for trace in charts.class_counts(COUNTS.head(1)).data] == ["Training", "Validation"]


def all_figures():
    return [
        charts.history(EPOCHS, PROGRESS, "accuracy"),
        charts.confusion(MATRIX),
        charts.probabilities(["<a href='x'>", "7"], [0.9, 0.1]),
        charts.class_counts(COUNTS.assign(label=["<b>fat</b>", "7"])),
    ]


@pytest.mark.parametrize("figure", all_figures())
def test_figures_leave_the_page_its_colours(figure):
    layout = figure.to_dict()["layout"]
    assert layout["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["plot_bgcolor"].startswith("rgba(") and not layout["plot_bgcolor"].endswith(",1)")
    assert "font" not in layout and "gridcolor" not in layout["xaxis"] and "color" not in layout["xaxis"]


@pytest.mark.parametrize("figure", all_figures())
def test_figures_can_be_sent_to_a_browser(figure):
    assert json.loads(figure.to_json())["data"]


def test_a_label_is_text_and_never_markup():
    for figure in all_figures():
        assert "<b>fat" not in text_of(figure)
        assert "<a href" not in text_of(figure)
    assert charts.confusion(MATRIX).layout.xaxis.ticktext[1] == "&lt;b&gt;"


def test_long_labels_are_cut_on_the_axis_and_whole_on_hover():
    bars = charts.probabilities(["a" * 60, "b"], [0.9, 0.1])
    assert bars.layout.yaxis.ticktext[0] == "a" * 17 + "…"
    assert bars.data[0].customdata[0] == "a" * 60


def test_numbers_are_written_the_readers_way(spanish):
    figure = charts.history(EPOCHS, PROGRESS, "accuracy")
    assert figure.layout.separators == ",."
    assert figure.layout.yaxis.ticksuffix == "\N{NO-BREAK SPACE}%"
    assert charts.probabilities(["a", "b"], [0.9, 0.1]).data[0].text[0] == "90,0\N{NO-BREAK SPACE}%"


def luminance(colour: str) -> float:
    channels = np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [look.BLUE, look.VERMILION, look.GREEN, look.GREY])
@pytest.mark.parametrize("page", ["#FFFFFF", "#0E1117"])
def test_the_palette_stands_out_on_a_light_and_on_a_dark_page(colour, page):
    dark, light = sorted([luminance(colour), luminance(page)])
    assert (light + 0.05) / (dark + 0.05) >= 3  # WCAG 2.2, 1.4.11: graphics
