"""core.config: what a run may be asked to do, and its way through JSON."""

import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import MAX_BATCH_SIZE, MAX_EPOCHS, Head, Phase, RunConfig, SettingError

PHASE = Phase(epochs=3, learning_rate=1e-3, frozen_layers=10)
CONFIG = RunConfig(backbone="residual10", image_size=112, labels=("ants", "bees"), phases=(PHASE,))

configs = st.builds(
    RunConfig,
    backbone=st.sampled_from(["residual10", "vgg16"]),
    image_size=st.integers(16, 1024),
    labels=st.lists(st.text(min_size=1), min_size=2, max_size=5, unique=True).map(tuple),
    phases=st.lists(
        st.builds(
            Phase,
            epochs=st.integers(1, MAX_EPOCHS),
            learning_rate=st.floats(1e-9, 1),
            frozen_layers=st.integers(0, 1000),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    start=st.sampled_from(["imagenet", "scratch"]),
    head=st.builds(
        Head,
        kind=st.sampled_from(["pool", "flatten"]),
        normalize=st.booleans(),
        hidden_units=st.integers(0, 8192),
        dropout=st.floats(0, 1, exclude_max=True),
    ),
    batch_size=st.integers(1, MAX_BATCH_SIZE),
    class_weights=st.booleans(),
    seed=st.integers(0, 2**31 - 1),
)


def changed(**changes) -> str:
    """The settings as JSON, with some of them replaced, as a person who edits the file could."""
    return json.dumps(json.loads(CONFIG.to_json()) | changes)


@given(configs)
def test_settings_come_back_from_json_as_they_were(config):
    assert RunConfig.from_json(config.to_json()) == config


def test_json_keeps_labels_readable():
    assert "Käfer" in replace(CONFIG, labels=("Käfer", "甲虫")).to_json()


def test_settings_left_out_of_the_json_take_their_defaults():
    phase = {"epochs": 3, "learning_rate": 0.001, "frozen_layers": 10}
    short = {"backbone": "residual10", "image_size": 112, "labels": ["a", "b"], "phases": [phase]}
    config = RunConfig.from_json(json.dumps(short))
    assert config.head == Head()
    assert config.batch_size == CONFIG.batch_size


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        CONFIG.seed = 2


def test_epochs_are_counted_over_all_phases():
    assert replace(CONFIG, phases=(PHASE, replace(PHASE, epochs=4))).epochs == 7


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("image_size", 15),
        ("image_size", 1025),
        ("phases", ()),
        ("start", "imagnet"),
        ("batch_size", 0),
        ("batch_size", MAX_BATCH_SIZE + 1),
        ("optimizer", "Adam"),
        ("loss", "mse"),
        ("augmentation", "heavy"),
        ("patience", -1),
        ("validation_share", 0),
        ("validation_share", 0.51),
        ("validation_share", math.nan),
        ("test_share", -0.01),
        ("test_share", 0.41),
        ("test_share", math.nan),
        ("seed", -1),
        ("seed", 2**31),
    ],
)
def test_setting_outside_its_range_is_named(setting, value):
    with pytest.raises(SettingError) as caught:
        replace(CONFIG, **{setting: value})
    assert caught.value.values["setting"] == setting


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("epochs", MAX_EPOCHS + 1),
        ("learning_rate", 0),
        ("learning_rate", 1.01),
        ("learning_rate", math.nan),
        ("frozen_layers", -1),
    ],
)
def test_phase_outside_its_range_is_named(setting, value):
    with pytest.raises(SettingError, match=setting):
        replace(PHASE, **{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [("kind", "max"), ("hidden_units", -1), ("hidden_units", 8193), ("dropout", 1), ("dropout", -0.1)],
)
def test_head_outside_its_range_is_named(setting, value):
    with pytest.raises(SettingError, match=f"head.{setting}"):
        replace(Head(), **{setting: value})


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("image_size", (16, 1024)),
        ("batch_size", (1, MAX_BATCH_SIZE)),
        ("validation_share", (0.01, 0.5)),
        ("test_share", (0.0, 0.4)),
        ("seed", (0, 2**31 - 1)),
    ],
)
def test_both_ends_of_a_range_are_allowed(setting, values):
    for value in values:
        assert getattr(replace(CONFIG, **{setting: value}), setting) == value


def test_sentence_says_what_is_allowed_and_what_to_do():
    with pytest.raises(SettingError) as caught:
        replace(CONFIG, optimizer="adagrad")
    assert str(caught.value) == (
        "“optimizer” is adagrad, but it must be adam / sgd / rmsprop. Change it and start again."
    )


@pytest.mark.parametrize(
    "text",
    [
        changed(momentum=0.9),
        changed(phases=[{"epochs": 3, "learning_rate": 0.001, "frozen": 10}]),
        changed(phases=[{"epochs": 3}]),
        changed(phases=[{"epochs": "3", "learning_rate": 0.001, "frozen_layers": 10}]),
        changed(head={"kind": "pool", "size": 3}),
        changed(labels=None),
        "{}",
    ],
    ids=[
        "unknown",
        "unknown in a phase",
        "missing in a phase",
        "text for a number",
        "unknown in head",
        "none",
        "empty",
    ],
)
def test_json_that_is_not_ours_is_refused_with_a_sentence(text):
    with pytest.raises(SettingError):
        RunConfig.from_json(text)
