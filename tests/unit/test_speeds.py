import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core import speeds
from core.backbones import CATALOG
from core.speeds import Measured
from core.summary import layer_table

RESIDUAL = CATALOG["residual10"]
MOBILENET = CATALOG["mobilenet_025"]
VGG16 = CATALOG["vgg16"]
MEASURED = Measured("residual10", 41, 112, "tensorflow", num_images=200, pass_ms=5.0, epoch_ms=0.3)


def here(**changes):
    """The reference machine's speed under this machine's name."""
    name, processor, num_cores = speeds.this_machine()
    known = {"name": name, "processor": processor, "num_cores": num_cores}
    return replace(speeds.reference(), **(known | changes))


@pytest.fixture
def table():
    return pd.read_csv(speeds.TABLE)


@pytest.mark.parametrize("row", CATALOG.values(), ids=lambda row: row.name)
def test_the_table_has_the_ends_of_each_backbone_and_its_last_stage(row, table):
    cuts = table.loc[table["backbone"] == row.name, "frozen_layers"]
    stages = [stage.num_layers for stage in row.stages]
    assert {0, *stages[-2:]} <= set(cuts) <= {0, *stages}
    assert cuts.is_unique


@pytest.mark.parametrize("row", CATALOG.values(), ids=lambda row: row.name)
def test_the_more_is_frozen_the_slower_the_prefix_and_the_quicker_a_step(row):
    cuts = [speeds.speed(row, cut, row.image_size) for cut in range(row.num_layers + 1)]
    prefix, quick, step = ([getattr(one, name) for one in cuts] for name in ("tensorflow_ms", "litert_ms", "step_ms"))
    assert prefix == sorted(prefix)
    assert quick == sorted(quick)
    assert step == sorted(step, reverse=True)
    assert step[0] > 10 * step[-1]


def test_nothing_frozen_has_no_prefix():
    assert speeds.speed(VGG16, 0, 224).tensorflow_ms == 0


def test_a_cut_within_a_stage_lies_between_its_ends():
    low, high = RESIDUAL.stages[1].num_layers, RESIDUAL.stages[2].num_layers
    ends = [speeds.speed(RESIDUAL, cut, 112) for cut in (low, high)]
    between = [speeds.speed(RESIDUAL, cut, 112).tensorflow_ms for cut in range(low, high + 1)]
    assert between == sorted(between)
    assert between[0] == ends[0].tensorflow_ms < between[3] < ends[1].tensorflow_ms == between[-1]
    steps = [speeds.speed(RESIDUAL, cut, 112).step_ms for cut in range(low, high + 1)]
    assert steps == sorted(steps, reverse=True)


def test_more_layers_than_there_are_count_as_all():
    assert speeds.speed(RESIDUAL, 99, 112) == speeds.speed(RESIDUAL, RESIDUAL.num_layers, 112)


def test_multiply_adds_of_a_layer_are_its_parameters_at_every_place():
    work = speeds.multiply_adds("vgg16")
    assert len(work) == VGG16.num_layers + 1
    assert np.diff(work).min() > 0
    assert work[2] - work[1] == pytest.approx(1792 * 224 * 224 + 1)


def test_another_image_size_counts_by_its_area():
    large, small = speeds.speed(VGG16, 15, 224), speeds.speed(VGG16, 15, 112)
    assert small.tensorflow_ms == pytest.approx(large.tensorflow_ms / 4)
    assert small.step_ms == pytest.approx(large.step_ms / 4)
    assert small.conversion_seconds == large.conversion_seconds


def test_a_machine_of_half_the_speed_takes_twice_as_long():
    slow = replace(speeds.reference(), tensorflow_ms=2 * speeds.reference().tensorflow_ms)
    assert speeds.speed(RESIDUAL, 41, 112, slow).tensorflow_ms == pytest.approx(
        2 * speeds.speed(RESIDUAL, 41, 112).tensorflow_ms
    )


def test_the_quick_form_pays_for_many_pictures_and_not_for_a_few():
    assert speeds.quick_form_pays(MOBILENET, MOBILENET.num_layers, 224, 2000)
    assert not speeds.quick_form_pays(MOBILENET, MOBILENET.num_layers, 224, 40)
    assert not speeds.quick_form_pays(VGG16, VGG16.num_layers, 128, 300)


def test_the_quick_form_never_pays_without_a_prefix_or_with_a_gpu():
    assert not speeds.quick_form_pays(MOBILENET, 0, 224, 100_000)
    gpu = replace(speeds.reference(), has_gpu=True)
    assert not speeds.quick_form_pays(MOBILENET, MOBILENET.num_layers, 224, 100_000, gpu)


def test_this_machine_is_found_again(tmp_path):
    assert speeds.machine(tmp_path) is None
    speeds.keep_machine(tmp_path, here())
    assert speeds.machine(tmp_path) == here()


@pytest.mark.parametrize("change", [{"name": "elsewhere"}, {"processor": "other"}, {"num_cores": 1000}])
def test_another_machine_is_not_trusted(tmp_path, change):
    speeds.keep_machine(tmp_path, here(**change))
    assert speeds.machine(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"name": "a"}', "null", json.dumps({**here().__dict__, "litert_ms": "fast"})]
)
def test_a_broken_file_about_the_machine_is_ignored(tmp_path, text):
    file = tmp_path / "features" / "machine.json"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert speeds.machine(tmp_path) is None


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_speed_that_cannot_be_is_ignored(tmp_path, value):
    speeds.keep_machine(tmp_path, here(decode_ms=value))
    assert speeds.machine(tmp_path) is None


def test_what_runs_took_is_kept_one_for_each_cut(tmp_path):
    other = replace(MEASURED, frozen_layers=31)
    newer = replace(MEASURED, pass_ms=4.0)
    for one in (MEASURED, other, newer):
        speeds.record(tmp_path, one)
    assert list(speeds.measured_here(tmp_path)) == [other, newer]


def test_a_run_that_found_everything_keeps_what_a_pass_took(tmp_path):
    speeds.record(tmp_path, replace(MEASURED, way="litert"))
    speeds.record(tmp_path, replace(MEASURED, pass_ms=0, epoch_ms=0.2))
    (kept,) = speeds.measured_here(tmp_path)
    assert (kept.way, kept.pass_ms, kept.epoch_ms) == ("litert", 5.0, 0.2)


def test_a_run_with_few_pictures_is_passed_over(tmp_path):
    speeds.record(tmp_path, replace(MEASURED, num_images=speeds.MIN_IMAGES - 1))
    assert not speeds.measured_here(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"machine": ["a", "b", 1], "runs": []}', '{"runs": 3}', "null"])
def test_a_broken_file_about_runs_is_ignored_and_written_anew(tmp_path, text):
    file = tmp_path / "features" / "speeds.json"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert not speeds.measured_here(tmp_path)
    speeds.record(tmp_path, MEASURED)
    assert list(speeds.measured_here(tmp_path)) == [MEASURED]
    assert [path.name for path in file.parent.iterdir()] == ["speeds.json"]


def test_layer_tables_and_speeds_agree_on_the_number_of_layers(table):
    last = table.groupby("backbone")["frozen_layers"].max()
    assert all(layer_table(name)["place"].iloc[-1] + 1 == last[name] for name in last.index)
