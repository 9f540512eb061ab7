"""What a run will cost before it starts: seconds and disk, in figures that move with every choice."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import costs, dataset, machines
from core.costs import Cost, PhaseCost
from core.durations import Setting
from core.split import split_images
from core.text import _, ngettext, number
from core.ui import pieces, state, words
from core.ui.draft import Draft
from core.ui.live import duration
from core.ui.pieces import size_text
from core.ui.state import Place


def show(at: Place, table: pd.DataFrame) -> None:
    """Shows what the chosen network and settings will cost with the project's pictures.

    Args:
        at: The page's place.
        table: The project's images.
    """
    draft = state.draft(at)
    machine = machines.here(at.workspace.home)
    measured = machines.measured_here(at.workspace.home)
    with pieces.errors_shown():
        _figures(draft, _estimate(at, table, machine, measured))
    if machine is None and not any(one.backbone == draft.backbone for one in measured):
        st.caption(
            ":material/speed: "
            + _(
                "These figures are those of another computer: this one has not been measured yet. That takes a few "
                "seconds and happens by itself while nothing else is going on."
            )
        )


def _figures(draft: Draft, cost: Cost) -> None:
    with st.container(horizontal=True, gap="medium", key="cost"):
        if len(cost.phases) == 1:
            _epochs(cost.phases[0])
            _together(cost)
        else:
            for phase, title in zip(cost.phases, _titles(cost), strict=True):
                with st.container(width="content", gap="xsmall"):
                    st.caption(title)
                    with st.container(horizontal=True, gap="medium"):
                        _epochs(phase)
            with st.container(width="content", gap="xsmall"):
                st.caption(_("Together"))
                with st.container(horizontal=True, gap="medium"):
                    _together(cost)
    st.caption(_reason(draft, cost))


def _estimate(
    at: Place, table: pd.DataFrame, machine: machines.Machine | None, measured: Sequence[machines.Measured]
) -> Cost:
    draft = state.draft(at)
    split = _split(dataset.fingerprint(table), table, draft.validation_share, draft.seed, draft.test_share)
    sizes = split.value_counts()
    config = draft.config(tuple(sorted(table["label"].unique())))
    setting = Setting(
        config,
        int(sizes.get("train", 0)),
        int(sizes.get("validation", 0)),
        costs.mean_pixels(table),
        machine or machines.reference(),
        measured,
    )
    return costs.estimate(
        setting,
        found=costs.count_found(config, at.workspace.home, table.assign(split=split)),
        room_bytes=costs.room_bytes(at.workspace.home),
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _split(fingerprint: str, _table: pd.DataFrame, validation_share: float, seed: int, test_share: float) -> pd.Series:
    """Divides the pictures as the run will; kept, since it stays the same while the slider moves."""
    return split_images(_table, validation_share, seed, test_share=test_share)["split"]


def _titles(cost: Cost) -> list[str]:
    """Names the two phases of a run."""
    first, second = (phase.epochs for phase in cost.phases)
    return [
        ngettext("First only the head learns: {count} epoch", "First only the head learns: {count} epochs", first),
        ngettext(
            "Then what is not frozen learns too (fine-tuning): {count} epoch",
            "Then what is not frozen learns too (fine-tuning): {count} epochs",
            second,
        ),
    ]


def _epochs(phase: PhaseCost) -> None:
    epoch = words.meaning("epoch")
    for place, part in enumerate(phase.parts):
        title = _later_title(part.count) if place else _first_title(part.count)
        st.metric(title, about(part.seconds_each), help=epoch, width="content")


def _first_title(count: int) -> str:
    return _("First epoch") if count == 1 else _("First {count} epochs, each", count=number(count))


def _later_title(count: int) -> str:
    return ngettext("{count} later epoch", "{count} later epochs, each", count)


def _together(cost: Cost) -> None:
    st.metric(
        _("Before and after"),
        about(cost.around_seconds),
        help=_("The network is built before the first epoch; after the last, the best one is checked and packed."),
        width="content",
    )
    st.metric(
        _("Whole run"),
        about(cost.total_seconds),
        help=_("From the start to the finished network, when no epoch is left out by early stopping."),
        width="content",
    )
    st.metric(
        _("On disk"),
        _on_disk(cost),
        help=_(
            "What the frozen part says of the pictures is kept in Headstart's own folder, so that later epochs and "
            "later runs need not ask it again. What was not used for longest makes room by itself."
        ),
        width="content",
    )


def _on_disk(cost: Cost) -> str:
    if cost.disk_bytes:
        return size_text(cost.disk_bytes)
    only_looks_up = cost.phases[-1].num_first_epochs < cost.phases[-1].epochs
    return _("nothing more") if only_looks_up else _("nothing")


def _reason(draft: Draft, cost: Cost) -> str:
    """Says in plain words why the first epoch takes longer, or why none does."""
    last = cost.phases[-1]
    if draft.frozen == 0:
        if len(cost.phases) > 1:
            return _(
                "Once nothing is frozen, the whole network looks at every picture in every epoch, so that each takes "
                "about as long as the others."
            )
        return _(
            "Nothing is frozen: in every epoch the whole network looks at every picture, so that each takes about as "
            "long as the first."
        )
    if not last.disk_bytes and last.num_first_epochs == last.epochs:
        return _(
            "Nothing is kept: in every epoch the frozen part looks at every picture anew, so that each takes about as "
            "long as the first."
        )
    if not cost.disk_bytes:
        return _(
            "The frozen part of the network has looked at all these pictures before, and its answers were kept on the "
            "disk. Every epoch looks them up, so that only what is not frozen takes time."
        )
    if max(phase.num_first_epochs for phase in cost.phases) > 1:
        return _(
            "As long as an epoch meets variations of the pictures that are new, the frozen part of the network looks "
            "at each of them, and its answers are kept on the disk. Later epochs look them up, so that only what is "
            "not frozen takes time."
        )
    return _(
        "In the first epoch the frozen part of the network looks at every picture once, and its answers are kept on "
        "the disk. Later epochs look them up, so that only what is not frozen takes time."
    )


def about(seconds: float) -> str:
    """Writes an estimated length of time, no more exactly than it is known."""
    if seconds < 0.1:
        return _("under {count} s", count=number(0.1, 1))
    if seconds < 0.95:
        return _("about {time}", time=_("{count} s", count=number(seconds, 1)))
    return _("about {time}", time=duration(seconds))
