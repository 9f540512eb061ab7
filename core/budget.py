"""How much disk the stored features may take together, and which of them go first."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import psutil

from core.errors import AppError
from core.text import N_

VARIABLE = "HEADSTART_FEATURES_GB"
DEFAULT_GB = 10.0
RESERVE_BYTES = 2_000_000_000  # of the disk, never touched
GIGABYTE = 1_000_000_000


class BudgetError(AppError):
    """The budget is not a number."""

    sentence = N_(
        "{variable} is “{value}”, but it must be a number of gigabytes, such as 10. Change it and start again."
    )


def budget_bytes() -> int:
    """Returns how much disk the stores may take together.

    Raises:
        BudgetError: The setting is not a number.
    """
    text = os.environ.get(VARIABLE, "")
    try:
        gigabytes = float(text) if text else DEFAULT_GB
        return int(gigabytes * GIGABYTE)
    except (ValueError, OverflowError) as error:
        raise BudgetError(variable=VARIABLE, value=text) from error


def size_bytes(folder: Path) -> int:
    """Returns what the files below a folder may grow to; a part counts whole from its beginning."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def make_room(features: Path, needed_bytes: int, *, keep: Sequence[str] = ()) -> bool:
    """Removes the stores that were not used for longest until there is room, and says whether there is.

    A store that a living process uses, or whose folder is named in `keep`, stays.
    """
    features.mkdir(parents=True, exist_ok=True)
    limit = budget_bytes()
    stores = sorted((path for path in features.iterdir() if path.is_dir()), key=_last_used)
    sizes = {store: size_bytes(store) for store in stores}
    removable = [store for store in stores if store.name not in keep and not in_use(store)]

    def is_room() -> bool:
        free = shutil.disk_usage(features).free
        return sum(sizes.values()) + needed_bytes <= limit and free - needed_bytes >= RESERVE_BYTES

    if not is_room() and sum(sizes[store] for store in stores if store not in removable) + needed_bytes > limit:
        return False  # nothing is thrown away in vain
    while not is_room() and removable:
        store = removable.pop(0)
        if in_use(store):
            continue  # meanwhile
        # Under another name at once: a run that looks for it while it is removed finds none, and not half of it.
        gone = store.with_name(f"{store.name}-{os.getpid()}.gone")
        try:
            store.rename(gone)
        except OSError:
            continue  # a file of it is open, where the system does not like that
        shutil.rmtree(gone, ignore_errors=True)
        sizes.pop(store)
    return is_room()


def _last_used(store: Path) -> float:
    try:
        return (store / "key.json").stat().st_mtime
    except OSError:
        return 0.0


def in_use(store: Path) -> bool:
    """Whether a process that is still alive uses a store."""
    return any(_is_alive(user.name) for user in store.glob("users/*"))


def _is_alive(user: str) -> bool:
    pid, _, created = user.partition("-")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 2
    except (psutil.Error, ValueError):
        return False
