"""A run that was interrupted, wherever, ends as one that was not: the same bits and the same history."""

import errno
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest

from core import events
from core.backbones import CATALOG
from core.config import Head, Phase
from core.ml import worker
from core.ml.checkpoint import BEST, FOLDER, LAST, STANDING, Checkpoint, read_standing
from core.ml.devices import DETERMINISTIC
from core.processes import ROOT

BACKBONE = CATALOG["residual10"]
ALL, MOST = BACKBONE.num_layers, BACKBONE.stages[-2].num_layers
TWO_PHASES = (Phase(2, 3e-3, ALL), Phase(3, 1e-3, MOST))
DROPPING = Head(dropout=0.5)
LIMIT_SECONDS = 120


def said(folder):
    return events.read(folder / "events.jsonl")[0]


def epochs(folder):
    """Each whole epoch without what may differ: when, and how long it took."""
    last = {event.epoch: asdict(event) for event in said(folder) if isinstance(event, events.EpochEnded)}
    return [{name: value for name, value in one.items() if name not in ("time", "seconds")} for one in last.values()]


def begin(folder):
    environment = os.environ | {DETERMINISTIC: "on"}
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "core.ml.worker", str(folder)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )


def to_the_end(folder):
    assert begin(folder).wait(LIMIT_SECONDS) == 0
    assert isinstance(said(folder)[-1], events.Finished), said(folder)[-1]
    return folder


def another(folder, name):
    """A run that was asked the same, and has said nothing yet."""
    other = folder.with_name(name)
    other.mkdir()
    for file in ("config.json", "images.parquet"):
        (other / file).write_bytes((folder / file).read_bytes())
    return other


def arrays(folder):
    with np.load(folder / FOLDER / LAST) as kept:
        return {name: kept[name] for name in kept.files if name != "standing"}


def assert_the_same(one, other):
    assert epochs(one) == epochs(other)
    ours, theirs = arrays(one), arrays(other)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []


def wait_for(folder, kind, count):
    deadline = time.monotonic() + LIMIT_SECONDS
    while sum(isinstance(event, kind) for event in said(folder)) < count:
        assert time.monotonic() < deadline, (folder / "worker.log").read_text()[-2000:]
        time.sleep(0.01)


def test_paused_in_one_phase_and_killed_in_the_next_it_ends_with_the_same_bits(make_run):
    whole = make_run(phases=TWO_PHASES, head=DROPPING, augmentation="light", views=2)
    parts = another(whole, "r2")
    to_the_end(whole)

    process = begin(parts)
    wait_for(parts, events.EpochEnded, 1)
    (parts / events.PAUSE).touch()
    assert process.wait(LIMIT_SECONDS) == 0
    assert isinstance(said(parts)[-1], events.Paused)
    assert not (parts / "model.keras").exists()
    (parts / events.PAUSE).unlink()

    process = begin(parts)
    wait_for(parts, events.PhaseBegun, 3)  # the first, the first again, the second
    wait_for(parts, events.EpochEnded, 3)
    process.kill()
    process.wait()

    to_the_end(parts)
    assert_the_same(whole, parts)
    assert (whole / "model.keras").exists() and (parts / "model.keras").exists()


class PowerCutError(BaseException):
    """Nothing may catch it, as nothing can be done when the power fails."""


@pytest.fixture
def cut_after(monkeypatch):
    """Lets the power fail right after an epoch was kept and before it is told."""
    save = Checkpoint.save

    def cut(epoch):
        def save_and_fail(self, standing, optimizer):
            save(self, standing, optimizer)
            if standing.last.epoch == epoch:
                raise PowerCutError

        monkeypatch.setattr(Checkpoint, "save", save_and_fail)

    return cut


def here(folder):
    worker.main(folder)
    assert isinstance(said(folder)[-1], events.Finished), said(folder)[-1]
    return folder


def assert_nearly_the_same(one, other):
    # Without determinism two threads may add up in another order.
    assert [epoch["epoch"] for epoch in epochs(one)] == [epoch["epoch"] for epoch in epochs(other)]
    for name, values in arrays(one).items():
        np.testing.assert_allclose(values, arrays(other)[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_what_early_stopping_counted_is_kept(make_run, cut_after):
    asked = {"phases": (Phase(30, 0.5, ALL),), "head": DROPPING, "optimizer": "sgd", "patience": 2}
    whole = make_run(**asked)
    parts = another(whole, "r2")
    here(whole)
    num = len(epochs(whole))
    assert 2 < num < 30
    for epoch in (num - 1, num):
        cut_after(epoch)
        with pytest.raises(PowerCutError):
            worker.main(parts)
    assert read_standing(parts).stopped_early
    here(parts)
    assert_nearly_the_same(whole, parts)


def test_more_epochs_go_on_where_the_run_ended(make_run):
    whole = here(make_run(phases=(Phase(4, 3e-3, ALL),), head=DROPPING, optimizer="sgd"))
    fewer = another(whole, "r2")
    asked = (whole / "config.json").read_text()
    (fewer / "config.json").write_text(asked.replace('"epochs": 4', '"epochs": 2'))
    here(fewer)
    assert len(epochs(fewer)) == 2
    (fewer / "config.json").write_text(asked)
    here(fewer)
    assert_nearly_the_same(whole, fewer)


def test_an_epoch_that_was_kept_and_not_told_is_told_by_the_next_and_is_the_best_where_it_was(make_run, cut_after):
    folder = make_run(phases=(Phase(2, 3e-3, ALL),))
    cut_after(1)
    with pytest.raises(PowerCutError):
        worker.main(folder)
    assert epochs(folder) == []
    (folder / FOLDER / BEST).unlink()  # it failed even a little earlier
    cut_after(None)
    here(folder)
    assert [epoch["epoch"] for epoch in epochs(folder)] == [1, 2]
    assert (folder / FOLDER / BEST).exists()


def test_between_two_phases_it_goes_on_with_the_same_random_numbers(make_run, cut_after):
    whole = make_run(phases=TWO_PHASES, head=DROPPING, optimizer="sgd")
    parts = another(whole, "r2")
    here(whole)
    cut_after(TWO_PHASES[0].epochs)
    with pytest.raises(PowerCutError):
        worker.main(parts)
    cut_after(None)
    here(parts)
    assert_nearly_the_same(whole, parts)


def test_a_full_disk_in_the_middle_of_a_checkpoint_leaves_the_one_before(make_run, monkeypatch):
    folder = make_run(phases=(Phase(3, 3e-3, ALL),))
    write = np.savez

    def fill(file, **arrays):
        write(file, **arrays)
        if b'"epochs": 2' in bytes(arrays[STANDING]):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", fill)
    worker.main(folder)
    end = said(folder)[-1]
    assert isinstance(end, events.Failed) and "disk is full" in end.sentence
    assert read_standing(folder).epochs == 1
    assert (folder / "model.keras").exists()  # of the epoch that was kept
    monkeypatch.undo()
    here(folder)
    assert [epoch["epoch"] for epoch in epochs(folder)] == [1, 2, 3]


def test_killed_at_random_moments_it_ends_with_the_same_bits(make_run):
    whole = make_run(phases=TWO_PHASES, head=DROPPING)
    parts = another(whole, "r2")
    began = time.monotonic()
    to_the_end(whole)
    longest = time.monotonic() - began
    moments = random.Random(1)
    for _ in range(2):
        process = begin(parts)
        time.sleep(moments.uniform(0.4, 1) * longest)
        process.kill()
        process.wait()
    to_the_end(parts)
    assert_the_same(whole, parts)
