"""Thumbnails: pictures as small squares, side by side."""

import io

import pandas as pd
import streamlit as st
from PIL import Image, ImageOps

from core import dataset
from core.workspace import Workspace

WIDTH = 84


def thumbnails(workspace: Workspace, pictures: pd.DataFrame) -> None:
    """Shows pictures as small squares, side by side, each with its name for those who cannot see it."""
    with st.container(horizontal=True, gap="xsmall"):
        for _index, row in pictures.iterrows():
            file = dataset.thumbnail_path(workspace, row)
            st.image(_square(str(file)), width=WIDTH, alt=str(row["name"]))


@st.cache_data(max_entries=4000, show_spinner=False)
def _square(file: str) -> bytes:
    """Cuts the middle of a thumbnail to a square; twice as fine as shown, for screens that can show it."""
    with Image.open(file) as image:
        square = ImageOps.fit(image.convert("RGB"), (2 * WIDTH, 2 * WIDTH))
    written = io.BytesIO()
    square.save(written, "JPEG", quality=85)
    return written.getvalue()
