"""The catalog of backbones as cards, the starting point, and the weights where they are not here yet."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core import backbones
from core import weights as weight_files
from core.backbones import CATALOG, Backbone
from core.config import Start
from core.text import N_, _, number, percent
from core.ui import pieces, sharing, state, words
from core.ui.markup import plain
from core.ui.pieces import size_text
from core.ui.state import Key, Place

FIRST_CARDS = 6
NO_BREAK = "\N{NO-BREAK SPACE}"
STARTS = {"imagenet": N_("Pretrained"), "scratch": N_("From scratch")}
SPEED_ORDER = ("fast", "medium", "slow")
SPEED_ICONS = {"fast": ":material/bolt:", "medium": ":material/speed:", "slow": ":material/hourglass_bottom:"}

SORTS: dict[str, tuple[str, Callable[[Backbone], Any]]] = {
    "here": (N_("Ready first"), lambda row: (not backbones.weights_here(row), SPEED_ORDER.index(row.speed))),
    "fast": (N_("Fastest first"), lambda row: (SPEED_ORDER.index(row.speed), row.parameters)),
    "small": (N_("Smallest first"), lambda row: row.parameters),
    "accurate": (N_("Most accurate first"), lambda row: -(row.top1_accuracy or 0)),
}


def choose(at: Place) -> None:
    """Shows the catalog, the chosen backbone first, and lets the reader choose another."""
    st.caption(
        _(
            "Each of these has learned to see from a great many photos. “Right on ImageNet” says how often it names "
            "new photos of 1,000 kinds of things rightly."
        ),
        help=words.meaning("imagenet"),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sort = _ask_order()
        only_here = st.toggle(_("Only those that need no download"), key=Key.BACKBONE_FILTER)
        all_shown = st.toggle(_("Show all {count}", count=len(CATALOG)), key=Key.BACKBONE_ALL)
    chosen = state.draft(at).row
    rows = [row for row in sorted(CATALOG.values(), key=SORTS[sort][1]) if row.name != chosen.name]
    rows = [row for row in rows if not only_here or backbones.weights_here(row)]
    cards = st.grid(3, min_column_width=260, gap="small")
    for row in [chosen, *rows][: None if all_shown else FIRST_CARDS]:
        with cards.container(border=True, height="stretch", vertical_alignment="distribute"):
            _card(at, row, is_chosen=row.name == chosen.name)


def _ask_order() -> str:
    session, key = state.session(), state.in_words(Key.BACKBONE_SORT)
    session.order = st.selectbox(
        _("Order"),
        list(SORTS),
        index=list(SORTS).index(session.order) if session.order else 0,
        format_func=lambda name: _(SORTS[name][0]),
        key=key,
        width=240,
    )
    return session.order


def _card(at: Place, row: Backbone, *, is_chosen: bool) -> None:
    with st.container():
        _told(row, is_chosen=is_chosen)
    pressed = st.button(
        _("Chosen") if is_chosen else _("Choose"),
        key=Key.BACKBONE.format(row.name),
        icon=":material/check:" if is_chosen else None,
        type="primary" if is_chosen else "secondary",
        width="stretch",
    )
    if pressed and not is_chosen:
        chosen = replace(state.draft(at), backbone=row.name, frozen_layers=None, has_own_freezing=False)
        state.keep_draft(at, chosen)
        st.rerun()


def _told(row: Backbone, *, is_chosen: bool) -> None:
    mark = ":primary[:material/check_circle:] " if is_chosen else ""
    st.markdown(f"#### {mark}{row.title}", anchors=False)
    with st.container(horizontal=True, gap="xsmall"):
        _weights_badge(row)
        st.badge(_(words.SPEEDS[row.speed]), icon=SPEED_ICONS[row.speed], color="gray")
    st.markdown(_(row.description))
    st.caption(" · ".join(_facts(row)))
    licence = _("Licence: {licence}", licence=plain(row.licence))
    st.caption(f"{licence} · [{plain(row.source_title)}]({row.source_url})")


def _facts(row: Backbone) -> list[str]:
    facts = [
        size_text(row.size_bytes),
        _("{count} million parameters", count=number(row.parameters / 1e6, 1)),
        _("{size} × {size} pixels", size=row.image_size).replace(" × ", NO_BREAK + "×" + NO_BREAK),
    ]
    if row.top1_accuracy is not None:
        facts.append(_("{accuracy} right on ImageNet", accuracy=percent(row.top1_accuracy, 1)))
    return facts


def _weights_badge(row: Backbone) -> None:
    if row.weights is None or row.name == "residual10":
        st.badge(_("bundled"), icon=":material/inventory_2:", color="green")
    elif backbones.weights_here(row):
        st.badge(_("on this machine"), icon=":material/check:", color="green")
    else:
        size = size_text(row.size_bytes)
        st.badge(_("{size} download", size=size), icon=":material/cloud_download:", color="yellow")


def start(at: Place) -> None:
    """Asks where training starts from."""
    st.segmented_control(
        _("Starting point"),
        list(STARTS),
        format_func=lambda name: _(STARTS[name]),
        default=state.draft(at).start,
        required=True,
        key=Key.START,
        on_change=_keep_start,
        args=(at,),
        help=_(
            "Pretrained: the network begins with what it learned from a great many pictures. From scratch: it "
            "begins knowing nothing, which needs far more pictures and time, and shows what the head start is worth."
        ),
    )


def _keep_start(at: Place) -> None:
    state.keep_draft(at, replace(state.draft(at), start=st.session_state[Key.START]))


def weights(row: Backbone, start: Start) -> None:
    """Says what is downloaded at the start, or takes the file by upload, where weights are missing."""
    if row.weights is None or start == "scratch" or backbones.weights_here(row):
        return
    with st.container(border=True):
        st.markdown(
            ":material/cloud_download: "
            + _(
                "The weights of {title} are not on this machine. Training begins with a download of {size} from {url}",
                title=row.title,
                size=size_text(row.size_bytes),
                url=row.weights.url,
            )
        )
        if sharing.is_shared():
            return  # a file that one person brings would be everybody's
        file = st.file_uploader(
            _(
                "Without the internet: bring the file “{name}” from another machine",
                name=backbones.weights_path(row).name,
            ),
            key=Key.WEIGHTS.format(row.name),
        )
        if file:
            with pieces.errors_shown():
                weight_files.accept_weights(row, file)
                st.rerun()
