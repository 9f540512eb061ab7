from dataclasses import replace

import pytest

from core import budget, machines
from core.backbones import CATALOG
from core.ui.cost import about
from core.ui.state import Key
from tests.pages.reader import open_page, saved_draft, texts

RESIDUAL = CATALOG["residual10"]
FIGURES = ("First epoch", "19 later epochs, each", "Before and after", "Whole run", "On disk")
FOUR = "First 4 epochs, each"


def figures(app):
    shown = [(one.label, one.value) for one in app.metric]
    return [(label, value) for label, value in shown if label in FIGURES or "epoch" in label]


def frozen_up_to(app, cut):
    return app.select_slider(key=Key.STAGE.format("residual10")).set_value(cut).run()


def measure_this_machine(workspace, **changes):
    name, processor, num_cores = machines.this_machine()
    known = replace(machines.reference(), name=name, processor=processor, num_cores=num_cores)
    machines.keep(workspace.home, replace(known, **changes))


@pytest.mark.parametrize("page", ["model", "train"])
def test_a_run_says_what_it_will_cost(filled, page):
    app = open_page(page, project=filled.id, lang="en")
    assert [label for label, _value in figures(app)] == list(FIGURES)
    assert "looks at every picture once" in texts(app)


def test_the_figures_move_with_the_slider(filled):
    app = open_page("model", project=filled.id, lang="en")
    everything = figures(app)
    app = frozen_up_to(app, RESIDUAL.stages[-2].num_layers)
    less = figures(app)
    each = ["First epoch", "19 later epochs, each", "First epoch", "9 later epochs, each"]
    assert [label for label, _value in less] == [*each, *FIGURES[2:]]
    assert less[-1] != everything[-1]  # more numbers are kept when less is frozen
    assert "Then what is not frozen learns too" in texts(app)
    nothing = figures(frozen_up_to(app, 0))
    assert nothing[-1] != less[-1]


def test_from_scratch_every_epoch_costs_the_same(filled):
    app = open_page("model", project=filled.id, lang="en")
    app.segmented_control(key=Key.START).set_value("scratch").run()
    assert figures(app)[-1] == ("On disk", "nothing")
    assert "Nothing is frozen: in every epoch the whole network" in texts(app)


def test_variations_are_asked_for_where_there_are_any(workspace, filled):
    app = open_page("train", project=filled.id, lang="en")
    app.button(key=Key.PRESET.format("own")).click().run()
    key = Key.SETTING.format("views")
    assert key not in [one.key for one in app.number_input]
    app.selectbox(key=Key.SETTING.format("augmentation") + "_en").set_value("light").run()
    assert app.number_input(key=key).value == 4
    assert len(app.number_input(key=key).help) > 20
    assert "variations of the pictures that are new" in texts(app)
    assert FOUR in [one.label for one in app.metric]
    app.number_input(key=key).set_value(0).run()
    assert saved_draft(workspace, filled)["views"] == 0
    assert "Nothing is kept" in texts(app)
    assert figures(app)[-1] == ("On disk", "nothing")


def test_figures_of_another_computer_are_called_so(workspace, filled):
    said = "figures are those of another computer"
    assert said in texts(open_page("model", project=filled.id, lang="en"))
    measure_this_machine(workspace)
    assert said not in texts(open_page("model", project=filled.id, lang="en"))


def test_figures_that_runs_on_this_computer_corrected_are_not_those_of_another(workspace, filled):
    took = machines.Measured("residual10", 41, 112, "tensorflow", 1000, 3.0, 0.1)
    machines.record(workspace.home, took)
    assert "figures are those of another computer" not in texts(open_page("model", project=filled.id, lang="en"))


def test_a_slow_machine_is_told_to_be_slow(workspace, filled):
    measure_this_machine(workspace)
    quick = figures(open_page("train", project=filled.id, lang="en"))
    measure_this_machine(workspace, tensorflow_ms=10_000.0, litert_ms=10_000.0)
    slow = figures(open_page("train", project=filled.id, lang="en"))
    assert slow[0] != quick[0]
    assert slow[-1] == quick[-1]


def test_a_budget_that_is_too_small_means_that_nothing_is_kept(filled, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.000001")
    app = open_page("train", project=filled.id, lang="en")
    assert figures(app)[-1] == ("On disk", "nothing")
    assert "Nothing is kept" in texts(app)


def test_a_budget_that_is_no_number_is_told_in_place_of_the_figures(filled, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "much")
    app = open_page("train", project=filled.id, lang="en")
    assert "must be a number of gigabytes" in app.error[0].value
    assert figures(app) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.02, "under 0.1 s"),
        (0.41, "about 0.4 s"),
        (0.97, "about 1 s"),
        (12.4, "about 12 s"),
        (170, "about 3 min"),
        (9000, "about 2.5 h"),
    ],
)
def test_times_are_rounded(seconds, text):
    assert about(seconds) == text
