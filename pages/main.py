"""The frame around every page: look, language, the steps at the side."""

import streamlit as st

from core import jobs
from core.text import LANGUAGES, _, set_language_source
from core.ui import navigation, sharing, sign_in, state
from core.ui.state import ASSETS, LANGUAGE_PARAMETER, Key


def follow_language() -> None:
    """Keeps the chosen language in the address."""
    st.query_params[LANGUAGE_PARAMETER] = st.session_state[Key.LANGUAGE]


st.set_page_config(page_title="Headstart", page_icon=str(ASSETS / "icon.svg"), layout="wide")
set_language_source(state.language)

page = st.navigation(navigation.pages(), position="hidden")
# One file for both themes, since it turns with them by itself: a change of theme does not run this script again.
st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "icon.svg"))

sign_in.require()
at = state.place()
jobs.watch(at.workspace)

with st.sidebar:
    navigation.step_bar(at)
    st.space("medium")
    st.segmented_control(
        _("Language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        default=state.language(),
        required=True,
        key=Key.LANGUAGE,
        on_change=follow_language,
        label_visibility="collapsed",
    )
    sign_in.account()
    st.caption(sharing.told())

page.run()
