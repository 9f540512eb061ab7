"""The model and settings that somebody puts together before a run starts; on disk, so that a reload loses nothing."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from core.backbones import CATALOG, Backbone
from core.config import Augmentation, Head, Loss, Optimizer, Phase, RunConfig, Start
from core.presets import PRESETS, from_scratch
from core.whole import write_whole

FILE = "draft.json"
Choice = Literal["quick", "better", "own"]


@dataclass(frozen=True)
class Draft:
    """What the model page and the train page ask for.

    Attributes:
        backbone: Name of a row of the catalog.
        start: Pretrained weights, or from scratch.
        frozen_layers: Frozen layers counted from the input, where `preset` is `own`; None for the whole backbone.
        has_own_freezing: Somebody moved the slider to `frozen_layers`, which therefore outlasts a preset.
        learn_batch_norm: Let batch normalisation of the trainable part update its statistics.
        head: The new classification head.
        preset: `own` for the settings below, else a preset that decides them.
        views: Variations kept of each training picture, where there is augmentation.
        fine_tune_epochs: Epochs of the second phase, in which the part that is not frozen learns too.
    """

    backbone: str = "residual10"
    start: Start = "imagenet"
    frozen_layers: int | None = None
    has_own_freezing: bool = False
    learn_batch_norm: bool = False
    head: Head = field(default_factory=Head)
    preset: Choice = "quick"
    epochs: int = 20
    learning_rate: float = 1e-3
    fine_tune_epochs: int = 10
    fine_tune_learning_rate: float = 1e-4
    batch_size: int = 32
    optimizer: Optimizer = "adam"
    loss: Loss = "categorical_crossentropy"
    augmentation: Augmentation = "none"
    views: int = 4
    patience: int = 5
    class_weights: bool = False
    validation_share: float = 0.2
    test_share: float = 0.0
    seed: int = 1

    @classmethod
    def read(cls, folder: Path) -> "Draft":
        """Returns the draft kept in a project's folder; a fresh one where there is none or it cannot be read."""
        try:
            return cls.from_values(json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError):
            return cls()

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Draft":
        """Builds a draft from what `write` wrote, passing over what a newer version added."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in values.items() if name in known}
        if "head" in values:
            values["head"] = Head(**values["head"])
        chosen = cls(**values)
        return chosen if chosen.backbone in CATALOG else cls()

    @staticmethod
    def is_kept(folder: Path) -> bool:
        """Whether a draft is kept in a project's folder."""
        return (folder / FILE).exists()

    def write(self, folder: Path) -> None:
        """Keeps the draft in a project's folder."""
        write_whole(folder / FILE, json.dumps(asdict(self)), outlives_power=False)

    @property
    def row(self) -> Backbone:
        """The chosen row of the catalog."""
        return CATALOG[self.backbone]

    @property
    def frozen(self) -> int:
        """How many backbone layers stay frozen to the end, as the preset or the slider says; none from scratch."""
        if self.start == "scratch":
            return 0
        if self.preset != "own":
            return PRESETS[self.preset].config(self.row, ()).phases[-1].frozen_layers
        return self.row.num_layers if self.frozen_layers is None else min(self.frozen_layers, self.row.num_layers)

    def as_own(self) -> "Draft":
        """Returns the same settings as own ones, so that changing a preset begins with its numbers.

        What somebody chose with the slider comes back.
        """
        if self.preset == "own":
            return self
        config = self.config(())
        is_own = self.has_own_freezing or self.start == "scratch"
        second = config.phases[1:] or (Phase(self.fine_tune_epochs, self.fine_tune_learning_rate, 0),)
        return replace(
            self,
            preset="own",
            frozen_layers=self.frozen_layers if is_own else self.frozen,
            epochs=config.phases[0].epochs,
            learning_rate=config.phases[0].learning_rate,
            fine_tune_epochs=second[0].epochs,
            fine_tune_learning_rate=second[0].learning_rate,
            batch_size=config.batch_size,
            optimizer=config.optimizer,
            loss=config.loss,
            augmentation=config.augmentation,
            views=config.views,
            patience=config.patience,
            class_weights=config.class_weights,
        )

    def config(self, labels: tuple[str, ...]) -> RunConfig:
        """Returns the settings of a run: the preset's, with what the model page and the seed say, or all one's own.

        Raises:
            SettingError: A setting is outside what it may be.
        """
        if self.preset == "own":
            return self._own_config(labels)
        recipe = PRESETS[self.preset].config if self.start == "imagenet" else from_scratch
        same = ("head", "seed", "validation_share", "test_share")
        kept: dict[str, Any] = {name: getattr(self, name) for name in same}
        if self.start == "imagenet":
            kept["learn_batch_norm"] = self.learn_batch_norm
        return replace(recipe(self.row, labels), **kept)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """One's own phases: the head first, then, where not all is frozen, the rest at its own lower rate."""
        if self.start == "scratch":
            return (Phase(self.epochs, self.learning_rate, 0),)
        head_only = Phase(self.epochs, self.learning_rate, self.row.num_layers)
        if self.frozen == self.row.num_layers:
            return (head_only,)
        return (head_only, Phase(self.fine_tune_epochs, self.fine_tune_learning_rate, self.frozen))

    def _own_config(self, labels: tuple[str, ...]) -> RunConfig:
        return RunConfig(
            backbone=self.backbone,
            image_size=self.row.image_size,
            labels=labels,
            phases=self.phases,
            start=self.start,
            head=self.head,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            loss=self.loss,
            augmentation=self.augmentation,
            # Its question is not asked without augmentation, and an answer of before is not to work in secret.
            views=self.views if self.augmentation != "none" else Draft.views,
            patience=self.patience,
            class_weights=self.class_weights,
            learn_batch_norm=self.learn_batch_norm,
            validation_share=self.validation_share,
            test_share=self.test_share,
            seed=self.seed,
        )
