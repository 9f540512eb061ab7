import os
import resource
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pandas as pd
import pytest

from core import events, housekeeping, jobs
from core.backbones import CATALOG
from core.config import Phase
from core.ml import worker
from core.pictures import decode
from core.predict import predict
from core.runs import Run, State
from core.workspace import Workspace


def said(folder):
    return events.read(folder / "events.jsonl")[0]


def of_kind(folder, kind):
    return [event for event in said(folder) if isinstance(event, kind)]


def test_run_goes_from_its_config_to_a_model_that_predicts_what_the_page_shows(make_run):
    folder = make_run()
    worker.main(folder)

    end = said(folder)[-1]
    assert isinstance(end, events.Finished)
    assert len(of_kind(folder, events.EpochEnded)) == 3
    assert of_kind(folder, events.Progress)
    assert of_kind(folder, events.Exported)[0].agrees

    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert set(predictions["split"]) == {"validation"}
    assert end.val_accuracy == pytest.approx((predictions["label"] == predictions["predicted"]).mean())

    home = folder.parent.parent
    paths = [home / path for path in predictions["path"]]
    kept = keras.models.load_model(folder / "model.keras", compile=False)
    reloaded = kept.predict(np.stack([decode(path, 32) for path in paths]).astype(np.float32), verbose=0)
    stated = np.array(predictions["probabilities"].tolist())
    np.testing.assert_allclose(reloaded, stated, atol=1e-5)
    np.testing.assert_allclose(predict(folder, paths), stated, atol=1e-4)


def test_two_phases_unfreeze_the_last_stage_and_count_epochs_on(make_run):
    backbone = CATALOG["residual10"]
    cut = backbone.stages[-2].num_layers
    folder = make_run(phases=(Phase(2, 3e-3, backbone.num_layers), Phase(2, 1e-4, cut)), augmentation="strong")
    worker.main(folder)
    phases = of_kind(folder, events.PhaseBegun)
    assert [phase.frozen_layers for phase in phases] == [backbone.num_layers, cut]
    assert phases[0].trainable_parameters < phases[1].trainable_parameters
    assert [event.epoch for event in of_kind(folder, events.EpochEnded)] == [1, 2, 3, 4]


def test_same_seed_gives_the_same_run(make_run, tmp_path):
    first = make_run()
    second = first.with_name("r2")
    second.mkdir()
    for name in ("config.json", "images.parquet"):
        (second / name).write_bytes((first / name).read_bytes())
    for folder in (first, second):
        worker.main(folder)
    losses = [[event.val_loss for event in of_kind(folder, events.EpochEnded)] for folder in (first, second)]
    # Two threads may add up in another order
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_early_stopping_ends_a_phase(make_run):
    folder = make_run(phases=(Phase(50, 1.0, CATALOG["residual10"].num_layers),), patience=1)
    worker.main(folder)
    assert len(of_kind(folder, events.EpochEnded)) < 50
    assert isinstance(said(folder)[-1], events.Finished)


def test_class_weights_and_every_optimizer_and_loss_train(make_run):
    folder = make_run(optimizer="sgd", loss="focal", class_weights=True, phases=(Phase(1, 1e-3, 41),))
    worker.main(folder)
    assert isinstance(said(folder)[-1], events.Finished)


def test_diverged_loss_says_which_rate_to_try(make_run):
    folder = make_run(backbone="vgg16", start="scratch", optimizer="rmsprop", phases=(Phase(5, 1.0, 0),))
    worker.main(folder)
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    assert "0.1" in end.sentence.format(**end.values)


def test_stop_before_the_first_epoch_keeps_nothing_and_says_so(make_run):
    folder = make_run()
    (folder / "stop").touch()
    worker.main(folder)
    end = said(folder)[-1]
    assert isinstance(end, events.Stopped)
    assert end.best_epoch == 0
    assert not (folder / "model.keras").exists()


def test_stop_within_a_run_keeps_the_best_epoch(make_run):
    folder = make_run(phases=(Phase(900, 1e-4, 41),))

    def stop_after_an_epoch():
        deadline = time.monotonic() + 120
        while not of_kind(folder, events.EpochEnded) and time.monotonic() < deadline:
            time.sleep(0.01)
        (folder / "stop").touch()

    thread = threading.Thread(target=stop_after_an_epoch)
    thread.start()
    worker.main(folder)
    thread.join()
    end = said(folder)[-1]
    assert isinstance(end, events.Stopped)
    assert end.best_epoch >= 1
    assert (folder / "model.keras").exists()
    assert len(of_kind(folder, events.EpochEnded)) < 900


def test_missing_picture_is_named(make_run):
    folder = make_run()
    next((folder.parent.parent / "projects" / "p1" / "images").glob("red1.png")).unlink()
    worker.main(folder)
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    assert end.values == {"name": "red/1.png"}


def test_fault_of_our_own_is_one_calm_sentence_and_a_traceback_in_the_log(make_run, capsys):
    folder = make_run()
    (folder / "images.parquet").write_bytes(b"broken")
    worker.main(folder)
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    assert end.values == {"run_id": "r1"}
    assert "Traceback" in capsys.readouterr().err


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_full_disk_is_a_sentence_and_leaves_no_half_written_file(make_run):
    folder = make_run()
    result = subprocess.run(
        [sys.executable, "-m", "core.ml.worker", str(folder)],
        cwd=jobs.ROOT,
        preexec_fn=limit_file_size,
        capture_output=True,
        timeout=120,
    )
    assert result.returncode == 0
    end = said(folder)[-1]
    assert isinstance(end, events.Failed)
    assert end.values == {"folder": str(folder)}
    assert [*folder.glob("writing*"), *folder.glob("checkpoint/writing*")] == []


def test_keras_answers_in_a_process_of_its_own(make_run):
    folder = make_run()
    worker.main(folder)
    predictions = pd.read_parquet(folder / "predictions.parquet")
    pictures = [(folder.parent.parent / path).read_bytes() for path in predictions["path"]]
    run = Run("r1", "p1", "first", 0.0, folder, State.FINISHED)
    np.testing.assert_allclose(
        jobs.predict_with_keras(run, pictures), np.array(predictions["probabilities"].tolist()), atol=1e-4
    )
    with pytest.raises(jobs.PredictionError):
        jobs.predict_with_keras(run, [b"no picture"])


def test_housekeeping_leaves_the_room_that_a_worker_keeps_and_the_worker_takes_it_away(make_run):
    folder = make_run()
    worker.reserve_room(folder)
    os.utime(folder / worker.RESERVE, (0, 0))
    housekeeping.sweep(Workspace(folder.parent.parent))
    assert (folder / worker.RESERVE).stat().st_size == worker.RESERVE_BYTES
    worker.clear_half_written(folder)
    assert not (folder / worker.RESERVE).exists()


def test_worker_that_cannot_even_say_its_last_word_ends(make_run, monkeypatch):
    folder = make_run()
    ended = []
    monkeypatch.setattr(worker, "main", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(os, "_exit", ended.append)
    worker.main_and_leave(folder)
    assert ended == [1]
