"""Origins: where the files of an intake come from. They are gone through twice, and never all in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import AppError
from core.incoming import Incoming, incoming_file, list_folder, list_zip, opened_zip
from core.layout import Place, clean_label
from core.limits import Limits
from core.text import N_


class LabelError(AppError):
    """A class needs a name."""

    sentence = N_("The class needs a name that can be read. Type one and add the pictures again.")


@dataclass(frozen=True)
class Origin:
    """Where files come from.

    Attributes:
        files: Begins to go through them; they come in the same order each time.
        own_name: Of the folder in which they lie; see `core.layout.lay_out`.
        place: Of all of them, whatever their folders say.
        travels: Whether another process can read a file of it.
    """

    files: Callable[[], Iterator[Incoming]]
    own_name: str | None = None
    place: Place | None = None
    travels: bool = True


def of_folder(folder: Path, limits: Limits, *, is_upload: bool = False) -> Origin:
    """Returns a folder of class folders, also with `train`, `val` and `test` around them.

    Args:
        folder: Where it is.
        limits: Of what is read.
        is_upload: The folder's own name is not the user's.
    """
    return Origin(lambda: list_folder(folder, limits), own_name=None if is_upload else folder.resolve().name)


@contextmanager
def of_zip(file: Path, limits: Limits) -> Iterator[Origin]:
    """Opens a zip of class folders; its files are read one after the other and never unpacked onto the disk.

    Raises:
        BrokenZipError: It is not a zip that can be read.
    """
    with opened_zip(file) as opened:
        yield Origin(lambda: list_zip(opened, limits), travels=False)


def of_files(label: str, files: Iterable[tuple[str, Path]], limits: Limits) -> Origin:
    """Returns files, each with the name to be shown, as pictures of one class.

    Raises:
        LabelError: The class has no name.
    """
    place = Place(clean_label(label))
    if not place.label:
        raise LabelError()
    chosen = list(files)
    return Origin(lambda: (incoming_file(name, path, limits) for name, path in chosen), place=place)


def of_pictures(pictures: Iterable[Incoming]) -> Origin:
    """Returns files of any other origin, laid out as a folder of class folders, which only this process can read."""
    listed = list(pictures)
    return Origin(lambda: iter(listed), travels=False)
