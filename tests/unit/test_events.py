"""core.events: appended a line at a time, read by offset, forgiving about what cannot be read."""

import dataclasses
import json
import math
import threading
import time

import pytest

from core import events
from core.events import ENDS, KINDS, EpochEnded, Failed, Finished, Finishing, Note, Progress, Started

STARTED = Started(pid=7, process_created=1.5)
PROGRESS = Progress(epoch=1, step=2, steps=4, images_seen=64, loss=0.7, accuracy=0.5)
NOTE = Note(sentence="“{label}” is Ω.", values={"label": "Käfer\n甲虫"})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def test_events_come_back_in_order_as_they_were(path):
    for event in (STARTED, NOTE, PROGRESS):
        events.append(path, event)
    assert events.read(path)[0] == [STARTED, NOTE, PROGRESS]


def test_an_event_is_one_line(path):
    events.append(path, NOTE)
    assert path.read_bytes().count(b"\n") == 1


def test_event_knows_when_it_happened(path):
    before = time.time()
    assert before <= Finishing(best_epoch=1).time <= time.time()


def test_reading_goes_on_where_it_ended(path):
    events.append(path, STARTED)
    _, offset = events.read(path)
    assert events.read(path, offset) == ([], offset)
    events.append(path, NOTE)
    new, end = events.read(path, offset)
    assert new == [NOTE]
    assert end == path.stat().st_size


def test_file_that_is_not_there_yet_has_no_events(path):
    assert events.read(path) == ([], 0)


def test_half_a_line_waits_until_it_is_whole(path):
    events.append(path, STARTED)
    events.append(path, NOTE)
    whole = path.read_bytes()
    for cut in range(whole.index(b"\n") + 1, len(whole)):
        path.write_bytes(whole[:cut])
        seen, offset = events.read(path)
        assert seen == [STARTED]
        path.write_bytes(whole)
        assert events.read(path, offset)[0] == [NOTE]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\x00\x00\x00\x00\x00\x00",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"Started"',
        b'{"event": "Started"}',
        b'{"event": "Tomorrow", "pid": 1}',
        b'{"event": ["Started"]}',
        b'{"pid": 1}',
        b"",
    ],
)
def test_line_that_cannot_be_read_is_passed_over(path, line):
    events.append(path, STARTED)
    with path.open("ab") as file:
        file.write(line + b"\n")
    events.append(path, NOTE)
    seen, offset = events.read(path)
    assert seen == [STARTED, NOTE]
    assert offset == path.stat().st_size


def test_value_of_a_newer_version_is_left_out(path):
    newer = {"event": "Finishing", "time": 1.0, "best_epoch": 3, "reason": "patience"}
    path.write_text(json.dumps(newer) + "\n", encoding="utf-8")
    assert events.read(path)[0] == [Finishing(time=1.0, best_epoch=3)]


def test_loss_that_is_not_a_number_comes_back(path):
    events.append(path, dataclasses.replace(PROGRESS, loss=math.nan, accuracy=math.inf))
    (seen,) = events.read(path)[0]
    assert math.isnan(seen.loss)
    assert seen.accuracy == math.inf


def test_reader_beside_a_writer_meets_every_event_once_and_whole(path):
    def write():
        for step in range(500):
            events.append(path, dataclasses.replace(PROGRESS, step=step))

    writer = threading.Thread(target=write)
    writer.start()
    seen, offset, limit = [], 0, time.monotonic() + 20
    while len(seen) < 500 and time.monotonic() < limit:
        new, offset = events.read(path, offset)
        seen += new
    writer.join()
    assert [event.step for event in seen] == list(range(500))


def test_every_kind_of_event_is_known_by_its_name():
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)}
    assert set(KINDS.values()) == kinds - {events.Event}
    assert all(name == kind.__name__ for name, kind in KINDS.items())


def test_ends_are_ends_and_an_epoch_is_none():
    assert isinstance(Failed(sentence="x"), ENDS)
    assert isinstance(Finished(best_epoch=1, val_accuracy=0.5), ENDS)
    assert EpochEnded not in ENDS
