"""A workspace with real pictures, and runs written by hand as a worker writes them."""

import gc
import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image
from streamlit.components.v2 import manifest_scanner

from core import dataset, events, intake, presets, projects, runs
from core.backbones import CATALOG
from core.projects import Project
from core.runs import Run, State
from core.split import split_images
from core.workspace import HOME_VARIABLE, Workspace

LABELS = ("ant", "bee *bold* :smile:")


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Lets AppTest look once into all installed packages for components, and not for every page that is opened."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def only_new_objects_are_collected() -> Iterator[None]:
    """Spares what is there already from Streamlit's search for garbage after every run of a page: all of TensorFlow."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    # The pages start the thread that launches queued runs, which would outlive the test and start real workers;
    # these tests write the runs themselves.
    monkeypatch.setattr("core.jobs.watch", lambda workspace: None)
    monkeypatch.setattr("core.jobs.launch_queued", lambda workspace: None)
    return Workspace(tmp_path / "home")


@pytest.fixture
def project(workspace) -> Project:
    return projects.create_project(workspace, "Ants & <b>bees</b>")


@pytest.fixture
def pictures(tmp_path) -> list[tuple[str, str, Path]]:
    """Six small pictures of each class, as (label, name, file)."""
    random = np.random.default_rng(1)
    made = []
    for label in LABELS:
        for index in range(6):
            file = tmp_path / f"{abs(hash(label))}-{index}.png"
            Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8)).save(file)
            made.append((label, f"picture {index}.png", file))
    return made


@pytest.fixture
def filled(workspace, project, pictures) -> Project:
    """The project with pictures of two classes and one file that is none."""
    for label in LABELS:
        files = [(name, file) for one, name, file in pictures if one == label]
        intake.take_files(workspace, project.id, label, files)
    broken = pictures[0][2].with_suffix(".jpg")
    broken.write_bytes(b"not a picture")
    intake.take_files(workspace, project.id, LABELS[0], [("broken [file].jpg", broken)])
    return project


class FakeWorker:
    """Writes a run's folder step by step, as a worker would."""

    def __init__(self, workspace: Workspace, project: Project):
        table = split_images(dataset.images(workspace, project.id), 0.34, 1)
        self.config = presets.quick(CATALOG["residual10"], tuple(sorted(LABELS)))
        self.workspace = workspace
        self.run = runs.create_run(workspace, project.id, "First *try*", self.config, table)
        self.table = table
        self.log = self.run.folder / "events.jsonl"

    def say(self, *said: events.Event) -> None:
        for event in said:
            events.append(self.log, event)

    def begin(self, pid: int, process_created: float) -> None:
        """The worker is alive and half-way through its second epoch."""
        runs.record_process(self.workspace, self.run.id, pid, process_created)
        self.say(
            events.Started(pid=pid, process_created=process_created, time=time.time() - 20),
            events.Ready(num_training=8, num_validation=4, num_test=0, epochs=20),
            events.PhaseBegun(
                phase=1, first_epoch=1, frozen_layers=41, trainable_parameters=514, non_trainable_parameters=10
            ),
            self.epoch(1, 0.5),
            events.Progress(epoch=2, step=1, steps=2, images_seen=12, loss=0.5, accuracy=0.7),
            events.Note(sentence="The weights were taken from {place}.", values={"place": "here"}),
        )

    @staticmethod
    def epoch(epoch: int, accuracy: float, *, best: bool = True) -> events.EpochEnded:
        return events.EpochEnded(
            epoch=epoch,
            phase=1,
            loss=0.7,
            accuracy=0.6,
            val_loss=1 - accuracy,
            val_accuracy=accuracy,
            learning_rate=3e-3,
            seconds=1.0,
            best=best,
        )

    def keep_epoch(self) -> None:
        """A whole epoch is kept, from which the run can go on."""
        file = self.run.folder / runs.CHECKPOINT
        file.parent.mkdir()
        file.write_bytes(b"weights")

    def finish(self, *, agrees: bool = True, accuracy: float = 0.75) -> None:
        """The run is over and its results are written."""
        self.say(
            self.epoch(2, accuracy),
            events.Finishing(best_epoch=2),
            events.Exported(max_difference=1e-6 if agrees else 0.2, agrees=agrees),
            events.Finished(best_epoch=2, val_accuracy=accuracy),
        )
        runs.record_state(self.workspace, self.run.id, State.FINISHED)
        (self.run.folder / "model.keras").write_bytes(b"a model")
        held_back = self.table[self.table["split"] == "validation"].reset_index(drop=True)
        self._write_predictions(held_back)

    def _write_predictions(self, held_back: pd.DataFrame) -> None:
        predicted = held_back["label"].to_list()
        wrong = LABELS[1] if predicted[0] == LABELS[0] else LABELS[0]
        predicted[0] = wrong
        table = held_back[["path", "name", "split", "label"]].assign(predicted=predicted, confidence=0.93)
        table["probabilities"] = [[0.93, 0.07] if one == LABELS[0] else [0.07, 0.93] for one in predicted]
        table.to_parquet(self.run.folder / "predictions.parquet", index=False)

    def answer(self, num_right: int, num_wrong: int) -> None:
        """The finished run is checked with so many pictures that are gone, every other one of the same class."""
        file = self.run.folder / "predictions.parquet"
        count = num_right + num_wrong
        labels = [LABELS[index % 2] for index in range(count)]
        said = [LABELS[(index + (index >= num_right)) % 2] for index in range(count)]
        one = pd.read_parquet(file).head(1)
        many = pd.concat([one] * count, ignore_index=True)
        paths = [f"{number}.jpg" for number in range(count)]
        many.assign(path=paths, label=labels, predicted=said).to_parquet(file, index=False)

    def stop(self) -> None:
        self.say(events.Stopped(best_epoch=0, val_accuracy=0.0))
        runs.record_state(self.workspace, self.run.id, State.STOPPED)

    def fail(self) -> None:
        self.say(events.Failed(sentence="The disk is full: {free} left.", values={"free": "0 MB"}))
        runs.record_state(self.workspace, self.run.id, State.FAILED)


@pytest.fixture
def worker(workspace, filled) -> FakeWorker:
    return FakeWorker(workspace, filled)


@pytest.fixture
def finished(worker) -> Run:
    worker.begin(1, 0.0)
    worker.finish()
    return worker.run


@pytest.fixture(params=["en", "es"])
def language(request) -> str:
    return request.param


@pytest.fixture
def own_process() -> tuple[int, float]:
    """A process that is alive: this one."""
    return os.getpid(), psutil.Process().create_time()
