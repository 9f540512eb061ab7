"""A worker without TensorFlow: plays the part that its run's name asks for, in the real process and file protocol."""

import os
import sys
import time
from pathlib import Path

import psutil

from core import events

folder = Path(sys.argv[1])
part = (folder / "part").read_text() if (folder / "part").exists() else "finish"
log = folder / "events.jsonl"


def say(event: events.Event) -> None:
    events.append(log, event)


def epoch(number: int) -> events.EpochEnded:
    return events.EpochEnded(
        epoch=number,
        phase=1,
        loss=1 / number,
        accuracy=1 - 1 / (number + 1),
        val_loss=1 / number,
        val_accuracy=1 - 1 / (number + 1),
        learning_rate=0.001,
        seconds=0.1,
        best=True,
    )


me = psutil.Process()
say(events.Started(pid=me.pid, process_created=me.create_time()))
if part == "die":
    os._exit(9)
say(events.Ready(num_training=8, num_validation=2, num_test=0, epochs=3))
say(events.PhaseBegun(phase=1, first_epoch=1, frozen_layers=3, trainable_parameters=10, non_trainable_parameters=90))
if part == "fail":
    say(events.Failed(sentence="The disk is full in {folder}.", values={"folder": str(folder)}))
    sys.exit(1)
while part == "wait":
    if (folder / "stop").exists():
        say(events.Stopped(best_epoch=0, val_accuracy=0.0))
        sys.exit(0)
    if (folder / "pause").exists():
        say(events.Paused())
        (folder / "part").write_text("finish")
        sys.exit(0)
    time.sleep(0.02)
for number in (1, 2, 3):
    say(events.Progress(epoch=number, step=1, steps=2, images_seen=number * 8 - 4, loss=0.5, accuracy=0.5))
    say(epoch(number))
say(events.Finishing(best_epoch=3))
say(events.Exported(max_difference=1e-7, agrees=True))
say(events.Finished(best_epoch=3, val_accuracy=0.75))
