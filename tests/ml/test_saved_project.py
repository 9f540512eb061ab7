"""A project that goes out and comes in elsewhere: its model answers alike and its run goes on, with real Keras."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from core import dataset, events, jobs, predict, runs
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.limits import Limits
from core.ml.model import build_model
from core.processes import ROOT
from core.runs import State
from core.saved import proving
from core.saved.packing import pack
from core.saved.settling import bring_home
from core.saved.unpacking import unpack
from core.split import split_images
from core.workspace import Workspace
from tests import parcels

LIMIT_SECONDS = 300
CONFIG = RunConfig(
    backbone="residual10",
    image_size=32,
    labels=("blue", "green", "red"),
    phases=(Phase(2, 3e-3, CATALOG["residual10"].num_layers),),
    batch_size=4,
    patience=0,
)


def train(folder) -> None:
    with (folder / "worker.log").open("ab") as log:
        done = subprocess.run(
            [sys.executable, "-m", "core.ml.worker", str(folder)],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            timeout=LIMIT_SECONDS,
        )
    assert done.returncode == 0, (folder / "worker.log").read_text()[-2000:]


@pytest.fixture
def trained(workspace, tmp_path):
    """A run that a real worker brought to its end."""
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    table = split_images(dataset.images(workspace, project_id), 0.34, 1)
    run = runs.create_run(workspace, project_id, "real", CONFIG, table)
    train(run.folder)
    assert runs.open_run(workspace, run.id).state in (State.QUEUED, State.FINISHED)
    runs.record_state(workspace, run.id, State.FINISHED)
    return run


def test_model_answers_alike_and_the_run_goes_on_elsewhere(workspace, trained, tmp_path, monkeypatch):
    file, laid, other = tmp_path / "project.zip", tmp_path / "laid", Workspace(tmp_path / "other")
    pack(workspace, trained.project_id, file, lambda done, total: None)
    laid.mkdir()
    with ThreadPoolExecutor(1) as workers:
        brought = unpack(other, file, laid, Limits(), lambda done, total: None, workers)
    bring_home(other, laid, brought.project_id)
    assert brought.runs_left_out == ()
    (run,) = runs.list_runs(other)
    pictures = [parcels.picture(colour) for colour in parcels.COLOURS.values()]
    assert np.array_equal(predict.predict(run.folder, pictures), predict.predict(trained.folder, pictures))
    # Keras answers from the same file, in its safe mode; the two ways differ in the last bits of float32.
    said = jobs.predict_with_keras(run, pictures)
    np.testing.assert_allclose(said, predict.predict(run.folder, pictures), atol=1e-4)

    monkeypatch.setattr(jobs, "launch_queued", lambda workspace: None)
    jobs.resume_run(other, run.id, more_epochs=1)
    train(run.folder)
    epochs = [event for event in events.read(run.folder / "events.jsonl")[0] if isinstance(event, events.EpochEnded)]
    assert [event.epoch for event in epochs] == [1, 2, 3]
    assert runs.open_run(other, run.id).state == State.FINISHED


@pytest.mark.parametrize("head", [Head(), Head(kind="flatten", hidden_units=8)], ids=lambda head: head.kind)
def test_heads_hold_no_other_kinds_of_layers(head):
    model = build_model(replace(CONFIG, head=head), pretrained=False)
    assert proving._unknown_kinds(json.loads(model.to_json())) == set()
