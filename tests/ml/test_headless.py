import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def zipped(picture_folder, tmp_path):
    """A zip of two classes with a text file among the pictures."""
    folder = picture_folder(classes=2, each=6)
    (folder / next(folder.iterdir()).name / "notes.txt").write_text("no picture")
    file = tmp_path / "pictures.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))
    return file


def report_of(*arguments):
    command = [sys.executable, "-m", "bench.headless", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_class_folders_become_a_model_without_a_browser(zipped, tmp_path):
    report = report_of(zipped, "--frozen", "all", "--head", "pool", "--epochs", 1, "--seed", 1, "--out", tmp_path / "o")
    assert report["num_images"] == 12
    assert next(name for name, reason in report["set_aside"] if "not a picture" in reason).endswith("notes.txt")
    assert 0 <= report["val_accuracy"] <= 1
    assert set(report["seconds"]) == {"intake", "start", "training", "evaluation_and_export"}
    assert report["peak_memory_mb"]["worker"] > 100
    assert report["litert_difference"] < 1e-4
    model = keras.models.load_model(report["model"], compile=False)
    assert model.count_params() == report["parameters"]["total"]


def test_intake_alone(zipped, tmp_path):
    report = report_of(zipped, "--only-images", "--out", tmp_path / "out")
    assert report["num_images"] == 12
    assert "val_accuracy" not in report
