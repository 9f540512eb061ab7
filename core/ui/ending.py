"""What a run has to say at its end: how well it went, or why it did not."""

import streamlit as st

from core import metrics
from core.events import Event, Failed, Finished, Paused, Stopped
from core.history import History
from core.runs import Run, State
from core.text import _, percent
from core.ui import results
from core.ui.markup import plain


def tell(run: Run, story: History) -> None:
    """Says how a run ended; nothing while it goes on."""
    if story.end:
        _end(run, story.end)
    elif run.state == State.STOPPED:
        st.info(_("Taken out of the line before it began. It can be started again."), icon=":material/stop:")
    elif run.state == State.LOST:
        st.error(
            _(
                "The training broke off: its process is gone, perhaps because the memory ran out or the "
                "machine was switched off. Every whole epoch is kept: let it go on. If it breaks off again, start "
                "a new run with a smaller batch size, a smaller input size or a smaller backbone."
            ),
            icon=":material/error:",
        )


def _end(run: Run, end: Event) -> None:
    is_decided = run.has_model and isinstance(end, Finished | Stopped)
    predictions = metrics.read_predictions(run.folder) if is_decided else None
    is_poor = predictions is not None and metrics.is_like_guessing(predictions)
    match end:
        case Finished():
            (st.info if is_poor else st.success)(
                _(
                    "Done. Epoch {epoch} named {accuracy} of the validation pictures rightly; its network is kept.",
                    epoch=end.best_epoch,
                    accuracy=percent(end.val_accuracy, 1),
                ),
                icon=":material/check_circle:",
            )
        case Stopped(best_epoch=0):
            st.info(
                _("Stopped before the first epoch was complete, so there is nothing to keep. It can be started again."),
                icon=":material/stop:",
            )
        case Stopped():
            st.info(
                _(
                    "Stopped. Epoch {epoch} is kept: it named {accuracy} of the validation pictures rightly.",
                    epoch=end.best_epoch,
                    accuracy=percent(end.val_accuracy, 1),
                ),
                icon=":material/stop:",
            )
        case Paused():
            if run.has_epochs:
                told = _("Paused. It uses neither processor nor memory, and goes on from its last whole epoch.")
            else:
                told = _("Paused before its first epoch was complete. It uses neither processor nor memory.")
            st.info(told, icon=":material/pause:")
        case Failed():
            st.error(plain(_(end.sentence, **end.values)), icon=":material/error:")
    if predictions is not None and is_poor:
        results.like_guessing(run, predictions)
