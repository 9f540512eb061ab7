"""The phases of a run: freeze, compile, fit, one after the other."""

from pathlib import Path

import keras
import pandas as pd

from core.config import Phase, RunConfig
from core.ml import pipeline
from core.ml.callbacks import BestEpoch, Reporter, Stop
from core.ml.model import backbone_of, freeze_layers, learns_statistics


def train(model: keras.Model, config: RunConfig, table: pd.DataFrame, folder: Path) -> None:
    """Trains all phases; afterwards the model holds the weights of its best epoch.

    Args:
        model: From `build_model`; changed in place.
        config: The phases and settings.
        table: The run's images with columns path, label, split.
        folder: The run folder, for events, the stop file and the checkpoint.

    Raises:
        StopRequested: The stop file appeared; the best epoch so far is in the checkpoint.
        DivergedError: The loss is no longer a number; the best epoch so far is in the checkpoint.
    """
    home = folder.parent.parent
    validation = table[table["split"] == "validation"]
    training_data = pipeline.training_batches(table, config, home)
    validation_data = pipeline.evaluation_batches(validation, config, home)
    num_training = int((table["split"] == "train").sum())
    best = BestEpoch(folder)
    epochs_done = 0
    for number, phase in enumerate(config.phases, start=1):
        best.restore(model)
        compile_phase(model, config, phase)
        reporter = Reporter(folder, phase, best, number=number, epochs_before=epochs_done, num_images=num_training)
        model.fit(
            training_data,
            validation_data=validation_data,
            epochs=phase.epochs,
            shuffle=False,  # the pipeline has shuffled
            class_weight=pipeline.class_weights(table, config) if config.class_weights else None,
            callbacks=[Stop(folder), reporter, *_early_stopping(config)],
            verbose=0,
        )
        epochs_done += reporter.epochs_done
    best.restore(model)


def compile_phase(model: keras.Model, config: RunConfig, phase: Phase) -> None:
    """Freezes what the phase freezes and compiles the model with a fresh optimizer."""
    freeze_layers(backbone_of(model, config), phase.frozen_layers, learn_statistics=learns_statistics(config))
    model.compile(optimizer=_optimizer(config, phase), loss=_loss(config), metrics=["accuracy"])


def _optimizer(config: RunConfig, phase: Phase) -> keras.optimizers.Optimizer:
    rate = phase.learning_rate
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9)
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate)
    return keras.optimizers.Adam(rate)


def _loss(config: RunConfig) -> keras.losses.Loss:
    if config.loss == "focal":
        return keras.losses.CategoricalFocalCrossentropy()
    return keras.losses.CategoricalCrossentropy(label_smoothing=0.1 if config.loss == "label_smoothing" else 0.0)


def _early_stopping(config: RunConfig) -> list[keras.callbacks.Callback]:
    if not config.patience:
        return []
    return [keras.callbacks.EarlyStopping(monitor="val_loss", patience=config.patience)]
