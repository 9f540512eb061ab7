"""How long the Images page takes with 10,000 pictures in 200 classes, beside one with 40 pictures in 4.

    python -m bench.gallery

One reader opens the page again and again on a real server, over Streamlit's own websocket, and waits each time until
the page's script is over. The pictures are rows of the table; what is shown of them are addresses, so that their
pixels cost the script nothing.
"""

import json
import tempfile
from pathlib import Path

import numpy as np

from bench.reader import Reader, connected
from core import projects
from core.workspace import Workspace

SIZES = {"few": (40, 4), "many": (10_000, 200)}  # pictures and classes
NUM_WARM_UP = 3
NUM_RERUNS = 20


def fill(workspace: Workspace, num_pictures: int, num_classes: int) -> str:
    """Makes a project with so many rows; returns its id."""
    project = projects.create_project(workspace, f"{num_pictures} pictures")
    rows = []
    for number in range(num_pictures):
        label = f"class {number % num_classes:03}"
        sha256 = f"{number:064x}"
        file = f"images/{sha256[-16:]}.jpg"
        # A fifth has a near twin, and a tenth is blurred, so that there is something to tell.
        similar, sharpness = number // 2 if number % 10 < 2 else None, 0.1 if number % 10 == 5 else 0.6
        rows.append(
            (project.id, f"{label}/{number}.jpg", file, label, 50_000, 640, 480, sha256, similar, 0.5, 0.5, sharpness)
        )
    with workspace.database() as database:
        database.executemany(
            "INSERT INTO images (project_id, name, file, label, size_bytes, width, height, sha256, similar, "
            "brightness, contrast, sharpness) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return project.id


def milliseconds(reader: Reader, project_id: str) -> float:
    """Returns the middle time of a page's script; the first ones do not count."""
    drawn = [reader.open("images", project=project_id) for _number in range(NUM_WARM_UP + NUM_RERUNS)]
    return round(float(np.median([one.seconds for one in drawn[NUM_WARM_UP:]])) * 1000, 1)


def measure() -> dict:
    """Returns the row: both times, and how many times longer the large project takes."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "home")
        made = {name: fill(workspace, *size) for name, size in SIZES.items()}
        with connected(workspace) as reader:
            times = {name: milliseconds(reader, project_id) for name, project_id in made.items()}
    return {
        "row": "script of the Images page, 10,000 pictures in 200 classes beside 40 in 4",
        "ratio": round(times["many"] / times["few"], 2),
        "script_ms": times,
        "num_reruns": NUM_RERUNS,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
