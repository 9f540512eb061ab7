"""Which run of a project is the best so far, and which one is meant where nobody says."""

from collections.abc import Iterable

from core import dataset, events, freshness
from core.events import Finished, Stopped
from core.runs import Run
from core.workspace import Workspace


def best_run(workspace: Workspace, own_runs: Iterable[Run]) -> Run | None:
    """Finds the run that named most validation pictures rightly, of those that learned from the pictures as they are.

    Args:
        workspace: Where they are.
        own_runs: Of one project, the newest first.

    Returns:
        One that came to an end with a model, the newest of equals; None where there is none.
    """
    accuracies = {run: said.val_accuracy for run in own_runs if (said := _end(run))}
    if not accuracies:
        return None
    now = freshness.fingerprint(dataset.labels_by_path(workspace, next(iter(accuracies)).project_id))
    fresh = [run for run in accuracies if freshness.is_fresh(run, now)]
    return max(fresh, key=accuracies.__getitem__, default=None)


def usual_run(workspace: Workspace, own_runs: Iterable[Run]) -> Run | None:
    """Returns the run that a page about results shows where its address names none: the best, else the newest.

    Args:
        workspace: Where they are.
        own_runs: Of one project, the newest first.

    Returns:
        One that has a model; None where there is none.
    """
    with_model = [run for run in own_runs if run.has_model]
    best = best_run(workspace, with_model) if len(with_model) > 1 else None
    return best or next(iter(with_model), None)


def _end(run: Run) -> Finished | Stopped | None:
    """What a run said last, where it came to an end and left the model of its best epoch."""
    if not (run.state.is_over and run.has_model):
        return None
    said = events.last(run.folder / "events.jsonl")
    return said if isinstance(said, Finished | Stopped) else None
