import os
import shutil
from contextlib import closing
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import budget, events, features
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.ml import pipeline, train
from core.ml.checkpoint import BEST, FOLDER
from core.ml.feed import Feed, Plan
from core.ml.forward import Pass
from core.ml.model import build_model
from core.ml.prefix import cut
from core.ml.source import in_background

ROW = CATALOG["residual10"]
LAST_STAGE = ROW.stages[-2].num_layers
CERTAIN = Head(normalize=False, dropout=0)  # nothing in it is random
# Stored numbers have eleven bits; what a few steps make of that.
HALF_PRECISION = 2e-3


@pytest.fixture
def opened(config):
    """Opens the feed of a run folder's only phase, and closes it at the end."""
    made = []

    def open_feed(folder, **changes):
        asked = replace(config, **changes)
        model = build_model(asked)
        train.freeze_phase(model, asked, asked.phases[0])
        table = pd.read_parquet(folder / "images.parquet")
        made.append(Feed(Plan(asked, cut(model, asked), asked.phases[0].epochs), table, folder.parent.parent))
        return made[-1]

    yield open_feed
    for feed in made:
        feed.close()


def batches(feed, epoch=0):
    feed.turns(0).on_epoch_begin(epoch)
    return [(x.numpy(), y.numpy()) for x, y in feed.training()]


def everything(feed, epoch=0):
    """What one epoch sees, in an order of its own, so that epochs can be compared."""
    seen = np.concatenate([x for x, _ in batches(feed, epoch)])
    return seen[np.lexsort(seen.T[::-1])]


def counting(monkeypatch):
    """Counts the pictures that are loaded."""
    loaded = []
    original = pipeline.load
    monkeypatch.setattr(pipeline, "load", lambda *job: (loaded.append(job[0]), original(*job))[1])
    return loaded


def fill(feed):
    list(feed.training())
    list(feed.validation())


def test_answers_are_computed_once_and_found_by_the_next_run(make_run, opened, monkeypatch):
    folder = make_run()
    first = opened(folder)
    assert (first.needed, first.found, first.kept) == (12, 0, True)
    fill(first)
    before = everything(first)
    first.close()
    loaded = counting(monkeypatch)
    again = opened(folder, head=Head(hidden_units=8), optimizer="sgd", phases=(Phase(9, 0.5, 41),), seed=7)
    assert again.found == again.needed
    np.testing.assert_array_equal(everything(again), before)
    fill(again)
    assert loaded == []


def test_batches_are_the_same_computed_or_found(make_run, opened):
    folder = make_run()
    feed = opened(folder)
    for (computed, label), (found, same_label) in zip(batches(feed), batches(feed), strict=True):
        np.testing.assert_array_equal(computed, found)
        np.testing.assert_array_equal(label, same_label)


