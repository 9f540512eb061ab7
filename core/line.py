"""The line in which runs wait for a free slot."""

from core import projects, runs
from core.runs import Run, State
from core.workspace import Workspace


def num_before(workspace: Workspace, run: Run) -> int:
    """Returns how many runs are at work, or wait and begin before a waiting one; whosever they are."""
    unfinished = [other for other in runs.list_unfinished(workspace) if not other.state.is_over]
    return sum(other.state != State.QUEUED or other.queued < run.queued for other in unfinished)


def can_move_up(workspace: Workspace, run: Run) -> bool:
    """Whether a run waits behind another one that its reader may let wait longer."""
    return next_before(workspace, run) is not None


def next_before(workspace: Workspace, run: Run) -> Run | None:
    """Returns the waiting run of the same reader that begins last before another; None where there is none."""
    if run.state != State.QUEUED:
        return None
    own = {project.id for project in projects.list_projects(workspace)}
    line = in_order(runs.list_unfinished(workspace))
    return next((other for other in reversed(line) if other.queued < run.queued and other.project_id in own), None)


def in_order(every: list[Run]) -> list[Run]:
    """Returns the waiting ones among some runs, in the order in which they begin."""
    return sorted((run for run in every if run.state == State.QUEUED), key=lambda run: run.queued)
