"""The live view of a run: state, progress, two charts that grow, the stop button, and what it has to say."""

import math
from collections.abc import Callable
from functools import partial

import streamlit as st

from core import jobs, line, runs
from core.history import History
from core.runs import Run, RunNotFoundError, State
from core.text import _, ngettext, number, percent
from core.ui import ending, navigation, pieces, results, state, words
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key
from core.workspace import Workspace

REFRESH_SECONDS, WAITING_SECONDS = 0.5, 2.0
USUAL_MORE_EPOCHS, MOST_MORE_EPOCHS = 10, 500


def watch(workspace: Workspace, run: Run, place: line.Place | None) -> None:
    """Shows a run; redrawn every half second until it is over, and less often while it waits.

    Args:
        workspace: Where it is.
        run: Which.
        place: In line, where it waits.
    """
    refresh = _refresh_seconds(run)
    st.fragment(_view, run_every=refresh)(workspace, run.id, refresh, place)
    if run.has_model and run.state.is_over:
        navigation.next_button("learned", _("Next: see what it learned"), run=run.id)


def _refresh_seconds(run: Run) -> float | None:
    if run.state.is_over:
        return None
    return WAITING_SECONDS if run.state == State.QUEUED else REFRESH_SECONDS


def _place(workspace: Workspace, run: Run) -> line.Place | None:
    return line.place_of(workspace, run) if run.state == State.QUEUED else None


def _view(workspace: Workspace, run_id: str, refresh: float | None, place: line.Place | None) -> None:
    try:
        run = runs.open_run(workspace, run_id)
    except RunNotFoundError as error:
        st.info(plain(error.shown()), icon=":material/info:")
        return
    if (_refresh_seconds(run), _place(workspace, run)) != (refresh, place):
        st.rerun()  # the whole page: its list and its next step change too, and how often this view is redrawn
    story = state.history(run)
    with st.container(border=True, key="live"):
        # In a container of their own: a sentence that comes or goes must not move the charts, which would begin anew.
        with st.container():
            _title(workspace, run)
            if place is None:
                _where_it_stands(run, story)
            else:
                _place_in_line(workspace, run, place)
            if story.features and all(phase.found == phase.needed for phase in story.features):
                st.caption(_("The frozen layers know these pictures from a run before, so they need not look again."))
            for note in story.notes:
                st.warning(plain(_(note.sentence, **note.values)), icon=":material/info:")
            _numbers(story)
        if story.ready and (story.images_seen or not run.state.is_over):
            results.training_charts(run)
        ending.tell(run, story)


def _title(workspace: Workspace, run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {plain(run.name)}", anchors=False, width="content")
        pieces.state_badge(run.state)
        if not run.state.is_over:
            _while_it_runs(workspace, run)
        elif run.is_cut_short or not run.has_model:
            _where_it_was_cut_short(workspace, run)
        elif run.has_epochs:
            _after_its_end(workspace, run)


def _while_it_runs(workspace: Workspace, run: Run) -> None:
    if run.state != State.QUEUED:
        st.button(
            _("Pausing …") if run.state == State.PAUSING else _("Pause"),
            key=Key.PAUSE_RUN,
            icon=":material/pause:",
            disabled=run.state != State.RUNNING,
            on_click=_ask,
            args=(jobs.pause_run, workspace, run.id),
            help=_("Frees the processor and the memory within moments. It can go on later, from its last whole epoch."),
        )
    st.button(
        _("Stopping …") if run.state == State.STOPPING else _("Stop"),
        key=Key.STOP_RUN,
        icon=":material/stop:",
        disabled=run.state == State.STOPPING,
        on_click=_ask,
        args=(jobs.stop_run, workspace, run.id),
        help=_("Ends the training within moments and keeps the best round of practice so far."),
    )


def _where_it_was_cut_short(workspace: Workspace, run: Run) -> None:
    st.button(
        _("Go on") if run.has_epochs else _("Start again"),
        key=Key.RESUME_RUN,
        type="primary",
        icon=":material/play_arrow:",
        on_click=_ask,
        args=(jobs.resume_run, workspace, run.id),
        help=_("It goes on from its last whole epoch and ends as if it had never been interrupted.")
        if run.has_epochs
        else _("No epoch was complete, so it begins at the beginning, with the same settings."),
    )
    if run.has_epochs and not run.has_model:
        st.button(
            _("Keep what it learned"),
            key=Key.FINISH_RUN,
            icon=":material/check:",
            on_click=_ask,
            args=(jobs.finish_run, workspace, run.id),
            help=_("Trains no further: the best epoch so far is checked and packed."),
        )


def _after_its_end(workspace: Workspace, run: Run) -> None:
    with st.popover(_("Train longer"), icon=":material/more_time:"):
        st.markdown(
            _(
                "It goes on where it ended, with the same settings. Of all epochs, the one with the lowest loss in "
                "validation is kept."
            )
        )
        count = st.number_input(_("More epochs"), 1, MOST_MORE_EPOCHS, USUAL_MORE_EPOCHS, key=Key.MORE_EPOCHS)
        st.button(
            _("Train longer"),
            key=Key.TRAIN_LONGER,
            type="primary",
            on_click=_ask,
            args=(partial(jobs.resume_run, more_epochs=int(count)), workspace, run.id),
        )


def _ask(what: Callable[[Workspace, str], None], workspace: Workspace, run_id: str) -> None:
    try:
        what(workspace, run_id)
    except RunNotFoundError:
        pass  # it was deleted meanwhile, which the view itself says
    except OSError as error:
        st.toast(_("That could not be done: {reason}.", reason=plain(error.strerror or str(error))))


def _where_it_stands(run: Run, story: History) -> None:
    if story.ready is None and story.download and not run.state.is_over:
        total = story.download.total_bytes
        share = story.download.done_bytes / total if total else 0.0
        st.progress(
            min(1.0, share), text=_("Downloading the weights: {done}", done=size_text(story.download.done_bytes))
        )
        return
    if run.state.is_over and not story.best_epoch:
        return
    st.progress(story.fraction_done, text=_progress_text(run, story))


def _place_in_line(workspace: Workspace, run: Run, place: line.Place) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_waiting(place.num_before), width="content")
        if place.next_before is not None:
            st.button(
                _("Move up"),
                key=Key.MOVE_UP,
                icon=":material/arrow_upward:",
                on_click=_ask,
                args=(jobs.move_up, workspace, run.id),
                help=_("Begins before the training that is next before it in line."),
            )


