"""How quick a machine is: the one on which the table of speeds was measured, this one, and what runs here have taken.

Plain paths and files only, since workers write here what they measured.
"""

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core.whole import write_whole

REFERENCE = Path(__file__).parent / "reference_machine.json"
FOLDER = "features"  # of the workspace; what is measured lies beside what it is measured for
MACHINE_FILE = "machine.json"
MEASURED_FILE = "speeds.json"
MIN_IMAGES = 40  # with fewer, a run's fixed costs hide what an image takes
Way = Literal["tensorflow", "litert"]


@dataclass(frozen=True)
class Machine:
    """What `core.ml.probe` measured on a machine, by one small backbone cut before its last stage.

    Attributes:
        name: Of the host.
        processor: As the system calls it.
        num_cores: That a process may use.
        has_gpu: Whether TensorFlow computes on one.
        tensorflow_ms: Milliseconds per image of the prefix in TensorFlow, batches of 32.
        litert_ms: The same in LiteRT, an interpreter per core.
        step_ms: Milliseconds per image of a training step of the suffix.
        conversion_seconds: Of the prefix to LiteRT; stands for all work that one core does alone.
        decode_ms: Milliseconds per JPEG of 512 x 384 pixels, a thread per core.
        disk_seconds: To write and read 10 MB.
    """

    name: str
    processor: str
    num_cores: int
    has_gpu: bool
    tensorflow_ms: float
    litert_ms: float
    step_ms: float
    conversion_seconds: float
    decode_ms: float
    disk_seconds: float

    def to_json(self) -> str:
        """Returns what `from_json` reads."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Machine":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        return _read(cls, json.loads(text))


@dataclass(frozen=True)
class Measured:
    """What a run took on this machine.

    Attributes:
        backbone: Name in the catalog.
        frozen_layers: Of the backbone, from its input.
        image_size: In pixels.
        way: How the frozen prefix ran in the end.
        num_images: Training images of the run.
        pass_ms: Milliseconds per image that the frozen prefix had to look at, by which epochs that look take longer
            than later ones: decoding, the prefix itself, and what has to be prepared for it; 0 where all was found.
        epoch_ms: Milliseconds per training image of a later epoch, validation included; 0 where there was none.
    """

    backbone: str
    frozen_layers: int
    image_size: int
    way: Way
    num_images: int
    pass_ms: float
    epoch_ms: float

    @property
    def key(self) -> tuple[str, int, int]:
        """What a later measurement has to share to take its place."""
        return self.backbone, self.frozen_layers, self.image_size


def num_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def this_machine() -> tuple[str, str, int]:
    """Returns what tells this machine from others: the name of the host, its processor and its number of cores."""
    return platform.node(), _processor(), num_cores()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@cache
def reference() -> Machine:
    """Returns the machine on which the table was measured."""
    return Machine.from_json(REFERENCE.read_text(encoding="utf-8"))


def here(home: Path) -> Machine | None:
    """Returns the speed of this machine, None where it was not measured or another one was."""
    try:
        kept = Machine.from_json((home / FOLDER / MACHINE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if (kept.name, kept.processor, kept.num_cores) == this_machine() else None


def keep(home: Path, measured: Machine) -> None:
    """Writes down the speed of this machine."""
    write_whole(home / FOLDER / MACHINE_FILE, measured.to_json(), outlives_power=False)


def record(home: Path, measured: Measured) -> None:
    """Keeps what a run took, for later estimates; one with few images says too little and is passed over.

    Where two runs write at once, the last one wins.

    Args:
        home: The workspace.
        measured: A part that is 0 leaves what was known of it.
    """
    if measured.num_images < MIN_IMAGES or not (measured.pass_ms or measured.epoch_ms):
        return
    known = {one.key: one for one in measured_here(home)}
    before = known.pop(measured.key, measured)
    if not measured.pass_ms:
        measured = replace(measured, pass_ms=before.pass_ms, way=before.way)
    if not measured.epoch_ms:
        measured = replace(measured, epoch_ms=before.epoch_ms)
    rows = [asdict(one) for one in (*known.values(), measured)]
    text = json.dumps({"machine": this_machine(), "runs": rows}, indent=1)
    write_whole(home / FOLDER / MEASURED_FILE, text, outlives_power=False)


def measured_here(home: Path) -> Sequence[Measured]:
    """Returns what runs took on this machine, the newest last; nothing where the file is missing or broken."""
    try:
        told = json.loads((home / FOLDER / MEASURED_FILE).read_text(encoding="utf-8"))
        if tuple(told["machine"]) != this_machine():
            return ()
        return tuple(_read(Measured, row) for row in told["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _read(kind: Any, values: Any) -> Any:
    """Builds a dataclass of text and numbers from what JSON gave, which must be exactly its fields.

    Raises:
        ValueError: Something is missing, too much, or no number above 0 where one belongs.
    """
    try:
        made = kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error
    least = 0 if kind is Measured else 1e-12
    for field in fields(kind):
        value = getattr(made, field.name)
        numeric = field.type in (int, float)
        if numeric and not (isinstance(value, int | float) and least <= value < math.inf):
            raise ValueError(f"{field.name} is {value!r}")
        if not numeric and not isinstance(value, str | bool):
            raise ValueError(f"{field.name} is {value!r}")
    return made
