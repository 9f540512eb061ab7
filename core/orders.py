"""Orders: what an intake is to take, written down for the process that does it."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from core import origins, samples
from core.errors import SaidError
from core.harvest import Seen, written
from core.layout import clean_name
from core.limits import Limits
from core.origins import Origin
from core.taking import IntakeResult, NothingToTakeError, OnProgress, Taking, Target
from core.workspace import Workspace

FILE = "order.json"
Kind = Literal["folder", "zip", "files", "sample"]
Refused = tuple[str, str, dict]  # name, sentence of gettext, values


@dataclass(frozen=True)
class Order:
    """What is to be taken.

    Attributes:
        kind: `folder`: class folders; `zip`; `files`: of one class; `sample`: one of `core.samples`.
        source: The folder, the zip, or the sample's name.
        label: Of all `files`.
        files: Name to be shown and path.
        refused: What was refused before it came here, to be listed with the reasons.
        discard: A folder that is removed when the intake is over.
    """

    kind: Kind
    source: str = ""
    label: str = ""
    files: tuple[tuple[str, str], ...] = ()
    refused: tuple[Refused, ...] = ()
    discard: str = ""

    def write(self, folder: Path, limits: Limits) -> None:
        """Writes it into an intake's folder, with the limits that hold for it."""
        told = {"order": asdict(self), "limits": asdict(limits)}
        (folder / FILE).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> tuple["Order", Limits]:
        """Reads it from an intake's folder, with its limits."""
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        order = cls(**told["order"])
        files = tuple((name, path) for name, path in order.files)
        refused = tuple((name, sentence, values) for name, sentence, values in order.refused)
        return replace(order, files=files, refused=refused), Limits(**told["limits"])

    @contextmanager
    def opened(self, workspace: Workspace, limits: Limits, on_progress: OnProgress) -> Iterator[Origin]:
        """Opens what it names.

        Raises:
            BrokenZipError: It is not a zip that can be read.
            LabelError: The class has no name.
            DownloadError: A sample has to be downloaded and cannot be.
        """
        source = Path(self.source)
        if self.kind == "folder":
            # A folder in the workspace is an upload's, and its name is not the user's.
            is_upload = source.resolve().is_relative_to(workspace.home.resolve())
            yield origins.of_folder(source, limits, is_upload=is_upload)
        elif self.kind == "files":
            yield origins.of_files(self.label, [(name, Path(path)) for name, path in self.files], limits)
        else:
            opening = origins.of_zip(source, limits) if self.kind == "zip" else None
            with opening or samples.opened(workspace, self.source, on_progress) as origin:
                yield origin

    def carry_out(self, target: Target, on_progress: OnProgress, workers: Callable[[], Executor]) -> IntakeResult:
        """Takes what it names, up to the harvest, which becomes part of the project later.

        Raises:
            NothingToTakeError: There is no file.
            FullDiskError: What was taken until then stays in the harvest.
            AppError: What it names cannot be opened.
        """
        with self.opened(target.workspace, target.limits, on_progress) as origin:
            taking = Taking(target, workers)
            # First: the reasons are worth most where nothing is left to take.
            taking.note([_refused(*one) for one in self.refused])
            try:
                return taking.take(origin, on_progress)
            except NothingToTakeError:
                if not self.refused:
                    raise
                return IntakeResult(num_set_aside=len(self.refused))

    def clear_away(self) -> None:
        """Removes what the order was made of, where it was made for the order alone."""
        if self.discard:
            shutil.rmtree(self.discard, ignore_errors=True)


def _refused(name: str, sentence: str, values: dict) -> Seen:
    return Seen(clean_name(name), problem=written(SaidError(sentence, values)))
