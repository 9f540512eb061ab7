"""The way in and the way out, where people sign in."""

import streamlit as st

from core.text import _
from core.ui import identity, sharing
from core.ui.markup import plain
from core.ui.state import Key

WIDTH_PIXELS = 440


def require() -> None:
    """Ends the page with the way in, where somebody has to sign in and has not."""
    if not identity.is_required() or identity.person():
        return
    with st.container(horizontal_alignment="center"):
        st.space("large")
        with st.container(border=True, width=WIDTH_PIXELS):
            st.title(_("Sign in"), anchor=False)
            st.markdown(_("Your pictures, and what was learned from them, are shown to you alone."))
            for provider in sharing.providers():
                _button(provider)
    st.stop()


def _button(provider: str | None) -> None:
    st.button(
        _("Sign in with {service}", service=plain(provider)) if provider else _("Sign in"),
        key=Key.SIGN_IN.format(provider or ""),
        type="primary",
        icon=":material/login:",
        width="stretch",
        on_click=st.login,
        args=(provider,),
    )


def account() -> None:
    """Says who has signed in, beside the button that signs them out."""
    signed_in = identity.person()
    if signed_in is None:
        return
    st.caption(_("Signed in as {name}", name=plain(signed_in.name)))
    st.button(_("Sign out"), key=Key.SIGN_OUT, icon=":material/logout:", width="stretch", on_click=st.logout)
