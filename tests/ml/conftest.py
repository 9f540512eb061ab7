from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.backbones import CATALOG
from core.config import Phase, RunConfig

SIZE = 32
LABELS = ("blue", "red")
COLOURS = {"blue": (40, 60, 220), "red": (220, 60, 40)}


@pytest.fixture
def config():
    """Residual-10 at its smallest, everything frozen, three epochs."""
    backbone = CATALOG["residual10"]
    return RunConfig(
        backbone="residual10",
        image_size=SIZE,
        labels=LABELS,
        phases=(Phase(epochs=3, learning_rate=3e-3, frozen_layers=backbone.num_layers),),
        batch_size=4,
        patience=0,
    )


@pytest.fixture
def make_run(tmp_path, config):
    """Makes a run folder inside a workspace, as the server would, and returns it."""

    def make(num_images: int = 12, **changes):
        asked = replace(config, **changes)
        folder = tmp_path / "runs" / "r1"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(asked.to_json(), encoding="utf-8")
        write_table(tmp_path, num_images).to_parquet(folder / "images.parquet", index=False)
        return folder

    return make


def write_table(home, num_images: int) -> pd.DataFrame:
    """Writes noisy pictures of each colour; every fourth is for validation."""
    rng = np.random.default_rng(1)
    images = home / "projects" / "p1" / "images"
    images.mkdir(parents=True)
    rows = []
    for label in LABELS:
        for index in range(num_images // len(LABELS)):
            pixels = np.clip(np.array(COLOURS[label]) + rng.normal(0, 30, (40, 48, 3)), 0, 255).astype(np.uint8)
            path = images / f"{label}{index}.png"
            Image.fromarray(pixels).save(path)
            split = "validation" if index % 4 == 0 else "train"
            row = {"path": str(path.relative_to(home)), "name": f"{label}/{index}.png", "label": label, "split": split}
            rows.append(row)
    return pd.DataFrame(rows)