def test_each_epoch_has_another_order_that_the_seed_decides(make_run, opened):
    feed = opened(make_run())
    first, second = (np.concatenate([x for x, _ in batches(feed, epoch)]) for epoch in (0, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(everything(feed, 0), everything(feed, 1))
    np.testing.assert_array_equal(pipeline.epoch_order(9, 1, 3), pipeline.epoch_order(9, 1, 3))
    assert sorted(pipeline.epoch_order(9, 1, 3)) == list(range(9))


def test_only_a_changed_picture_is_computed_again(make_run, opened, monkeypatch):
    folder = make_run()
    feed = opened(folder)
    fill(feed)
    feed.close()
    changed = folder.parents[1] / "projects" / "p1" / "images" / "red1.png"
    Image.new("RGB", (40, 48), "green").save(changed)
    os.utime(changed, (1, 1))
    loaded = counting(monkeypatch)
    again = opened(folder)
    assert again.needed - again.found == 1
    loaded.clear()  # the samples that decide the number format
    fill(again)
    assert loaded == [changed]


def test_other_labels_and_another_split_find_the_same_answers(make_run, opened, monkeypatch):
    folder = make_run()
    feed = opened(folder)
    fill(feed)
    feed.close()
    table = pd.read_parquet(folder / "images.parquet")
    moved = table.assign(label=table["label"].map({"red": "blue", "blue": "red"}), split=table["split"].to_list()[::-1])
    moved.to_parquet(folder / "images.parquet")
    again = opened(folder)
    assert again.found == again.needed
    labels = np.concatenate([y for _, y in batches(again)])
    expected = (moved[moved["split"] == "train"]["label"] == "blue").sum()
    assert labels[:, 0].sum() == expected


def test_other_weights_never_meet_these_answers(make_run, opened, monkeypatch, tmp_path):
    folder = make_run()
    feed = opened(folder)
    fill(feed)
    other = tmp_path / "other.weights.h5"
    model = build_model(feed.config, pretrained=False)
    model.get_layer("residual10").save_weights(other)
    monkeypatch.setattr(train.backbones, "weights_path", lambda backbone: other)
    assert opened(folder).found == 0


def test_an_interrupted_fill_is_completed(make_run, opened, monkeypatch):
    folder = make_run(num_images=40)
    feed = opened(folder)
    next(iter(feed.training()))
    feed.close()
    again = opened(folder)
    assert 0 < again.found < again.needed
    loaded = counting(monkeypatch)
    fill(again)
    assert len(loaded) == again.needed - again.found


def test_two_runs_at_once_share_the_work(make_run, opened, monkeypatch):
    folder = make_run()
    first, second = opened(folder), opened(folder)
    loaded = counting(monkeypatch)
    fill(first)
    for store in first._stores[0].values():
        for part in store._parts:
            part.secure()
    fill(second)
    assert len(loaded) == first.needed


def test_variations_take_turns(make_run, opened):
    feed = opened(make_run(), augmentation="light", views=2, phases=(Phase(4, 1e-3, 41),))
    assert feed.needed == 2 * 8 + 4
    epochs = [everything(feed, epoch) for epoch in range(4)]
    np.testing.assert_array_equal(epochs[0], epochs[2])
    np.testing.assert_array_equal(epochs[1], epochs[3])
    assert not np.allclose(epochs[0], epochs[1], atol=0.01)


def test_variations_of_a_picture_are_found_again(make_run, opened, monkeypatch):
    folder = make_run()
    feed = opened(folder, augmentation="strong", views=2)
    before = [everything(feed, epoch) for epoch in range(2)]
    list(feed.validation())
    feed.close()
    again = opened(folder, augmentation="strong", views=2, seed=5)
    assert again.found == again.needed
    for epoch in range(2):
        np.testing.assert_array_equal(everything(again, epoch), before[epoch])
    assert opened(folder, augmentation="light", views=2).found == 4  # the validation images are the same


def test_live_variations_are_new_in_every_epoch_and_leave_nothing_behind(make_run, opened):
    folder = make_run()
    feed = opened(folder, augmentation="light", views=0)
    assert not feed.kept and feed.needed == 3 * 8 + 4
    epochs = [everything(feed, epoch) for epoch in range(3)]
    assert not np.allclose(epochs[0], epochs[1], atol=0.01) and not np.allclose(epochs[0], epochs[2], atol=0.01)
    assert not (folder.parents[1] / features.FOLDER).exists()


def weights_after(folder):
    with np.load(folder / FOLDER / BEST) as kept:
        return {name: kept[name] for name in kept.files if name.startswith("weight")}


def trained(make_run, **changes):
    # Adam takes a whole step for a gradient near zero, whose sign the last bit decides; SGD does not.
    folder = make_run(**{"head": CERTAIN, "optimizer": "sgd"} | changes)
    config = config_of(folder)
    keras.utils.set_random_seed(config.seed)
    model = build_model(config)
    train.train(model, config, pd.read_parquet(folder / "images.parquet"), folder)
    return folder, model


def config_of(folder):
    return RunConfig.from_json((folder / "config.json").read_text(encoding="utf-8"))


def trained_live(folder, config):
    """Trains the same without keeping anything, in a run folder beside the first."""
    other = folder.with_name("r2")
    other.mkdir()
    live = replace(config, views=0)
    keras.utils.set_random_seed(config.seed)
    model = build_model(live)
    train.train(model, live, pd.read_parquet(folder / "images.parquet"), other)
    return model


@pytest.mark.parametrize("frozen", [41, LAST_STAGE, 35], ids=["all frozen", "last stage", "single layer"])
def test_training_with_the_store_without_it_and_of_the_whole_network_end_alike(make_run, config, frozen):
    phases = (Phase(3, 1e-3, frozen),)
    folder, stored = trained(make_run, phases=phases)
    config = config_of(folder)
    whole = whole_network_trained(folder, config)
    live = trained_live(folder, config)
    for with_store, without, of_whole in zip(stored.weights, live.weights, whole.weights, strict=True):
        np.testing.assert_allclose(np.asarray(without), np.asarray(of_whole), atol=1e-4)  # the order of additions
        np.testing.assert_allclose(np.asarray(with_store), np.asarray(of_whole), atol=HALF_PRECISION)


def whole_network_trained(folder, config):
    """The plain way: every epoch the whole network sees every image."""
    table = pd.read_parquet(folder / "images.parquet")
    rows = {split: table[table["split"] == split] for split in ("train", "validation")}
    pixels = {
        split: np.stack([pipeline.load(folder.parents[1] / path, config, None) for path in some["path"]])
        for split, some in rows.items()
    }
    labels = {split: pipeline.one_hot(some, config) for split, some in rows.items()}
    keras.utils.set_random_seed(config.seed)
    model = build_model(config)
    train.freeze_phase(model, config, config.phases[0])
    train.compile_model(model, config, config.phases[0])
    best, kept = np.inf, None
    for epoch in range(config.epochs):
        order = pipeline.epoch_order(len(rows["train"]), config.seed, epoch)
        story = model.fit(
            pixels["train"][order].astype(np.float32),
            labels["train"][order],
            validation_data=(pixels["validation"].astype(np.float32), labels["validation"]),
            batch_size=config.batch_size,
            shuffle=False,
            verbose=0,
        )
        if story.history["val_loss"][0] < best:
            best, kept = story.history["val_loss"][0], model.get_weights()
    model.set_weights(kept)
    return model


def said(folder, kind):
    return [event for event in events.read(folder / "events.jsonl")[0] if isinstance(event, kind)]


def test_both_phases_keep_what_stays_frozen(make_run, monkeypatch):
    phases = (Phase(1, 1e-3, 41), Phase(2, 1e-4, LAST_STAGE))
    folder, _ = trained(make_run, phases=phases)
    told = said(folder, events.Features)
    assert [(event.needed, event.found, event.kept) for event in told] == [(12, 0, True), (12, 12, True)]
    shutil.rmtree(folder / FOLDER)  # from the beginning, and not from where it ended
    loaded = counting(monkeypatch)
    config = config_of(folder)
    train.train(build_model(config), config, pd.read_parquet(folder / "images.parquet"), folder)
    assert [event.found for event in said(folder, events.Features)[2:]] == [12, 12]
    assert loaded == []


def test_what_the_next_phase_will_ask_is_computed_on_the_way(make_run, monkeypatch):
    loaded = counting(monkeypatch)
    phases = (Phase(3, 1e-3, 41), Phase(3, 1e-4, LAST_STAGE))
    folder, _ = trained(make_run, phases=phases, augmentation="light", views=2)
    num_samples = 8
    assert len(loaded) == 2 * 8 + 4 + num_samples
    assert [event.found for event in said(folder, events.Features)] == [0, 20]


def test_a_fill_that_was_interrupted_before_there_was_a_second_phase_is_completed(make_run, opened):
    folder = make_run(num_images=40, phases=(Phase(1, 1e-3, 41), Phase(1, 1e-4, LAST_STAGE)), head=CERTAIN)
    feed = opened(folder, head=CERTAIN)
    next(iter(feed.training()))
    feed.close()
    config = config_of(folder)
    train.train(build_model(config), config, pd.read_parquet(folder / "images.parquet"), folder)
    first, second = said(folder, events.Features)
    assert 0 < first.found < first.needed == 40
    assert second.found == 0


def test_from_scratch_every_epoch_sees_another_variation(make_run, opened):
    feed = opened(make_run(), start="scratch", phases=(Phase(9, 1e-3, 0),), augmentation="light", views=2)
    epochs = [np.concatenate([x for x, _ in batches(feed, epoch)]) for epoch in (0, 2)]
    assert sorted(epochs[0].sum(axis=(1, 2, 3))) != sorted(epochs[1].sum(axis=(1, 2, 3)))


def test_variations_that_no_epoch_will_see_take_no_room(make_run, opened):
    folder = make_run()
    opened(folder, augmentation="light", views=8, phases=(Phase(2, 1e-3, 41),))
    assert len(list((folder.parents[1] / features.FOLDER).glob("*/key.json"))) == 1 + 2


def test_a_second_phase_with_answers_of_the_first_learns_what_it_learns_with_its_own(make_run, config):
    phases = (Phase(2, 1e-3, 41), Phase(2, 1e-3, LAST_STAGE))
    folder, together = trained(make_run, phases=phases)
    live = trained_live(folder, config_of(folder))
    for ours, theirs in zip(together.weights, live.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=HALF_PRECISION)


def test_without_room_it_is_said_and_each_epoch_computes_anew(make_run, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.000001")
    folder, _ = trained(make_run)
    assert [event.kept for event in said(folder, events.Features)] == [False]
    (note,) = said(folder, events.Note)
    assert "no room" in note.sentence and note.values["variable"] == budget.VARIABLE
    assert len(said(folder, events.EpochEnded)) == 3


def test_a_disk_that_fills_up_in_the_middle_is_said_once_and_the_run_goes_on(make_run, monkeypatch):
    written = []

    def full_after_three(part, row, tensors):
        written.append(row)
        if len(written) > 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(features.Part, "write", full_after_three)
    folder, _ = trained(make_run)
    assert len(said(folder, events.Note)) == 1
    assert len(said(folder, events.EpochEnded)) == 3


def test_from_scratch_nothing_is_kept(make_run):
    folder, _ = trained(make_run, start="scratch", phases=(Phase(1, 1e-3, 0),), learn_batch_norm=True)
    assert said(folder, events.Features) == []
    assert not (folder.parents[1] / features.FOLDER).exists()


def test_speed_is_kept_for_later_estimates(make_run, monkeypatch):
    kept = []
    monkeypatch.setattr(train.machines, "record", lambda home, measured: kept.append(measured))
    trained(make_run)
    (measured,) = kept
    assert (measured.backbone, measured.frozen_layers, measured.way) == ("residual10", 41, "tensorflow")
    assert measured.pass_ms > 0 and measured.epoch_ms > 0


@pytest.mark.parametrize(("seconds", "way"), [(1.0, "take_quick_form"), (9.0, "prepare_quick_form")])
def test_where_it_pays_the_prefix_is_converted_first_or_beside(make_run, monkeypatch, seconds, way):
    asked, prepared = [], []
    speed = replace(train.speeds.speed(ROW, 41, 32), conversion_seconds=seconds)
    monkeypatch.setattr(train.speeds, "quick_form_pays", lambda *question: asked.append(question) or True)
    monkeypatch.setattr(train.speeds, "speed", lambda *question: speed)
    for name in ("take_quick_form", "prepare_quick_form"):
        monkeypatch.setattr(Pass, name, lambda self, *jobs, name=name: prepared.append(name))
    trained(make_run)
    assert prepared == [way] and asked[0][3] == 12


def test_the_whole_run_in_the_quick_form_ends_alike(make_run, config, monkeypatch):
    monkeypatch.setattr(train, "_quick_form", lambda *question: "first")
    monkeypatch.setattr(Pass, "_choose", lambda self, conversion, begun: setattr(self, "quick", conversion.result()))
    folder, quick = trained(make_run)
    whole = whole_network_trained(folder, config_of(folder))
    for ours, theirs in zip(quick.weights, whole.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=HALF_PRECISION)


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_a_variation_is_decided_by_its_seed(strength):
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    one, same, other = (pipeline.vary(image, strength, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert one.dtype == np.uint8 and one.shape == image.shape
    assert not np.array_equal(one, other)


def test_no_augmentation_is_the_picture_itself():
    image = np.zeros((8, 8, 3), np.uint8)
    assert pipeline.vary(image, "none", np.random.default_rng(1)) is image


def test_a_variation_still_shows_the_picture(monkeypatch):
    """A picture that is dark on top and bright below stays so: it is not turned over, nor filled with black."""
    image = np.repeat(np.linspace(60, 200, 64)[:, None, None], 64, axis=1).repeat(3, axis=2).astype(np.uint8)
    for seed in range(20):
        varied = pipeline.vary(image, "light", np.random.default_rng(seed)).astype(float)
        assert varied.min() >= 55 and varied[:16].mean() < varied[-16:].mean() - 60
    mirrored = pipeline._sample(image, pipeline._affine((64, 64), 0, (1, 1), np.zeros(2), True))
    np.testing.assert_allclose(mirrored, image[:, ::-1], atol=1)


def test_what_is_made_in_the_background_comes_in_order_and_errors_come_through():
    assert list(in_background(iter([(1, 2), (3, 4)]), 1)) == [(1, 2), (3, 4)]

    def broken():
        yield (1, 2)
        raise ValueError("broken")

    with closing(in_background(broken(), 2)) as items:
        assert next(items) == (1, 2)
        with pytest.raises(ValueError, match="broken"):
            next(items)
