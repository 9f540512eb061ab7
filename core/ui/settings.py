"""How to train: presets in plain words, or every setting with one sentence of help; and the button that starts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pandas as pd
import streamlit as st

from core import jobs, projects, split
from core.config import MAX_BATCH_SIZE, MAX_EPOCHS, MAX_VIEWS, Augmentation, Loss, Optimizer
from core.layout import VALIDATION
from core.presets import PRESETS
from core.text import N_, _, number
from core.ui import navigation, pieces, state, words
from core.ui.draft import Choice, Draft
from core.ui.state import Key, Place
from core.ui.words import CHOICES, SETTINGS

OWN = (N_("Own settings"), N_("Every setting is yours to choose, beginning with those of the preset chosen before."))
SCRATCH = (
    N_("From scratch"),
    N_("Every layer learns from random numbers, without a head start. Needs many pictures and patience."),
)
PRESET_ICONS = {
    "quick": ":material/bolt:",
    "better": ":material/trending_up:",
    "own": ":material/tune:",
}
LEARNING_RATES = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)


def choose_preset(at: Place) -> None:
    """Shows the presets and one's own settings as cards, the chosen one marked."""
    draft = state.draft(at)
    offered = _offered(draft)
    chosen = draft.preset if draft.preset in offered else next(iter(offered))
    cards = st.grid(3, min_column_width=240, gap="small")
    for name, (title, description) in offered.items():
        with cards.container(border=True, height="stretch", vertical_alignment="distribute"):
            with st.container():
                st.markdown(f"#### {PRESET_ICONS[name]} {_(title)}", anchors=False)
                st.markdown(_(description), help=None if name == "own" else words.meaning("head"))
                st.caption(_frozen(draft if name == draft.preset else _with_preset(draft, name)))
                if replaced := _replaced(draft, name):
                    st.caption(":material/info: " + replaced)
            st.button(
                _("Chosen") if name == chosen else _("Choose"),
                key=Key.PRESET.format(name),
                type="primary" if name == chosen else "secondary",
                icon=":material/check:" if name == chosen else None,
                on_click=_keep_preset,
                args=(at, name),
                width="stretch",
            )


def _offered(draft: Draft) -> dict[Choice, tuple[str, str]]:
    """The titles and descriptions of what can be chosen; a preset that freezes means nothing from scratch."""
    if draft.start == "scratch":
        return {"quick": SCRATCH, "own": OWN}
    return {
        "quick": (PRESETS["quick"].title, PRESETS["quick"].description),
        "better": (PRESETS["better"].title, PRESETS["better"].description),
        "own": OWN,
    }


def _with_preset(draft: Draft, name: Choice) -> Draft:
    return draft.as_own() if name == "own" else replace(draft, preset=name)


def _frozen(draft: Draft) -> str:
    """Says how much is frozen, as the slider on the model page shows it."""
    if draft.start == "scratch":
        return _("Nothing is frozen.")
    total = draft.row.num_layers
    text = _("{frozen} of {total} layers frozen", frozen=number(draft.frozen), total=number(total))
    return (
        text if draft.frozen == total else text + " " + _("(at first all of them, until the head has learned a little)")
    )


def _replaced(draft: Draft, name: Choice) -> str:
    """Says which freezing of one's own a preset would set aside; empty where it sets none aside."""
    is_own = draft.preset == "own" and draft.has_own_freezing and draft.start == "imagenet"
    if not is_own or _with_preset(draft, name).frozen == draft.frozen:
        return ""
    return _(
        "In place of the {frozen} layers that you chose, which “{own}” keeps.",
        frozen=number(draft.frozen),
        own=_(OWN[0]),
    )


def _keep_preset(at: Place, name: Choice) -> None:
    state.keep_draft(at, _with_preset(state.draft(at), name))


def what_freezes(at: Place) -> None:
    """Says in one line which network is trained and how much of it is frozen, with a link to change that."""
    draft = state.draft(at)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/ac_unit: **{draft.row.title}** · {_frozen(draft)}",
            width="content",
            help=words.meaning("freezing"),
        )
        navigation.link("model", _("Change"))


