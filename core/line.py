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


def place_of(workspace: Workspace, run: Run) -> Place:
    """Finds the place of a waiting run."""
    unfinished = [other for other in runs.list_unfinished(workspace) if not other.state.is_over]
    own = {project.id for project in projects.list_projects(workspace)}
    sooner = [other for other in in_order(unfinished) if other.queued < run.queued]
    num_running = sum(other.state != State.QUEUED for other in unfinished)
    return Place(
        num_running + len(sooner), next((other for other in reversed(sooner) if other.project_id in own), None)
    )


def in_order(every: list[Run]) -> list[Run]:
    """Returns the waiting ones among some runs, in the order in which they begin."""
    return sorted((run for run in every if run.state == State.QUEUED), key=lambda run: run.queued)
