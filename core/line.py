"""The line in which runs wait for a free slot."""

from dataclasses import dataclass

from core import projects, runs
from core.runs import Run, State
from core.workspace import Workspace


@dataclass(frozen=True)
class Place:
    """Where a waiting run stands in line.

    Attributes:
        num_before: Runs that are at work, or wait and begin sooner; whosever they are.
        next_before: Of those that wait, the reader's own that begins last; None where there is none to change with.
    """

    num_before: int
    next_before: Run | None


def places(workspace: Workspace) -> dict[str, Place]:
    """Finds the place of every waiting run, by its id; those of others count, and are not told."""
    unfinished = [run for run in runs.list_unfinished(workspace) if not run.state.is_over]
    own = {project.id for project in projects.list_projects(workspace)}
    num_before = sum(run.state != State.QUEUED for run in unfinished)
    next_before: Run | None = None
    found = {}
    for run in in_order(unfinished):
        if run.project_id in own:
            found[run.id] = Place(num_before, next_before)
            next_before = run
        num_before += 1
    return found


def place_of(workspace: Workspace, run: Run) -> Place:
    """Finds the place of one of the reader's runs; before one that no longer waits there is none."""
    return places(workspace).get(run.id, Place(0, None))


def in_order(every: list[Run]) -> list[Run]:
    """Returns the waiting ones among some runs, in the order in which they begin."""
    return sorted((run for run in every if run.state == State.QUEUED), key=lambda run: run.queued)
