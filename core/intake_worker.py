"""`python -m core.intake_worker FOLDER`: carries out the order of one intake and says how far it is."""

import sys
import traceback
from dataclasses import asdict
from pathlib import Path

from core.crew import processes
from core.errors import AppError
from core.intake import IntakeFailedError
from core.intake_folder import IntakeFolder
from core.progress import CancelledError, Progress
from core.taking import Target
from core.work_folder import END
from core.workspace import Workspace


def main(path: Path) -> None:
    """Carries out the order of an intake's folder; its harvest lies there afterwards, and how it ended."""
    folder, project = IntakeFolder(path), path.parents[1]
    order, limits = folder.order
    target = Target(Workspace(project.parents[1]), project.name, path, limits)
    try:
        end = {"result": asdict(order.carry_out(target, Progress(path), processes))}
    except CancelledError:
        return
    except AppError as error:
        end = {"error": error.said()}
    except Exception:
        traceback.print_exc()
        end = {"error": IntakeFailedError().said()}
    folder.write(END, end)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
