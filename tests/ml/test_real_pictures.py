"""The real path: real photographs, real pretrained weights, where the optional folder with both is there."""

import shutil

import numpy as np
import pytest

from core import backbones
from core.backbones import CATALOG
from core.ml.model import build_backbone, preprocess
from core.pictures import decode

PHOTOS_PER_CLASS = 30


def features(row, paths):
    """What the pretrained backbone says about pictures, averaged over the places: (pictures, channels)."""
    backbone = build_backbone(row, row.image_size, pretrained=True)
    images = np.stack([decode(path, row.image_size) for path in paths]).astype(np.float32)
    return np.asarray(backbone(preprocess(images, row.pixels), training=False)).mean(axis=(1, 2))


def photos(folder):
    ants, bees = (sorted((folder / name).iterdir())[:PHOTOS_PER_CLASS] for name in ("ants", "bees"))
    return [*ants, *bees], np.repeat([0, 1], [len(ants), len(bees)])


@pytest.mark.parametrize("name", ["residual10", "mobilenet_025"])
def test_pretrained_features_tell_ants_from_bees(name, shared_data, tmp_path, monkeypatch):
    row = CATALOG[name]
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if row.weights:
        assert not backbones.weights_here(row)
        (tmp_path / "models").mkdir()
        shutil.copy(shared_data / "weights" / row.weights.file, tmp_path / "models")
    assert backbones.weights_here(row)

    paths, labels = photos(shared_data / "datasets" / "ants_bees" / "train")
    known = features(row, paths)
    centres = np.stack([known[labels == label].mean(axis=0) for label in (0, 1)])
    paths, labels = photos(shared_data / "datasets" / "ants_bees" / "val")
    distances = np.linalg.norm(features(row, paths)[:, None] - centres[None], axis=2)
    # Random weights reach about a half; with the pretrained ones 60 photos give 0.7 and more
    assert (distances.argmin(axis=1) == labels).mean() > 0.65
