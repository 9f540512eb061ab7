"""What a run is asked to do: frozen, checked, to and from JSON. The only contract between page and worker."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from core.errors import AppError
from core.text import N_

Start = Literal["imagenet", "scratch"]
HeadKind = Literal["pool", "flatten"]
Optimizer = Literal["adam", "sgd", "rmsprop"]
Loss = Literal["categorical_crossentropy", "label_smoothing", "focal"]
Augmentation = Literal["none", "light", "strong"]

MAX_EPOCHS = 1000
MAX_BATCH_SIZE = 512
MAX_VIEWS = 32


class SettingError(AppError):
    """A setting is outside what it may be."""

    sentence = N_("“{setting}” is {value}, but it must be {allowed}. Change it and start again.")


def _require(holds: bool, setting: str, value: object, allowed: str) -> None:
    if not holds:
        raise SettingError(setting=setting, value=value, allowed=allowed)


def _require_one_of(kind: Any, setting: str, value: object) -> None:
    _require(value in get_args(kind), setting, value, " / ".join(get_args(kind)))


@dataclass(frozen=True)
class Head:
    """The new classification head.

    Attributes:
        kind: `pool` averages each feature map to one number (global average pooling); `flatten` keeps every number.
        normalize: Batch normalisation of the pooled vector before the classifier. Not used with `flatten`.
        hidden_units: Width of an optional hidden Dense layer with ReLU; 0 for none.
        dropout: Share of the numbers that is dropped at random while training, 0 up to but not including 1.
    """

    kind: HeadKind = "pool"
    normalize: bool = True
    hidden_units: int = 0
    dropout: float = 0.5

    def __post_init__(self) -> None:
        _require_one_of(HeadKind, "head.kind", self.kind)
        _require(0 <= self.hidden_units <= 8192, "head.hidden_units", self.hidden_units, "0..8192")
        _require(0 <= self.dropout < 1, "head.dropout", self.dropout, "0 ≤ x < 1")


@dataclass(frozen=True)
class Phase:
    """One stretch of training with the same layers frozen.

    Attributes:
        epochs: How many times the network sees every training image, at most.
        learning_rate: Step size of the optimizer, above 0 and at most 1.
        frozen_layers: How many of the backbone's layers, counted from its input, are frozen.
    """

    epochs: int
    learning_rate: float
    frozen_layers: int

    def __post_init__(self) -> None:
        _require(1 <= self.epochs <= MAX_EPOCHS, "epochs", self.epochs, f"1..{MAX_EPOCHS}")
        _require(0 < self.learning_rate <= 1, "learning_rate", self.learning_rate, "0 < x ≤ 1")
        _require(self.frozen_layers >= 0, "frozen_layers", self.frozen_layers, "≥ 0")


@dataclass(frozen=True)
class RunConfig:
    """Everything a worker needs to know besides the table of images (`images.parquet` in the run folder).

    Attributes:
        backbone: Name of a row of `core.backbones.CATALOG`.
        image_size: Height and width in pixels that every image is resized to.
        labels: The classes, in the order of the model's outputs.
        phases: Trained one after the other, without a pause.
        start: `imagenet` starts from the pretrained weights, `scratch` from random ones.
        head: The new classification head.
        batch_size: How many images the network sees before it takes one step.
        optimizer: Adam, SGD with momentum 0.9, or RMSprop.
        loss: What training makes small. `label_smoothing` is cross-entropy with targets softened by 0.1.
        augmentation: How strongly training images are varied at random in each epoch.
        views: How many variations of each training image are computed once and kept, each epoch another of them; 0
            makes new ones in every epoch and keeps nothing. Without augmentation any number keeps the image itself.
        patience: Stop a phase after this many epochs without a lower validation loss; 0 to run all epochs.
        class_weights: Let rare classes count as much as frequent ones.
        learn_batch_norm: Let batch normalisation in the trainable part update its statistics. Always so from scratch.
        validation_share: Share of the images that was held out for validation, above 0 and at most 0.5.
        test_share: Share of the images that was kept for a last test, 0 to 0.4; those of own test folders come on top.
        seed: Makes the split, the order and the random numbers repeatable.
    """

    backbone: str
    image_size: int
    labels: tuple[str, ...]
    phases: tuple[Phase, ...]
    start: Start = "imagenet"
    head: Head = Head()
    batch_size: int = 32
    optimizer: Optimizer = "adam"
    loss: Loss = "categorical_crossentropy"
    augmentation: Augmentation = "none"
    views: int = 4
    patience: int = 5
    class_weights: bool = False
    learn_batch_norm: bool = False
    validation_share: float = 0.2
    test_share: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        _require_one_of(Start, "start", self.start)
        _require_one_of(Optimizer, "optimizer", self.optimizer)
        _require_one_of(Loss, "loss", self.loss)
        _require_one_of(Augmentation, "augmentation", self.augmentation)
        _require(16 <= self.image_size <= 1024, "image_size", self.image_size, "16..1024")
        _require(len(self.phases) >= 1, "phases", len(self.phases), "≥ 1")
        _require(1 <= self.batch_size <= MAX_BATCH_SIZE, "batch_size", self.batch_size, f"1..{MAX_BATCH_SIZE}")
        _require(0 <= self.views <= MAX_VIEWS, "views", self.views, f"0..{MAX_VIEWS}")
        _require(self.patience >= 0, "patience", self.patience, "≥ 0")
        _require(0 < self.validation_share <= 0.5, "validation_share", self.validation_share, "0 < x ≤ 0.5")
        _require(0 <= self.test_share <= 0.4, "test_share", self.test_share, "0 ≤ x ≤ 0.4")
        _require(0 <= self.seed < 2**31, "seed", self.seed, "0..2147483647")

    @property
    def epochs(self) -> int:
        """The number of epochs over all phases, at most."""
        return sum(phase.epochs for phase in self.phases)

    def to_json(self) -> str:
        """Returns the settings as indented JSON, `from_json`'s counterpart."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "RunConfig":
        """Reads what `to_json` wrote.

        Raises:
            SettingError: A value is outside its range, or a setting is unknown or missing.
        """
        known = {field.name for field in fields(cls)}
        try:
            values = dict(json.loads(text))
        except (ValueError, TypeError) as error:
            raise SettingError(setting="config.json", value=str(error), allowed="JSON") from error
        _require(set(values) <= known, "config.json", sorted(set(values) - known), " / ".join(sorted(known)))
        try:
            values["labels"] = tuple(values["labels"])
            values["phases"] = tuple(Phase(**phase) for phase in values["phases"])
            values["head"] = Head(**values.get("head", {}))
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise SettingError(setting="config.json", value=str(error), allowed=" / ".join(sorted(known))) from error
