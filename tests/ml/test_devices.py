import json
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from core import events, jobs
from core.config import Head
from core.ml import devices, worker

TWO_DEVICES = """
import sys
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from pathlib import Path
from core.ml import devices, forward, worker
devices.strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
devices.strategy()
assert tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).num_replicas_in_sync == 2
worker.main(Path(sys.argv[1]))
"""


def said(folder):
    return events.read(folder / "events.jsonl")[0]


def probabilities(folder):
    return np.array(pd.read_parquet(folder / "predictions.parquet")["probabilities"].to_list())


@pytest.mark.parametrize("frozen", [41, 31], ids=["all frozen", "last stage"])
def test_two_devices_share_the_work_and_learn_what_one_learns(make_run, config, frozen):
    from core.config import Phase

    certain = Head(normalize=False, dropout=0)
    folder = make_run(head=certain, optimizer="sgd", phases=(Phase(2, 1e-2, frozen),), num_images=22)
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES, str(folder)], cwd=jobs.ROOT, capture_output=True, text=True, timeout=300
    )
    assert isinstance(said(folder)[-1], events.Finished), done.stderr[-3000:]
    by_two = probabilities(folder)
    for name in ("events.jsonl", "predictions.parquet"):
        (folder / name).unlink()
    for path in (folder / "checkpoint").iterdir():
        path.unlink()
    worker.main(folder)
    np.testing.assert_allclose(probabilities(folder), by_two, atol=5e-3)  # stored features have eleven bits


def gpu(monkeypatch, *capabilities):
    monkeypatch.setattr(devices, "gpus", lambda: list(range(len(capabilities))))
    experimental = SimpleNamespace(get_device_details=lambda number: {"compute_capability": capabilities[number]})
    monkeypatch.setattr(devices.tf.config, "experimental", experimental)


@pytest.mark.parametrize(
    ("capabilities", "policy"),
    [
        ((), "float32"),
        (((6, 1),), "float32"),
        (((7, 0),), "mixed_float16"),
        (((9, 0), (9, 0)), "mixed_float16"),
        (((9, 0), (6, 1)), "float32"),
        ((None,), "float32"),
    ],
)
def test_mixed_precision_where_the_device_is_made_for_it(monkeypatch, capabilities, policy):
    gpu(monkeypatch, *capabilities)
    assert devices.precision() == policy


def test_one_device_needs_no_sharing():
    assert devices.strategy().num_replicas_in_sync == 1


def test_model_trained_in_mixed_precision_is_taken_home_in_full(make_run, monkeypatch):
    monkeypatch.setattr(devices, "precision", lambda: "mixed_float16")
    folder = make_run()
    worker.main(folder)
    *_, exported, end = said(folder)
    assert isinstance(end, events.Finished)
    assert exported.agrees
    model = keras.models.load_model(folder / "model.keras", compile=False)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["backbone"] == "residual10"
