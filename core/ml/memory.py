"""The memory that a worker may take, so that one which asks for too much ends alone and says so."""

from contextlib import suppress
from pathlib import Path

import psutil

from core.limits import asked_memory_bytes
from core.ml import devices

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

CONTAINER = Path("/sys/fs/cgroup")
# What a container may have and what it has, in both of Linux' ways of telling.
TOLD = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
RESERVE_BYTES = 256 * 1024**2  # to say what happened, and to pack the best epoch
LIKELY_VICTIM = "500"  # of the 1,000 that Linux knows: before the server and the programs of the same size


def bound() -> None:
    """Bounds what this process may ask for to `HEADSTART_MEMORY_MB`, or else to what is free now.

    Only memory of its own is counted, and not files that are mapped, such as kept features: the system takes those
    back when it needs the room. Does nothing where the system knows no such limit; nor, without the setting, where
    there is a GPU, whose driver asks for far more than it uses.

    Raises:
        LimitError: The setting is not a number that can be meant.
    """
    with suppress(OSError):  # not Linux, or not allowed
        Path("/proc/self/oom_score_adj").write_text(LIKELY_VICTIM, encoding="ascii")
    asked = asked_memory_bytes()
    if asked or not devices.has_gpu():
        _allow(asked or _in_use_bytes() + free_bytes())


def make_room() -> None:
    """Lets this process ask for a little more than it was allowed, because it is about to end."""
    allowed = _allowed()
    if allowed is not None:
        _allow(allowed + RESERVE_BYTES)


def free_bytes(container: Path = CONTAINER) -> int:
    """Returns how much memory is free, in this container where the process is in one."""
    free = psutil.virtual_memory().available
    for most, used in TOLD:
        with suppress(OSError, ValueError):  # no container, or one without a limit, which says "max"
            left = [int((container / name).read_text(encoding="ascii")) for name in (most, used)]
            free = min(free, left[0] - left[1])
    return max(0, free)


def _in_use_bytes() -> int:
    return int(getattr(psutil.Process().memory_info(), "data", 0))


def _allowed() -> int | None:
    """Returns what this process may ask for; None where that is not bounded."""
    if resource is None:
        return None
    soft, _hard = resource.getrlimit(resource.RLIMIT_DATA)
    return None if soft == resource.RLIM_INFINITY else soft


def _allow(num_bytes: int) -> None:
    if resource is None:
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = num_bytes if hard == resource.RLIM_INFINITY else min(num_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
