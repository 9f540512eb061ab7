from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core import budget, costs, durations, features, fingerprints, machines, presets, speeds
from core.backbones import CATALOG, weights_path
from core.config import Head, Phase, RunConfig
from core.durations import Setting
from core.machines import Measured
from core.summary import frontier

LABELS = ("ant", "bee")
RESIDUAL = CATALOG["residual10"]
VGG16 = CATALOG["vgg16"]
PIXELS = 512 * 384


def config_of(row, *frozen, epochs=10, **changes):
    phases = tuple(Phase(epochs, 1e-3, layers) for layers in frozen or (row.num_layers,))
    return RunConfig(row.name, row.image_size, LABELS, phases, **changes)


def cost_of(config, num_training=400, num_validation=100, *, pixels=PIXELS, machine=None, measured=(), **known):
    setting = Setting(config, num_training, num_validation, pixels, machine or machines.reference(), measured)
    return costs.estimate(setting, **known)


def test_the_first_epoch_takes_longer_than_each_later_one():
    (phase,) = cost_of(config_of(RESIDUAL)).phases
    assert phase.first_epoch_seconds > 5 * phase.later_epoch_seconds
    assert phase.num_first_epochs == 1


def test_the_less_is_frozen_the_longer_each_later_epoch():
    cuts = [stage.num_layers for stage in RESIDUAL.stages]
    later = [cost_of(config_of(RESIDUAL, cut)).phases[0].later_epoch_seconds for cut in (0, *cuts)]
    assert later == sorted(later, reverse=True)


def test_more_pictures_cost_more():
    few, many = cost_of(config_of(RESIDUAL)), cost_of(config_of(RESIDUAL), 4000, 1000)
    assert many.total_seconds > few.total_seconds
    assert many.disk_bytes == 10 * few.disk_bytes
    assert many.phases[0].later_epoch_seconds > few.phases[0].later_epoch_seconds


def test_larger_pictures_take_longer_to_read_and_no_more_disk():
    small, large = (cost_of(config_of(RESIDUAL), pixels=pixels) for pixels in (64 * 64, 1024 * 768))
    assert large.phases[0].first_epoch_seconds > small.phases[0].first_epoch_seconds
    assert large.disk_bytes == small.disk_bytes


@pytest.mark.parametrize("image_size", [64, 224, 384])
def test_decoding_grows_with_the_picture(image_size):
    relative = [durations.decoding(PIXELS * factor, image_size) for factor in (0.01, 0.25, 1, 4)]
    assert relative == sorted(relative)


def test_a_photo_that_is_shrunk_while_it_is_decoded_costs_less_than_one_that_just_cannot_be():
    shrunk, whole = (durations.decoding(PIXELS, image_size) for image_size in (192, 193))
    assert shrunk < 0.7 * whole


@pytest.mark.parametrize(("side", "image_size", "seen"), [(512, 112, 0.57), (512, 224, 1.32), (1024, 224, 1.75)])
def test_decoding_is_near_what_was_measured(side, image_size, seen):
    assert durations.decoding(side**2 * 3 / 4, image_size) == pytest.approx(seen, rel=0.15)


def test_disk_is_a_vector_of_half_floats_for_each_picture():
    channels = 512
    assert cost_of(config_of(VGG16), 80, 20).disk_bytes == 100 * channels * 2
    flat = cost_of(config_of(VGG16, head=Head(kind="flatten")), 80, 20)
    assert flat.disk_bytes == 100 * 7 * 7 * channels * 2
    assert cost_of(config_of(VGG16, 15), 80, 20).disk_bytes == 100 * 14 * 14 * 512 * 2


def test_disk_follows_the_size_of_the_image():
    small = replace(config_of(VGG16, 15), image_size=112)
    assert cost_of(small, 80, 20).disk_bytes == 100 * 7 * 7 * 512 * 2