def own(at: Place, table: pd.DataFrame) -> None:
    """Asks for every setting; each is kept as soon as it changes.

    Args:
        at: The page's place.
        table: The project's images.
    """
    draft = state.draft(at)
    left, right = st.columns(2, gap="large")
    with left:
        _whole(at, "epochs", 1, MAX_EPOCHS)
        _rate(at, "learning_rate")
        if len(draft.phases) > 1:
            _whole(at, "fine_tune_epochs", 1, MAX_EPOCHS)
            _rate(at, "fine_tune_learning_rate")
        _whole(at, "batch_size", 1, MAX_BATCH_SIZE)
        _one_of(at, "optimizer", get_args(Optimizer))
        _one_of(at, "loss", get_args(Loss))
    with right:
        _one_of(at, "augmentation", get_args(Augmentation))
        if draft.augmentation != "none" and draft.start != "scratch":
            _whole(at, "views", 0, MAX_VIEWS)
        _whole(at, "patience", 0, MAX_EPOCHS)
        is_told = split.comes_with(table, VALIDATION)
        share = draft.validation_share
        _setting(at, "validation_share", st.slider, 0.05, 0.5, share, 0.05, format="percent", disabled=is_told)
        if is_told:
            st.caption(_("Your own folders say which pictures are for validation, and those are taken."))
        _setting(at, "test_share", st.slider, 0.0, 0.4, draft.test_share, 0.05, format="percent")
        _setting(at, "class_weights", st.toggle, draft.class_weights)
        _whole(at, "seed", 0, 2**31 - 1)


def _whole(at: Place, name: str, least: int, most: int) -> None:
    _setting(at, name, st.number_input, least, most, getattr(state.draft(at), name), 1)


def _rate(at: Place, name: str) -> None:
    now = getattr(state.draft(at), name)
    rates = sorted({*LEARNING_RATES, now})
    _setting(at, name, st.select_slider, rates, now, format_func=lambda rate: f"{rate:g}")


def _one_of(at: Place, name: str, options: tuple[str, ...]) -> None:
    now = options.index(getattr(state.draft(at), name))
    key = state.in_words(Key.SETTING.format(name))
    _setting(at, name, st.selectbox, options, now, key=key, format_func=lambda option: _(CHOICES[option]))


def _setting(
    at: Place, name: str, ask: Callable[..., Any], *positions: Any, key: str | None = None, **options: Any
) -> None:
    title, help_text = SETTINGS[name]
    key = key or Key.SETTING.format(name)
    ask(_(title), *positions, key=key, help=_(help_text), on_change=_keep, args=(at, name, key), **options)


def _keep(at: Place, name: str, key: str) -> None:
    if st.session_state[key] is not None:
        state.keep_draft(at, replace(state.draft(at), **{name: st.session_state[key]}))


def start(at: Place, table: pd.DataFrame, num_runs: int, turn: str) -> None:
    """Offers a name and the button that starts the run; the page then follows it.

    Args:
        at: The page's place.
        table: The project's images.
        num_runs: That the project has already.
        turn: Another one after each start, for which the name is empty again.
    """
    assert at.project is not None
    draft = state.draft(at)
    suggested = _suggested_name(draft, num_runs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            _("Name of the run"),
            key=Key.RUN_NAME.format(turn),
            placeholder=suggested,
            max_chars=projects.MAX_NAME_LENGTH,
            width=320,
        )
        pressed = st.button(_("Start training"), key=Key.START_RUN, type="primary", icon=":material/play_arrow:")
    if pressed:
        with pieces.errors_shown():
            config = draft.config(tuple(sorted(table["label"].unique())))
            run = jobs.start_run(at.workspace, at.project.id, name.strip() or suggested, config)
            navigation.go("train", run=run.id)


def _suggested_name(draft: Draft, num_runs: int) -> str:
    offered = _offered(draft)
    title = offered.get(draft.preset, next(iter(offered.values())))[0]
    return f"{draft.row.title} · {_(title)} · {num_runs + 1}"
