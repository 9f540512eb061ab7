"""Good settings in plain words; their numbers were chosen by measurement (docs/decisions, docs/measurements.md)."""

from collections.abc import Callable
from dataclasses import dataclass

from core.backbones import Backbone
from core.config import Head, Phase, RunConfig
from core.text import N_


def quick(backbone: Backbone, labels: tuple[str, ...]) -> RunConfig:
    """Everything frozen: only the new head learns."""
    return RunConfig(
        backbone=backbone.name,
        image_size=backbone.image_size,
        labels=labels,
        phases=(Phase(epochs=20, learning_rate=3e-3, frozen_layers=backbone.num_layers),),
        head=Head(),
        patience=0,
    )


def better(backbone: Backbone, labels: tuple[str, ...]) -> RunConfig:
    """The head first, then the backbone's last stage with it, in small steps.

    Source: two phases as in Keras' guide on transfer learning and fine-tuning.
    """
    before_last_stage = backbone.stages[-2].num_layers
    return RunConfig(
        backbone=backbone.name,
        image_size=backbone.image_size,
        labels=labels,
        phases=(
            Phase(epochs=10, learning_rate=3e-3, frozen_layers=backbone.num_layers),
            Phase(epochs=15, learning_rate=3e-4, frozen_layers=before_last_stage),
        ),
        head=Head(),
        patience=0,
    )


def from_scratch(backbone: Backbone, labels: tuple[str, ...]) -> RunConfig:
    """Nothing frozen and nothing known: every layer learns from random weights, to see what the head start is worth."""
    return RunConfig(
        backbone=backbone.name,
        image_size=backbone.image_size,
        labels=labels,
        phases=(Phase(epochs=30, learning_rate=1e-3, frozen_layers=0),),
        start="scratch",
        augmentation="light",
        learn_batch_norm=True,
        patience=0,
    )


@dataclass(frozen=True)
class Preset:
    """A row of settings with its plain words; `config` makes the settings for a backbone and the classes."""

    name: str
    title: str
    description: str
    config: Callable[[Backbone, tuple[str, ...]], RunConfig]


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "quick",
            N_("Quick"),
            N_("Everything that the network already knows stays frozen. Only the new head learns your classes."),
            quick,
        ),
        Preset(
            "better",
            N_("Better"),
            N_(
                "First only the new head learns. Then the last stage of the network is unfrozen and "
                "adapts to your pictures in small steps. Takes longer and usually gets more right."
            ),
            better,
        ),
    )
}
