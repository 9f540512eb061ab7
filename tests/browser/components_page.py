"""What a page does with the components, and nothing else."""

import math
import shutil
import time

import plotly.graph_objects as go
import streamlit as st

from core.ui.camera import camera
from core.ui.folder_input import folder_input
from core.ui.live_chart import live_chart
from core.ui.routes import download_url
from core.ui.tokens import issue_token
from core.workspace import Workspace

st.title("Components")

upload = folder_input(key="folder", token=issue_token("p1"), hint="One folder for each class, such as cats and dogs.")
if upload:
    uploads = st.session_state.setdefault("uploads", [])
    names = [name for name, _ in upload.files()]
    refused = [refused.name for refused in upload.refused]
    uploads.append([upload.num_files, names[:3], refused, str(upload.zip_file)])
    shutil.rmtree(upload.hand_over())
for number, seen in enumerate(st.session_state.get("uploads", []), start=1):
    st.text(f"Upload {number}: {seen}")


@st.fragment(run_every=0.2)
def learning() -> None:
    count = st.session_state["count"] = st.session_state.get("count", 1) + 1
    if count % 10 == 0:
        time.sleep(1)  # as on a machine that is busy training
    epochs = list(range(1, count))
    figure = go.Figure(layout={"xaxis": {"title": "Epoch"}, "yaxis": {"title": "Loss"}})
    figure.add_scatter(x=epochs, y=[1.2 * math.exp(-x / 20) for x in epochs], name="Training", mode="lines+markers")
    figure.add_scatter(x=epochs, y=[0.2 + math.exp(-x / 20) for x in epochs], name="Validation", mode="lines+markers")
    live_chart(figure, key="chart", height=320, alt="Loss of training and validation by epoch")


if st.toggle("Learn", value=True):
    learning()

model = Workspace.default().home / "model.keras"
if model.exists():
    st.link_button("Download", download_url(model, "bees and ants.keras"))
camera(key="camera", token=issue_token("p1"), label="bee", max_shots=5)
st.text("The end")
