"""How each step of the journey stands: what is done, what can be done now, what has to wait, and what comes next."""

from core import best, dataset, runs
from core.runs import Run, State
from core.text import _, ngettext, percent
from core.ui import state
from core.ui.state import Place, Standing

RESULTS = ("learned", "try_it", "take_home")


def of_steps(at: Place) -> dict[str, Standing]:
    """Returns how each step stands for the project and the run of a page, in the order of the journey."""
    waiting = dict.fromkeys(("images", "model", "train", *RESULTS), Standing())
    if at.project is None:
        return {"projects": Standing(is_possible=True), **waiting}
    own_runs = runs.list_runs(at.workspace, at.project.id)
    num_images = dataset.num_images(at.workspace, at.project.id)
    pictures = ngettext("{count} picture", "{count} pictures", num_images) if num_images else _("none yet")
    can_train = num_images > 0 and dataset.is_trainable(at.workspace, at.project.id)
    has_model = any(run.has_model for run in own_runs)
    is_chosen = can_train and (bool(own_runs) or state.is_draft_kept(at))
    return {
        "projects": Standing(is_done=True, is_possible=True),
        "images": Standing(can_train, True, pictures),
        "model": Standing(is_chosen, can_train, state.draft(at).row.title),
        "train": Standing(has_model, can_train, _training(own_runs)),
        **dict.fromkeys(RESULTS, Standing(is_possible=has_model)),
        "learned": Standing(False, has_model, _learned(at, own_runs)),
    }


def next_step(standings: dict[str, Standing], here: str) -> str | None:
    """Returns the step to go to from `here`: the first that is still to be done, then what follows; None at the end."""
    steps = list(standings)
    later = steps[steps.index(here) + 1 :]
    return next(
        (
            name
            for name, standing in standings.items()
            if name != here and standing.is_possible and not standing.is_done and (name not in RESULTS or name in later)
        ),
        None,
    )


def _training(own_runs: list[Run]) -> str:
    if any(not run.state.is_over for run in own_runs):
        waiting = all(run.state.is_over or run.state == State.QUEUED for run in own_runs)
        return _("waiting") if waiting else _("running")
    return ngettext("{count} run", "{count} runs", len(own_runs)) if own_runs else ""


def _learned(at: Place, own_runs: list[Run]) -> str:
    """The accuracy of the run that the page is about."""
    is_named = at.run is not None and at.run.has_model
    accuracy = state.accuracy(at.run if is_named else best.usual_run(at.workspace, own_runs))
    return percent(accuracy) if accuracy is not None else ""
