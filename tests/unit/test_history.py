import time
from dataclasses import replace

import pytest

from core import events
from core.history import EPOCH_COLUMNS, history
from core.runs import Run, State

BEGAN = 1_000.0


@pytest.fixture
def run(tmp_path):
    return Run("r1", "p1", "first", BEGAN, tmp_path, State.RUNNING)


def say(run, *said):
    for event in said:
        events.append(run.folder / "events.jsonl", event)


def begun(seconds=0.0):
    return (
        events.Started(time=BEGAN, pid=1, process_created=1.0),
        events.Ready(time=BEGAN + 1, num_training=100, num_validation=20, num_test=0, epochs=4),
        events.PhaseBegun(
            time=BEGAN + 2 + seconds,
            phase=1,
            first_epoch=1,
            frozen_layers=3,
            trainable_parameters=1,
            non_trainable_parameters=9,
        ),
    )


def epoch(number, at, *, val_loss=1.0, best=True):
    return events.EpochEnded(
        time=BEGAN + at,
        epoch=number,
        phase=1,
        loss=1.0,
        accuracy=0.5,
        val_loss=val_loss,
        val_accuracy=0.1 * number,
        learning_rate=0.001,
        seconds=10.0,
        best=best,
    )


def progress(number, step, at):
    return events.Progress(
        time=BEGAN + at, epoch=number, step=step, steps=4, images_seen=25 * step, loss=2.0, accuracy=0.25
    )


def test_run_that_said_nothing_has_an_empty_story(run):
    story = history(run)
    assert story.epochs.empty
    assert list(story.epochs.columns) == EPOCH_COLUMNS
    assert story.progress.empty
    assert story.best_epoch == 0
    assert story.best_accuracy is None
    assert story.fraction_done == 0
    assert story.seconds_left is None


def test_update_reads_only_what_is_new(run):
    story = history(run)
    say(run, *begun(), epoch(1, 12))
    story.update()
    say(run, epoch(2, 22))
    story.update()
    assert list(story.epochs["epoch"]) == [1, 2]


def test_position_counts_the_fraction_of_the_present_epoch(run):
    say(run, *begun(), epoch(1, 12), progress(2, 2, 17))
    story = history(run)
    assert story.position == 1.5
    assert story.fraction_done == 1.5 / 4
    assert list(story.progress["position"]) == [1.5]


def test_time_left_follows_the_pace_of_the_latest_epochs(run):
    say(run, *begun(), epoch(1, 12), progress(2, 2, 17))
    assert history(run).seconds_left == pytest.approx(25.0)


def test_time_left_is_not_that_of_a_first_epoch_with_its_preparations(run):
    say(run, *begun(), replace(epoch(1, 12), seconds=60.0), replace(epoch(2, 14), seconds=2.0), progress(3, 2, 15))
    assert history(run).seconds_left == pytest.approx(1.5 * 2)


def test_time_left_before_the_first_epoch_is_over_follows_its_pace(run):
    say(run, *begun(), progress(1, 2, 7))
    assert history(run).seconds_left == pytest.approx(35.0)


def features(found=0, *, filling=1, kept=True):
    return events.Features(
        time=BEGAN + 2, phase=1, needed=120, found=found, kept=kept, filling_epochs=0 if found == 120 else filling
    )


def test_an_epoch_that_takes_longer_than_the_next_foretells_nothing(run):
    say(run, *begun(), features(), progress(1, 2, 30))
    story = history(run)
    assert story.filled_after == 1 and story.seconds_left is None
    say(run, replace(epoch(1, 60), seconds=58.0), progress(2, 2, 61))
    story.update()
    assert story.filled_after is None
    assert story.seconds_left == pytest.approx(2.5 * 2)  # half an epoch in one second


def test_variations_take_several_epochs_to_fill(run):
    say(run, *begun(), features(filling=2), epoch(1, 12), progress(2, 2, 17))
    assert history(run).filled_after == 2


@pytest.mark.parametrize("told", [features(120), features(kept=False, filling=4)], ids=["all found", "nothing kept"])
def test_epochs_that_are_alike_foretell_each_other(run, told):
    say(run, *begun(), told, epoch(1, 12), progress(2, 2, 17))
    story = history(run)
    assert story.filled_after is None
    assert story.seconds_left == pytest.approx(25.0)


def test_best_epoch_is_the_last_one_that_was_kept(run):
    say(run, *begun(), epoch(1, 12), epoch(2, 22), epoch(3, 32, best=False))
    story = history(run)
    assert story.best_epoch == 2
    assert story.best_accuracy == pytest.approx(0.2)


def test_run_that_is_finishing_is_done_with_its_epochs(run):
    say(run, *begun(), epoch(1, 12), events.Finishing(best_epoch=1))
    story = history(run)
    assert story.finishing
    assert story.fraction_done == 1
    assert story.seconds_left is None


@pytest.mark.parametrize(
    "end",
    [events.Stopped(best_epoch=1, val_accuracy=0.1), events.Failed(sentence="No."), events.Paused()],
    ids=lambda end: type(end).__name__,
)
def test_a_run_that_did_not_come_to_its_end_came_as_far_as_it_did(run, end):
    say(run, *begun(), epoch(1, 12), progress(2, 2, 17), events.Finishing(best_epoch=1), end)
    story = history(run)
    assert story.fraction_done == 1.5 / 4
    assert story.seconds_left is None


def test_a_run_that_early_stopping_ended_is_done(run):
    say(run, *begun(), epoch(1, 12), events.Finishing(best_epoch=1), events.Finished(best_epoch=1, val_accuracy=0.1))
    assert history(run).fraction_done == 1


def test_end_note_and_download_are_kept(run):
    say(
        run,
        events.Downloading(file="a.h5", done_bytes=1, total_bytes=2),
        events.Note(sentence="Look"),
        events.Finished(best_epoch=1, val_accuracy=0.5),
    )
    story = history(run)
    assert story.download.done_bytes == 1
    assert story.notes[0].sentence == "Look"
    assert isinstance(story.end, events.Finished)


def test_duration_is_from_the_start_to_the_last_word(run):
    say(run, *begun(), epoch(1, 12))
    assert history(run).seconds == pytest.approx(12.0)
    assert time.time() > BEGAN


def test_long_run_gives_no_more_points_than_a_chart_can_show(run):
    say(run, *begun(), *(progress(1, step, 12) for step in range(1, 2501)))
    assert 500 <= len(history(run).progress) <= 1000


@pytest.mark.parametrize("end", [events.Finishing(best_epoch=1), events.Stopped(best_epoch=1, val_accuracy=0.1)])
def test_an_epoch_is_decided_on_when_training_is_over(run, end):
    say(run, *begun(), epoch(1, 10), epoch(2, 20, best=False))
    assert not history(run).is_decided
    say(run, end)
    assert history(run).is_decided


def test_nothing_is_decided_without_a_whole_epoch(run):
    say(run, *begun(), events.Stopped(best_epoch=0, val_accuracy=0.0))
    assert not history(run).is_decided
