"""The phases of a run: freeze, compile, fit, one after the other."""

import statistics
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import pandas as pd

from core import backbones, budget, events, machines, speeds
from core.config import Phase, RunConfig
from core.ml import devices, pipeline
from core.ml.callbacks import Reporter, Stop, Turn
from core.ml.checkpoint import Checkpoint
from core.ml.devices import has_gpu
from core.ml.feed import Feed, Plan, QuickForm
from core.ml.model import backbone_of, count_trainable, freeze_layers, learned_weights, learns_statistics
from core.ml.prefix import cut, passing_by
from core.text import N_

PATIENCE_SECONDS = 2.5  # that a conversion may take before the first point on the chart
NO_ROOM = N_(
    "There is no room to keep what the frozen layers say of the pictures: that would take {gigabytes} GB. So it is "
    "computed anew in every epoch, which takes longer. Free some disk space, or allow more with {variable}."
)


def train(model: keras.Model, config: RunConfig, table: pd.DataFrame, folder: Path) -> None:
    """Trains all phases, from the last whole epoch on where there was one; then the model is that of its best epoch.

    In each phase only the suffix after the frozen prefix is trained; it shares its layers with the model.

    Args:
        model: From `build_model`; changed in place.
        config: The phases and settings.
        table: The run's images with columns path, label, split.
        folder: The run folder, for events, the stop file and the checkpoint.

    Raises:
        StopRequested: The stop file appeared; the best epoch so far is in the checkpoint.
        PauseRequested: The run is to go on later, from the last whole epoch.
        DivergedError: The loss is no longer a number; the best epoch so far is in the checkpoint.
    """
    checkpoint = Checkpoint(folder, model, learned_weights(model, config))
    standing = checkpoint.standing
    epochs_done = standing.epochs_before if standing else 0
    for number, phase in enumerate(config.phases, start=1):
        if standing and number < standing.phase:
            continue
        at = standing if standing and number == standing.phase else None
        if at and at.is_phase_over(phase.epochs):
            checkpoint.restore_last()  # the next phase begins with the best weights, and draws on from here
            epochs_done += at.epochs
            continue
        turn = Turn(folder, phase, number, epochs_done, at)
        epochs_done += _train_phase(model, config, table, checkpoint, turn)
    checkpoint.restore_best(model)


def _train_phase(model: keras.Model, config: RunConfig, table: pd.DataFrame, checkpoint: Checkpoint, turn: Turn) -> int:
    """Trains one phase and returns how many epochs it took."""
    phase = turn.phase
    if turn.standing:
        checkpoint.restore_last()
    else:
        checkpoint.restore_best(model)
    freeze_phase(model, config, phase)
    trainable = count_trainable(model)
    turn.say(
        events.PhaseBegun(
            phase=turn.number,
            first_epoch=turn.epochs_before + 1,
            frozen_layers=phase.frozen_layers,
            trainable_parameters=trainable,
            non_trainable_parameters=model.count_params() - trainable,
        )
    )
    plan = _plan(model, config, turn)
    suffix = plan.cut.suffix
    with closing(Feed(plan, table, turn.home)) as feed:
        _say_features(feed, turn)
        compile_model(suffix, config, phase)
        reporter = Reporter(turn, checkpoint, len(feed.training_images), config.patience)
        suffix.fit(
            feed.training(),
            validation_data=feed.validation(),
            initial_epoch=turn.epochs_done,
            epochs=phase.epochs,
            shuffle=False,  # the feed has shuffled
            class_weight=pipeline.class_weights(table, config) if config.class_weights else None,
            callbacks=[feed.turns(turn.epochs_before), Stop(turn.folder), reporter],
            verbose=0,
        )
        _record_speed(feed, turn, reporter.seconds)
    return reporter.epochs_done


def _plan(model: keras.Model, config: RunConfig, turn: Turn) -> Plan:
    """Cuts the network for a phase; where all of the backbone is frozen now and less later, both are asked at once."""
    later = config.phases[turn.number : turn.number + 1]
    plan = Plan(config, cut(model, config), turn.phase.epochs, quick_form=partial(_quick_form, config, turn))
    if plan.cut.last_layer is None or not later or config.views == 0:
        return plan
    freeze_phase(model, config, later[0])
    then = cut(model, config)
    freeze_phase(model, config, turn.phase)
    return replace(plan, also=passing_by(plan.cut, then), next_frontier=then.frontier)


def _say_features(feed: Feed, turn: Turn) -> None:
    """Says how much is found, and, now or later, that there is no room to keep the rest."""
    if feed.plan.cut.prefix is None:
        return
    turn.say(
        events.Features(
            phase=turn.number,
            needed=feed.needed,
            found=feed.found,
            kept=feed.kept,
            filling_epochs=feed.filling_epochs,
        )
    )
    gigabytes = f"{max(feed.needed_bytes / budget.GIGABYTE, 0.1):.1f}"
    values = {"gigabytes": gigabytes, "variable": budget.VARIABLE}
    feed.on_no_room = lambda: turn.say(events.Note(sentence=NO_ROOM, values=values))
    if feed.no_room:
        feed.on_no_room()


def _quick_form(config: RunConfig, turn: Turn, num_images: int) -> QuickForm:
    """Says whether the prefix is to run in LiteRT; that it is quicker is measured before it is believed."""
    if devices.is_deterministic():
        return "no"  # which way is quicker may change, and with it the last digits
    backbone, machine = backbones.CATALOG[config.backbone], machines.here(turn.home)
    frozen, size = turn.phase.frozen_layers, config.image_size
    if not speeds.quick_form_pays(backbone, frozen, size, num_images, machine):
        return "no"
    conversion = speeds.speed(backbone, frozen, size, machine).conversion_seconds
    return "first" if conversion <= PATIENCE_SECONDS else "beside"


def _record_speed(feed: Feed, turn: Turn, seconds: list[float]) -> None:
    """Keeps what the epochs took, for the estimates of later runs."""
    if feed.plan.cut.prefix is None:
        return
    steady = [took for took, computed in zip(seconds, feed.computed, strict=True) if not computed]
    later = statistics.median(steady) if steady else 0.0
    filling = [took - later for took, computed in zip(seconds, feed.computed, strict=True) if computed]
    measured = machines.Measured(
        backbone=feed.config.backbone,
        frozen_layers=turn.phase.frozen_layers,
        image_size=feed.config.image_size,
        way=feed.way,
        num_images=len(feed.training_images),
        pass_ms=1000 * sum(filling) / max(1, sum(feed.computed)) if steady else 0.0,
        epoch_ms=1000 * later / max(1, len(feed.training_images)),
    )
    machines.record(turn.home, measured)


def freeze_phase(model: keras.Model, config: RunConfig, phase: Phase) -> None:
    """Freezes what the phase freezes, and makes the rest trainable."""
    freeze_layers(backbone_of(model, config), phase.frozen_layers, learn_statistics=learns_statistics(config))


def compile_model(model: keras.Model, config: RunConfig, phase: Phase) -> None:
    """Compiles a network, or the suffix of one, with a fresh optimizer.

    XLA is left out: on a processor it makes some of the networks ten times slower (docs/measurements.md).
    """
    model.compile(optimizer=_optimizer(config, phase), loss=_loss(config), metrics=["accuracy"], jit_compile=has_gpu())


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