def _waiting(num_before: int) -> str:
    if not num_before:
        return _("Waiting: it begins in a moment.")
    return ngettext(
        "Waiting: {count} run goes before this one.", "Waiting: {count} runs go before this one.", num_before
    )


def _progress_text(run: Run, story: History) -> str:
    if run.state.is_over:
        return _how_far_it_came(story)
    if story.ready is None:
        return _("Getting ready …")
    if story.finishing:
        return _("Checking and packing the best epoch …")
    epoch = min(story.ready.epochs, math.floor(story.position) + 1)
    text = _("Epoch {epoch} of {total}", epoch=epoch, total=story.ready.epochs)
    if len(story.phases) > 1:
        text += " · " + _("fine-tuning")
    if story.filled_after == epoch:
        text += " · " + _("the frozen layers look at each picture once, so the next epochs are quicker")
    elif story.filled_after is not None:
        text += " · " + _(
            "the frozen layers look at variations that are new; from epoch {epoch} on it is quicker",
            epoch=story.filled_after + 1,
        )
    if story.seconds_left is not None:
        text += " · " + _("about {time} left", time=duration(story.seconds_left))
    return text


def _how_far_it_came(story: History) -> str:
    spent = _("{seconds} in all", seconds=duration(story.seconds))
    if story.ready is None or story.fraction_done == 1:
        return spent
    whole = number(len(story.epochs))
    return (
        ngettext("{whole} of {count} epoch", "{whole} of {count} epochs", story.ready.epochs, whole=whole)
        + f" · {spent}"
    )


def duration(seconds: float) -> str:
    """Writes a length of time in seconds, or in minutes and hours where it is longer."""
    if seconds < 90:
        return _("{count} s", count=number(seconds))
    if seconds < 5400:
        return _("{count} min", count=number(seconds / 60))
    return _("{count} h", count=number(seconds / 3600, 1))


def _numbers(story: History) -> None:
    epochs = story.epochs
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            _("Pictures seen"),
            number(story.images_seen),
            help=_("Counted over all epochs: each epoch shows every training picture once more."),
            width="content",
        )
        if len(epochs):
            # While it runs the newest epoch, then the kept one: the figures belong to the network that is kept.
            shown = epochs.iloc[story.best_epoch - 1 if story.is_decided else -1]
            validation, kept = words.meaning("validation"), words.meaning("kept_epoch")
            st.metric(_("Right in training"), percent(shown["accuracy"], 1), help=validation, width="content")
            st.metric(_("Right in validation"), percent(shown["val_accuracy"], 1), help=validation, width="content")
            st.metric(_("Kept epoch"), number(story.best_epoch), help=kept, width="content")
    if len(epochs):
        st.markdown(_decided(story) if story.is_decided else _so_far(story))


def _so_far(story: History) -> str:
    """Says which epoch the figures of a run that goes on are those of, and which is the best up to now."""
    latest = len(story.epochs)
    if latest == story.best_epoch:
        return _("These are the figures of epoch {epoch}, the latest one and the best so far.", epoch=latest)
    return _(
        "These are the figures of epoch {epoch}, the latest one. The best so far is epoch {best} with {accuracy}.",
        epoch=latest,
        best=story.best_epoch,
        accuracy=percent(story.best_accuracy or 0, 1),
    )


def _decided(story: History) -> str:
    """Says which epoch is kept, and why the figures are no longer those of the last one."""
    accuracy, last = percent(story.best_accuracy or 0, 1), story.epochs.iloc[-1]
    kept = _(
        "**Best epoch {epoch} of {total} is kept: {accuracy}.**",
        epoch=story.best_epoch,
        total=len(story.epochs),
        accuracy=accuracy,
    )
    if last["epoch"] == story.best_epoch:
        return kept + _more_often_right(story)
    return (
        kept
        + " "
        + _(
            "The figures are now those of that epoch. The last one, with {accuracy}, had a higher loss in validation.",
            accuracy=percent(last["val_accuracy"], 1),
        )
    )


def _more_often_right(story: History) -> str:
    """Says so where another epoch than the kept one was right more often; empty where none was."""
    highest = story.epochs.loc[story.epochs["val_accuracy"].idxmax()]
    if highest["val_accuracy"] <= (story.best_accuracy or 0):
        return ""
    return " " + _(
        "Epoch {epoch} was right more often, with {accuracy}, but its loss in validation was higher.",
        epoch=int(highest["epoch"]),
        accuracy=percent(highest["val_accuracy"], 1),
    )
