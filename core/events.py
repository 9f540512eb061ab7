"""What a worker says while it works: one JSON object a line in `events.jsonl`, appended by the worker only."""

import json
import os
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened; `time` is seconds since 1970."""

    time: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """The worker is alive; `process_created` tells its `pid` from a later process with the same number."""

    pid: int
    process_created: float


@dataclass(frozen=True, kw_only=True)
class Downloading(Event):
    """Pretrained weights are on their way; `total_bytes` is 0 where the server does not say."""

    file: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, kw_only=True)
class Ready(Event):
    """The network is built and the images are known; training begins."""

    num_training: int
    num_validation: int
    num_test: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class PhaseBegun(Event):
    """A phase begins; `first_epoch` counts from 1 over the whole run."""

    phase: int
    first_epoch: int
    frozen_layers: int
    trainable_parameters: int
    non_trainable_parameters: int


@dataclass(frozen=True, kw_only=True)
class Features(Event):
    """What the frozen layers say of the images in this phase: how many answers it needs, and how many were found.

    `kept` tells whether the others are kept once they are computed; otherwise each epoch computes them anew.
    `filling_epochs` are those of the phase, from its first, in which some are computed.
    """

    phase: int
    needed: int
    found: int
    kept: bool
    filling_epochs: int


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """Somewhere within an epoch: the running means of this epoch after `step` of `steps` batches."""

    epoch: int
    step: int
    steps: int
    images_seen: int
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class EpochEnded(Event):
    """A whole epoch, counted from 1 over all phases; `best` says that its weights are now the kept ones."""

    epoch: int
    phase: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    best: bool


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """Something the user should know that stops nothing, such as a fallback: a sentence of gettext and its values."""

    sentence: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finishing(Event):
    """Training is over; the kept epoch is being evaluated and exported."""

    best_epoch: int


@dataclass(frozen=True, kw_only=True)
class Exported(Event):
    """`model.tflite` was compared with `model.keras`: largest difference of a probability, and verdict."""

    max_difference: float
    agrees: bool


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The end of a run that did all it was asked to, or that early stopping ended."""

    best_epoch: int
    val_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Stopped(Event):
    """The end of a run that was stopped; `best_epoch` is 0 where no epoch was complete and so nothing could be kept."""

    best_epoch: int
    val_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Paused(Event):
    """The run was asked to pause; it goes on from its last whole epoch, in another process, when it is asked to."""


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """The end of a run that could not go on: a sentence of gettext and its values, which tell the user what to do."""

    sentence: str
    values: dict[str, Any] = field(default_factory=dict)


LONGEST_EVENT_BYTES = 1 << 16
STOP, PAUSE = "stop", "pause"  # files in a run's folder by which its worker is asked to
ENDS = (Finished, Stopped, Failed, Paused)
KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Started,
        Downloading,
        Ready,
        PhaseBegun,
        Features,
        Progress,
        EpochEnded,
        Note,
        Finishing,
        Exported,
        Finished,
        Stopped,
        Paused,
        Failed,
    )
}


def append(path: Path, event: Event) -> None:
    """Adds one event to the file in a single write; half a line that a crash left before it does not spoil it."""
    written = line(event)
    with path.open("a+b") as file:
        if file.tell() and not _ends_whole(file):
            written = b"\n" + written
        file.write(written)


def line(event: Event) -> bytes:
    """Returns an event as it is written."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False).encode() + b"\n"


def _ends_whole(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def read(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Reads the events that follow `offset`.

    A last line without its newline is still being written; it is left for the next call. A line that cannot be read
    (the machine lost power while it was written), or that a newer version wrote, is passed over.

    Args:
        path: An `events.jsonl`; one that does not exist yet has no events.
        offset: In bytes; 0 or what the last call returned.

    Returns:
        The events, and the offset for the next call.
    """
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    events = [event for text in whole.splitlines() if (event := parse(text)) is not None]
    return events, offset + len(whole)


def last(path: Path, offset: int = 0) -> Event | None:
    """Reads the last whole event after `offset` without reading the file, None where there is none yet."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(offset, file.tell() - LONGEST_EVENT_BYTES))
        lines = file.read().splitlines()
    return next((event for text in reversed(lines) if (event := parse(text)) is not None), None)


def parse(text: bytes) -> Event | None:
    """Reads an event; None where it cannot be read."""
    try:
        values = json.loads(text)
        kind = KINDS[values.pop("event")]
        known = {item.name for item in fields(kind)}
        return kind(**{name: value for name, value in values.items() if name in known})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
