"""How much of the backbone stays frozen: slider, drawing, the counts that move with it, and the table of layers."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.backbones import Backbone
from core.presets import PRESETS
from core.summary import Summary, summarize
from core.text import _, number
from core.ui import cost, state, words
from core.ui.draft import Draft
from core.ui.network import drawing
from core.ui.settings import OWN
from core.ui.state import Key, Place

FROZEN_MARK = "❄"
TRAINABLE_MARK = "✎"
NOTHING_MARK = "–"


def choose(at: Place, table: pd.DataFrame) -> None:
    """Shows the slider with the drawing and the counts beside it.

    Args:
        at: The page's place.
        table: The project's images.
    """
    draft = state.draft(at)
    if draft.start == "scratch":
        st.info(_("From scratch nothing is frozen: every layer learns."), icon=":material/info:")
    else:
        _slider(at, draft)
        st.caption(_who_decides(draft))
    num_classes = table["label"].nunique()
    row = draft.row
    drawing(
        num_frozen=sum(stage.num_layers <= draft.frozen for stage in row.stages),
        num_stages=len(row.stages),
        stage_names=[_(stage.name) for stage in row.stages],
        key="network",
    )
    _counts(row, draft.frozen, summarize(row, draft.head, num_classes, draft.frozen))
    cost.show(at, table)
    if draft.start == "imagenet":
        _expert(at)


def _slider(at: Place, draft: Draft) -> None:
    row = draft.row
    if state.session().expert_freezing:
        key = Key.LAYER.format(row.name)
        st.slider(_("Frozen layers"), 0, row.num_layers, draft.frozen, key=key, on_change=_freeze, args=(at, key))
        return
    names = {0: _("nothing")} | {stage.num_layers: _(stage.name) for stage in row.stages}
    names[row.num_layers] = _("everything")
    key = Key.STAGE.format(row.name)
    st.select_slider(
        _("Frozen up to"),
        list(names),
        max(num for num in names if num <= draft.frozen),
        format_func=lambda num: names.get(num, str(num)),
        key=key,
        on_change=_freeze,
        args=(at, key),
    )


def _who_decides(draft: Draft) -> str:
    """Says what becomes of the preset when the slider is moved, and of the slider when a preset is chosen."""
    own = _(OWN[0])
    if draft.preset == "own" and draft.has_own_freezing:
        return _(
            "It is trained as it stands here (“{own}” under Train). Choosing a preset there sets it aside until "
            "“{own}” is chosen again.",
            own=own,
        )
    if draft.preset == "own":
        return _("It is trained as it stands here (“{own}” under Train). Choosing a preset there replaces it.", own=own)
    title = _(PRESETS[draft.preset].title)
    return _("Set by the preset “{preset}”. Moving the slider chooses “{own}” under Train.", preset=title, own=own)


def _freeze(at: Place, key: str) -> None:
    own = state.draft(at).as_own()
    state.keep_draft(at, replace(own, frozen_layers=st.session_state[key], has_own_freezing=True))


def _counts(row: Backbone, frozen: int, summary: Summary) -> None:
    with st.container(horizontal=True, gap="medium", key="counts"):
        st.metric(
            _("Frozen layers"),
            _("{frozen} of {total}", frozen=number(frozen), total=number(row.num_layers)),
            help=words.meaning("layer"),
            width="content",
        )
        parameter = words.meaning("parameter")
        st.metric(_("Trainable parameters"), number(summary.trainable), help=parameter, width="content")
        st.metric(_("Non-trainable parameters"), number(summary.non_trainable), help=parameter, width="content")


def _expert(at: Place) -> None:
    with st.expander(_("For experts"), icon=":material/tune:"):
        st.toggle(
            _("Choose any single layer"), state.session().expert_freezing, key=Key.EXPERT, on_change=_switch_expert
        )
        st.toggle(
            _("Let batch normalisation of the trainable part learn its statistics"),
            state.draft(at).learn_batch_norm,
            key=Key.BATCH_NORM,
            on_change=_keep_batch_norm,
            args=(at,),
            help=_(
                "Batch normalisation remembers how bright and how varied the numbers inside the network usually are. "
                "With few pictures the remembered values are better than new ones, so this is off."
            ),
        )


def _switch_expert() -> None:
    state.session().expert_freezing = st.session_state[Key.EXPERT]


def _keep_batch_norm(at: Place) -> None:
    state.keep_draft(at, replace(state.draft(at), learn_batch_norm=st.session_state[Key.BATCH_NORM]))


def _state(row: Any) -> str:
    """Says whether a layer is frozen; one that has nothing to learn is neither frozen nor trainable."""
    if not row.parameters:
        return NOTHING_MARK
    return FROZEN_MARK + " " + _("frozen") if row.frozen else TRAINABLE_MARK + " " + _("trainable")


def layers(draft: Draft, num_classes: int) -> None:
    """Shows every layer with type, output shape, parameters and whether it is frozen, and the totals."""
    summary = summarize(draft.row, draft.head, num_classes, draft.frozen)
    with st.expander(_("Every layer of the network"), icon=":material/table_rows:"):
        # The backbone within the network has an input of its own, which is the same once more.
        shown = summary.layers[(summary.layers["type"] != "InputLayer") | (summary.layers.index == 0)]
        table = shown[["layer", "type", "output_shape", "parameters"]].copy()
        table["output_shape"] = table["output_shape"].astype(str)
        table["state"] = [_state(row) for row in shown.itertuples()]
        st.dataframe(
            table,
            key=Key.SUMMARY,
            hide_index=True,
            height=420,
            column_config={
                "layer": _("Layer"),
                "type": _("Type"),
                "output_shape": _("Output shape"),
                "parameters": st.column_config.NumberColumn(_("Parameters"), format="localized"),
                "state": _("State"),
            },
            alt=_("Table of all layers with type, output shape, number of parameters, frozen or trainable."),
        )
        st.caption(
            _(
                "Together {total} parameters: {trainable} trainable, {fixed} not.",
                total=number(summary.total),
                trainable=number(summary.trainable),
                fixed=number(summary.non_trainable),
            )
        )
