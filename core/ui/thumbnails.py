"""Thumbnails: pictures as small squares, side by side, each of which a click shows large."""

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from core.ui import large, scripts
from core.ui.large import Picture

HTML = f"""
<div class="thumbnails">
  <div class="row"></div>
  {large.HTML}
</div>
"""

_component = st.components.v2.component(
    "headstart_thumbnails",
    html=HTML,
    css=scripts.joined("thumbnails.css", "large.css"),
    js=scripts.joined("lasting.js", "large.js", "roving.js", "thumbnails.js"),
)


def thumbnails(pictures: Sequence[Picture], *, key: str, url: str) -> None:
    """Shows pictures as small squares, side by side, each with its name for those who cannot see it.

    Args:
        pictures: In their order.
        key: Of the element.
        url: Where the thumbnails are, from `routes.thumbnails_url`.
    """
    _component(
        key=key, data={"url": url, "pictures": [asdict(picture) for picture in pictures], "words": large.words()}
    )
