"""`python -m core.saved.worker FOLDER`: packs or unpacks one project and says how far it is."""

import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.crew import processes
from core.errors import AppError
from core.limits import Limits
from core.progress import CancelledError, Progress
from core.saved.moves import ORDER, PARCEL, MoveFolder, problem_of
from core.saved.packing import pack
from core.saved.unpacking import unpack
from core.work_folder import END
from core.workspace import Workspace


def main(path: Path) -> None:
    """Carries out the order of a move's folder; how it ended is written there."""
    folder = MoveFolder(path)
    try:
        end = _carried_out(path, folder.read(ORDER))
    except CancelledError:
        return
    except AppError as error:
        end = {"error": error.said()}
    except Exception as error:
        traceback.print_exc()
        end = {"error": problem_of(error, folder).said()}
    if "error" in end:
        folder.clear_half_made()  # or a full disk might have no room for a word
    folder.write(END, end)


def _carried_out(path: Path, order: dict[str, Any]) -> dict[str, Any]:
    workspace, progress = Workspace(path.parents[1]), Progress(path)
    if "project_id" in order:
        pack(workspace, order["project_id"], path / PARCEL, progress)
        return {"packed": True}
    with processes() as workers:
        brought = unpack(workspace, Path(order["file"]), path, Limits(**order["limits"]), progress, workers)
    return {"brought": asdict(brought)}


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
