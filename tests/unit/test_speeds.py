from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core import machines, speeds
from core.backbones import CATALOG
from core.summary import layer_table

RESIDUAL = CATALOG["residual10"]
MOBILENET = CATALOG["mobilenet_025"]
VGG16 = CATALOG["vgg16"]


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
    slow = replace(machines.reference(), tensorflow_ms=2 * machines.reference().tensorflow_ms)
    assert speeds.speed(RESIDUAL, 41, 112, slow).tensorflow_ms == pytest.approx(
        2 * speeds.speed(RESIDUAL, 41, 112).tensorflow_ms
    )


def test_the_quick_form_pays_for_many_pictures_and_not_for_a_few():
    assert speeds.quick_form_pays(MOBILENET, MOBILENET.num_layers, 224, 2000)
    assert not speeds.quick_form_pays(MOBILENET, MOBILENET.num_layers, 224, 40)
    assert not speeds.quick_form_pays(VGG16, VGG16.num_layers, 128, 300)


def test_the_quick_form_never_pays_without_a_prefix_or_with_a_gpu():
    assert not speeds.quick_form_pays(MOBILENET, 0, 224, 100_000)
    gpu = replace(machines.reference(), has_gpu=True)
    assert not speeds.quick_form_pays(MOBILENET, MOBILENET.num_layers, 224, 100_000, gpu)


def test_layer_tables_and_speeds_agree_on_the_number_of_layers(table):
    last = table.groupby("backbone")["frozen_layers"].max()
    assert all(layer_table(name)["place"].iloc[-1] + 1 == last[name] for name in last.index)