def test_each_variation_is_looked_at_once_and_kept():
    plain, varied = cost_of(config_of(RESIDUAL)), cost_of(config_of(RESIDUAL, augmentation="light", views=3))
    assert varied.phases[0].num_first_epochs == 3
    values = plain.disk_bytes / 500
    assert varied.disk_bytes == values * (3 * 400 + 100)
    assert varied.phases[0].first_epoch_seconds > varied.phases[0].filling_epoch_seconds
    assert varied.phases[0].filling_epoch_seconds > 3 * varied.phases[0].later_epoch_seconds


def test_no_more_variations_are_kept_than_there_are_epochs():
    (phase,) = cost_of(config_of(RESIDUAL, epochs=2, augmentation="light", views=8)).phases
    assert phase.num_first_epochs == 2
    assert phase.disk_bytes == cost_of(config_of(RESIDUAL, augmentation="light", views=2)).disk_bytes


def test_without_augmentation_variations_do_not_matter():
    assert cost_of(config_of(RESIDUAL, views=8)) == cost_of(config_of(RESIDUAL, views=2))


def test_when_nothing_is_kept_every_epoch_costs_as_much_as_the_first():
    # So many that what is prepared once does not count for much.
    live = cost_of(config_of(RESIDUAL, augmentation="light", views=0), 4000, 1000)
    (phase,) = live.phases
    assert phase.num_first_epochs == phase.epochs
    assert live.disk_bytes == 0
    assert phase.later_epoch_seconds > 0.5 * phase.first_epoch_seconds
    assert live.total_seconds > cost_of(config_of(RESIDUAL, augmentation="light", views=4)).total_seconds


def test_from_scratch_nothing_is_kept():
    cost = cost_of(presets.from_scratch(RESIDUAL, LABELS))
    assert cost.disk_bytes == 0
    assert cost.phases[0].num_first_epochs == cost.phases[0].epochs


def test_a_frozen_input_alone_is_nothing_to_keep():
    assert cost_of(config_of(RESIDUAL, 1)).disk_bytes == 0


def test_the_first_phase_computes_what_the_second_asks_on_its_way():
    cut = RESIDUAL.stages[-2].num_layers
    first, second = cost_of(config_of(RESIDUAL, RESIDUAL.num_layers, cut)).phases
    alone = cost_of(config_of(RESIDUAL, cut)).phases[0]
    looked = second.first_epoch_seconds - second.later_epoch_seconds
    assert looked < 0.7 * (alone.first_epoch_seconds - alone.later_epoch_seconds)
    assert first.first_epoch_seconds > cost_of(config_of(RESIDUAL)).phases[0].first_epoch_seconds
    assert second.later_epoch_seconds > first.later_epoch_seconds
    assert second.disk_bytes == alone.disk_bytes > first.disk_bytes > 0


def test_a_second_phase_looks_at_the_variations_that_the_first_did_not_come_to():
    cut = RESIDUAL.stages[-2].num_layers
    phases = (Phase(1, 1e-3, RESIDUAL.num_layers), Phase(10, 1e-3, cut))
    config = replace(config_of(RESIDUAL, augmentation="light", views=4), phases=phases)
    second = cost_of(config).phases[1]
    assert second.filling_epoch_seconds > second.later_epoch_seconds + 0.2


def test_less_room_than_both_phases_need_means_that_the_first_keeps_nothing():
    cut = RESIDUAL.stages[-2].num_layers
    config = config_of(RESIDUAL, RESIDUAL.num_layers, cut)
    needed = cost_of(config).disk_bytes
    assert cost_of(config, room_bytes=needed).disk_bytes == needed
    first, second = cost_of(config, room_bytes=needed - 1).phases
    assert first.disk_bytes == 0 < second.disk_bytes
    assert second.first_epoch_seconds > 2 * second.later_epoch_seconds


def test_two_phases_that_cut_within_the_backbone_each_look_for_themselves():
    low, high = (RESIDUAL.stages[index].num_layers for index in (-3, -2))
    second = cost_of(config_of(RESIDUAL, high, low)).phases[1]
    assert second.first_epoch_seconds > second.later_epoch_seconds + 0.5


