"""core.takehome with real Keras: what is taken home answers as the page did."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.backbones import CATALOG
from core.config import Phase, RunConfig
from core.ml.export import write_keras, write_litert
from core.predict import predict
from core.takehome import package_zip

LABELS = ("ants", "bees", "Käfer und 甲虫")
SIZE = 32


def small_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(x))
    return keras.Model(image, keras.layers.Dense(len(LABELS), activation="softmax")(x))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    """A run's folder with a model of random weights in both forms."""
    folder = tmp_path_factory.mktemp("run")
    phases = (Phase(epochs=1, learning_rate=0.001, frozen_layers=0),)
    config = RunConfig(backbone=next(iter(CATALOG)), image_size=SIZE, labels=LABELS, phases=phases)
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    model = small_model()
    write_keras(model, folder)
    write_litert(model, folder)
    table = pd.DataFrame({"path": "p", "name": "n", "label": list(LABELS) * 2, "split": ["train", "validation"] * 3})
    table.to_parquet(folder / "images.parquet", index=False)
    held_out = table[table["split"] == "validation"]
    predictions = held_out.assign(predicted="ants", confidence=0.5, probabilities=[[0.5, 0.3, 0.2]] * 3)
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Photos of different shapes, one of them turned by its orientation mark, one with transparency."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(1)
    turned = Image.Exif()
    turned[0x0112] = 8
    coarse = [Image.fromarray(generator.integers(0, 256, (6, 9, 4), dtype=np.uint8)) for _ in range(3)]
    coarse[0].convert("RGB").resize((900, 500)).save(folder / "wide.jpg")
    coarse[1].convert("RGB").resize((300, 500)).save(folder / "turned.jpg", exif=turned)
    coarse[2].resize((64, 200)).save(folder / "clear ünder.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def home(run_folder, tmp_path_factory) -> Path:
    """The zip, unpacked somewhere else."""
    folder = tmp_path_factory.mktemp("home")
    with zipfile.ZipFile(package_zip(run_folder, folder / "model.zip", "Garden")) as packed:
        packed.extractall(folder / "model")
    return folder / "model"


def run_at_home(home: Path, *arguments: str) -> str:
    """Runs the program where nothing of this project can be imported."""
    command = [sys.executable, "-I", str(home / "predict.py"), *arguments]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_answers_as_the_page_does(home, run_folder, pictures):
    answers = json.loads(run_at_home(home, "--json", *map(str, pictures)))
    assert [answer["picture"] for answer in answers] == [str(path) for path in pictures]
    assert [list(answer["probabilities"]) for answer in answers] == [list(LABELS)] * 3
    said = np.array([list(answer["probabilities"].values()) for answer in answers])
    # 1e-4 is the agreement that every LiteRT model must show before it may answer.
    np.testing.assert_allclose(said, predict(run_folder, pictures), atol=1e-4)
    assert np.ptp(said, axis=0).max() > 0.01  # else agreement would say nothing


def test_the_program_prints_a_line_for_each_picture(home, run_folder, pictures):
    lines = run_at_home(home, *map(str, pictures)).splitlines()
    likeliest = [LABELS[index] for index in predict(run_folder, pictures).argmax(axis=1)]
    assert len(lines) == 3
    for line, path, label in zip(lines, pictures, likeliest, strict=True):
        assert line.startswith(f"{path}: {label} ")
        assert line.count("%") == 3
