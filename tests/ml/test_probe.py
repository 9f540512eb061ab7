import time

import numpy as np
import pytest

from core import machines
from core.ml import probe
from core.ml.forward import Forward
from core.ml.model import backbone_of, freeze_layers
from core.ml.prefix import cut


def test_a_probe_writes_the_speed_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "LONGEST_SECONDS", 0.01)
    probe.main(tmp_path)
    machine = machines.here(tmp_path)
    assert machine is not None
    assert [path.name for path in (tmp_path / "features").iterdir()] == ["machine.json"]


def test_a_step_of_a_longer_suffix_takes_longer():
    model, config = probe.network(probe.BACKBONE)
    images = probe.noise(8, config.image_size)
    steps = []
    for frozen_layers in (probe.BACKBONE.num_layers, 0):
        freeze_layers(backbone_of(model, config), frozen_layers)
        parts = cut(model, config)
        tensors = Forward(parts.prefix)(images) if parts.prefix else [images.astype(np.float32)]
        steps.append(probe.step_ms(parts, tensors, longest_seconds=0.05))
    assert 0 < steps[0] < steps[1]


def test_a_stopwatch_takes_off_what_others_used(monkeypatch):
    readings = iter([(0.0, 0.0), (3.0, 1.0)])
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(probe, "_processor_seconds", lambda: next(readings))
    monkeypatch.setattr(probe.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(probe.psutil, "cpu_count", lambda: 2)
    with probe.Stopwatch() as watch:
        pass
    assert (watch.others, watch.seconds) == (0.5, 1.0)


def test_milliseconds_are_per_image():
    taken = probe.milliseconds(lambda: time.sleep(0.05), 10, longest_seconds=0.01)
    assert 0 < taken == pytest.approx(5, rel=0.9)