def test_a_second_phase_with_the_same_cut_finds_what_the_first_kept():
    first, second = cost_of(config_of(RESIDUAL, RESIDUAL.num_layers, RESIDUAL.num_layers)).phases
    assert second.disk_bytes == 0
    assert second.first_epoch_seconds < 0.7 * first.first_epoch_seconds


def test_what_is_found_makes_the_first_epoch_cheaper():
    fresh, half, all_found = (cost_of(config_of(RESIDUAL), found=[found]) for found in (0, 250, 500))
    firsts = [one.phases[0].first_epoch_seconds for one in (all_found, half, fresh)]
    assert firsts == sorted(firsts) and len(set(firsts)) == 3
    assert (half.disk_bytes, all_found.disk_bytes) == (fresh.disk_bytes / 2, 0)


def test_a_disk_without_room_means_that_nothing_is_kept():
    needed = cost_of(config_of(RESIDUAL)).disk_bytes
    assert cost_of(config_of(RESIDUAL), room_bytes=needed).disk_bytes == needed
    full = cost_of(config_of(RESIDUAL), room_bytes=needed - 1)
    assert full.disk_bytes == 0
    assert full.phases[0].num_first_epochs == full.phases[0].epochs


def test_the_room_is_the_budget_or_what_the_disk_has(tmp_path, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.001")
    assert costs.room_bytes(tmp_path) == 1_000_000
    monkeypatch.setattr(costs.shutil, "disk_usage", lambda folder: SimpleNamespace(free=budget.RESERVE_BYTES + 7))
    assert costs.room_bytes(tmp_path) == 7
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "old.bin").write_bytes(bytes(5))
    assert costs.room_bytes(tmp_path) == 12


def test_a_slower_machine_takes_longer():
    reference = machines.reference()
    slow = replace(reference, tensorflow_ms=reference.tensorflow_ms * 3, litert_ms=reference.litert_ms * 3)
    quick, late = cost_of(config_of(RESIDUAL)), cost_of(config_of(RESIDUAL), machine=slow)
    assert late.phases[0].first_epoch_seconds > quick.phases[0].first_epoch_seconds


def measured(config, frozen, way, **figures):
    return Measured(config.backbone, frozen, config.image_size, way, num_images=400, **figures)


def test_what_was_measured_here_beats_the_table():
    config = config_of(VGG16)
    way = "litert" if speeds.quick_form_pays(VGG16, VGG16.num_layers, 224, 500) else "tensorflow"
    one = measured(config, VGG16.num_layers, way, pass_ms=1000.0, epoch_ms=100.0)
    (phase,) = cost_of(config, measured=[one]).phases
    assert phase.first_epoch_seconds == pytest.approx(500 + 40, rel=0.1)
    assert phase.later_epoch_seconds == pytest.approx(40, rel=0.01)


def test_what_was_measured_at_another_cut_scales_the_table():
    cut, other = VGG16.stages[2].num_layers, VGG16.stages[3].num_layers
    config = config_of(VGG16, cut)
    plain = cost_of(config).phases[0]
    table_ms = speeds.speed(VGG16, other, 224).tensorflow_ms + machines.reference().decode_ms
    twice = measured(config, other, "tensorflow", pass_ms=2 * table_ms, epoch_ms=0.0)
    scaled = cost_of(config, measured=[twice]).phases[0]
    looked = [one.first_epoch_seconds - one.later_epoch_seconds for one in (plain, scaled)]
    assert looked[1] == pytest.approx(2 * looked[0], rel=0.15)
    assert scaled.later_epoch_seconds == plain.later_epoch_seconds


def test_what_was_measured_of_another_backbone_says_nothing():
    config = config_of(VGG16)
    other = Measured("residual10", 41, 112, "tensorflow", num_images=400, pass_ms=1000.0, epoch_ms=100.0)
    assert cost_of(config, measured=[other]) == cost_of(config)


