import json
from dataclasses import replace

import pytest

from core.backbones import CATALOG
from core.config import Head
from core.presets import PRESETS
from core.ui.draft import Draft

LABELS = ("ant", "bee")


def test_a_draft_comes_back_from_disk(tmp_path):
    draft = Draft(backbone="vgg16", frozen_layers=3, preset="own", head=Head(kind="flatten"))
    draft.write(tmp_path)
    assert Draft.read(tmp_path) == draft


@pytest.mark.parametrize("text", ["", "[]", "{", '{"head": 3}', '{"backbone": "gone"}'])
def test_a_draft_that_cannot_be_read_is_a_fresh_one(tmp_path, text):
    (tmp_path / "draft.json").write_text(text)
    assert Draft.read(tmp_path) == Draft()


def test_what_a_newer_version_added_is_passed_over(tmp_path):
    (tmp_path / "draft.json").write_text(json.dumps({"epochs": 7, "colour": "blue"}))
    assert Draft.read(tmp_path).epochs == 7


@pytest.mark.parametrize("preset", PRESETS)
def test_own_settings_that_begin_with_a_preset_train_the_same(preset):
    draft = Draft(preset=preset)
    assert draft.as_own().config(LABELS) == draft.config(LABELS)


def test_what_was_chosen_with_the_slider_outlasts_a_preset():
    moved = Draft(preset="own", frozen_layers=5, has_own_freezing=True)
    for preset in PRESETS:
        chosen = replace(moved, preset=preset)
        assert chosen.frozen == Draft(preset=preset).frozen
        assert chosen.as_own().frozen == 5


def test_own_settings_from_scratch_unfreeze_nothing_of_a_pretrained_network():
    draft = Draft(start="scratch").as_own()
    assert replace(draft, start="imagenet").frozen == CATALOG["residual10"].num_layers


def test_from_scratch_nothing_is_frozen():
    draft = Draft(start="scratch")
    assert draft.frozen == 0
    assert [phase.frozen_layers for phase in draft.config(LABELS).phases] == [0]
    assert [phase.frozen_layers for phase in draft.as_own().config(LABELS).phases] == [0]


def test_a_part_that_is_not_frozen_learns_in_a_second_phase():
    total = CATALOG["residual10"].num_layers
    phases = Draft(preset="own", frozen_layers=total - 5).config(LABELS).phases
    assert [phase.frozen_layers for phase in phases] == [total, total - 5]