def test_a_single_odd_measurement_cannot_run_away():
    config = config_of(VGG16, 11)
    odd = measured(config, 15, "tensorflow", pass_ms=1e9, epoch_ms=0.0)
    plain, wild = cost_of(config).phases[0], cost_of(config, measured=[odd]).phases[0]
    assert wild.first_epoch_seconds < 10 * plain.first_epoch_seconds


def test_a_small_batch_costs_more_steps():
    large, small = (cost_of(config_of(RESIDUAL, batch_size=size)).phases[0] for size in (64, 4))
    assert small.later_epoch_seconds > large.later_epoch_seconds


def test_a_large_head_costs_time_in_every_epoch():
    flat = Head(kind="flatten", hidden_units=1024)
    plain, large = (cost_of(config_of(VGG16, head=head)).phases[0] for head in (Head(), flat))
    assert large.later_epoch_seconds > 2 * plain.later_epoch_seconds


def test_the_total_is_the_sum_of_all_epochs_and_what_surrounds_them():
    cost = cost_of(config_of(RESIDUAL, epochs=5, augmentation="light", views=2))
    (phase,) = cost.phases
    epochs = phase.first_epoch_seconds + phase.filling_epoch_seconds + 3 * phase.later_epoch_seconds
    assert cost.total_seconds == pytest.approx(cost.around_seconds + epochs)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"epochs": 5}, [1, 4]),
        ({"epochs": 1}, [1]),
        ({"epochs": 5, "augmentation": "light", "views": 3}, [3, 2]),
        ({"epochs": 3, "augmentation": "light", "views": 3}, [1, 2]),  # all look, so that the first alone is told apart
        ({"epochs": 5, "augmentation": "light", "views": 0}, [1, 4]),
    ],
)
def test_the_parts_of_a_phase_add_up_to_it(changes, counts):
    (phase,) = cost_of(config_of(RESIDUAL, **changes)).phases
    assert [part.count for part in phase.parts] == counts
    assert sum(part.count * part.seconds_each for part in phase.parts) == pytest.approx(phase.seconds)


def test_pictures_count_as_they_are_kept():
    table = pd.DataFrame({"width": [100, 4096], "height": [50, 2048]})
    assert costs.mean_pixels(table) == (100 * 50 + 1024 * 512) / 2


def test_pictures_of_unknown_size_count_as_usual_ones():
    assert costs.mean_pixels(pd.DataFrame({"width": [None], "height": [None]})) == PIXELS


def test_what_a_run_would_find_is_counted_for_each_phase(tmp_path):
    images = tmp_path / "projects"
    images.mkdir()
    paths = [f"projects/{number}.jpg" for number in range(6)]
    for path in paths:
        (tmp_path / path).write_bytes(path.encode())
    table = pd.DataFrame({"path": paths, "split": ["train"] * 4 + ["validation"] * 2})
    config = config_of(RESIDUAL)
    assert costs.count_found(config, tmp_path, table) == [0]

    folder = tmp_path / features.FOLDER
    digests = fingerprints.of_pictures(folder, tmp_path, paths)
    weights = fingerprints.of_file(weights_path(RESIDUAL)).hex()
    name = frontier(RESIDUAL, RESIDUAL.num_layers, config.head, config.image_size).name
    plain = features.Key(RESIDUAL.name, weights, name, config.image_size)
    for key, kept in ((plain, digests[:5]), (replace(plain, variation="light-1"), digests[:3])):
        store = features.Store(folder, key, ((2,),))
        store.make_places(kept, np.dtype(np.float16))
        for place in store.places(kept):
            store.write(place, [np.zeros(2, np.float32)])
        store.close()

    two_phases = replace(config, phases=(*config.phases, Phase(2, 1e-4, RESIDUAL.stages[-2].num_layers)))
    assert costs.count_found(two_phases, tmp_path, table) == [5, 0]
    varied = replace(config, augmentation="light", views=2)
    assert costs.count_found(varied, tmp_path, table) == [1 + 3]
    assert costs.count_found(replace(config, views=0), tmp_path, table) == [0]
    assert costs.count_found(replace(config, image_size=96), tmp_path, table) == [0]
