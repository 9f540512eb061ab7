"""core.takehome and core.readme: the zip that a trained model goes home in."""

import io
import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import takehome, text
from core.backbones import CATALOG
from core.config import Phase, RunConfig
from core.metrics import NoResultsYetError
from core.pictures import decode
from core.predict import NoModelYetError
from core.readme import as_markdown, write_readme

LABELS = ("ants", "bees_2", "</td><b>x|y")
MODEL = b"not a real model, but bytes enough" * 100


def make_run(folder: Path, **settings) -> Path:
    """A run's folder as it stands after training, without a real model."""
    folder.mkdir(parents=True, exist_ok=True)
    config = RunConfig(
        backbone=next(iter(CATALOG)), image_size=48, labels=LABELS, phases=(Phase(1, 0.001, 0),), **settings
    )
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    (folder / "model.keras").write_bytes(MODEL)
    labels = list(LABELS) * 30
    splits = (["train"] * 3 + ["validation"] * 2) * 18
    images = pd.DataFrame({"path": "p", "name": "n", "label": labels, "split": splits})
    images.to_parquet(folder / "images.parquet", index=False)
    predictions = images[images["split"] == "validation"].assign(
        predicted=lambda table: table["label"], confidence=0.9, probabilities=[[0.9, 0.1, 0.0]] * 36
    )
    predictions.iloc[:9, predictions.columns.get_loc("predicted")] = "nothing"
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    return folder


@pytest.fixture
def run_folder(tmp_path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture
def packed(run_folder, tmp_path) -> zipfile.ZipFile:
    with zipfile.ZipFile(takehome.package_zip(run_folder, tmp_path / "out" / "model.zip", "Garden")) as file:
        yield file


def test_the_zip_holds_what_one_needs_and_no_more(packed):
    assert sorted(packed.namelist()) == ["README.md", "labels.txt", "model.keras", "predict.py", "requirements.txt"]
    assert packed.read("model.keras") == MODEL
    assert packed.testzip() is None


def test_the_model_is_stored_as_it_is(packed):
    assert packed.getinfo("model.keras").compress_type == zipfile.ZIP_STORED


def test_labels_stand_one_a_line_in_the_order_of_the_outputs(packed):
    assert packed.read("labels.txt").decode().splitlines() == list(LABELS)


def test_requirements_are_pinned_to_what_made_the_model(packed):
    lines = packed.read("requirements.txt").decode().splitlines()
    assert lines == [f"{name}=={version(name)}" for name in ("tensorflow", "keras", "pillow", "numpy")]


def test_a_label_with_a_line_break_keeps_its_place(tmp_path):
    folder = make_run(tmp_path / "run")
    config = (folder / "config.json").read_text(encoding="utf-8").replace('"ants"', '"an\\nts\\u2028"')
    (folder / "config.json").write_text(config, encoding="utf-8")
    with zipfile.ZipFile(takehome.package_zip(folder, tmp_path / "model.zip", "Garden")) as packed:
        assert packed.read("labels.txt").decode().splitlines() == ["an ts", *LABELS[1:]]


def test_an_unchanged_model_is_not_packed_again(run_folder, tmp_path):
    destination = tmp_path / "model.zip"
    takehome.package_zip(run_folder, destination, "Garden")
    before = destination.stat()
    takehome.package_zip(run_folder, destination, "Garden")
    assert (destination.stat().st_ino, destination.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_newer_model_is_packed_again(run_folder, tmp_path):
    destination = takehome.package_zip(run_folder, tmp_path / "model.zip", "Garden")
    (run_folder / "model.keras").write_bytes(MODEL[::-1])
    os.utime(run_folder / "model.keras", (2_000_000_000, 2_000_000_000))
    with zipfile.ZipFile(takehome.package_zip(run_folder, destination, "Garden")) as packed:
        assert packed.read("model.keras") == MODEL[::-1]


def test_another_title_is_packed_again(run_folder, tmp_path):
    destination = takehome.package_zip(run_folder, tmp_path / "model.zip", "Garden")
    with zipfile.ZipFile(takehome.package_zip(run_folder, destination, "Meadow")) as packed:
        assert packed.read("README.md").decode().startswith("# Meadow\n")


def test_another_language_is_packed_again(run_folder, tmp_path):
    destination = takehome.package_zip(run_folder, tmp_path / "model.zip", "Garden")
    text.set_language_source(lambda: "es")
    try:
        takehome.package_zip(run_folder, destination, "Garden")
    finally:
        text.set_language_source(lambda: text.DEFAULT_LANGUAGE)
    with zipfile.ZipFile(destination) as packed:
        assert "75\N{NO-BREAK SPACE}%" in packed.read("README.md").decode()


def test_half_a_zip_is_replaced(run_folder, tmp_path):
    destination = takehome.package_zip(run_folder, tmp_path / "model.zip", "Garden")
    destination.write_bytes(destination.read_bytes()[:1000])
    with zipfile.ZipFile(takehome.package_zip(run_folder, destination, "Garden")) as packed:
        assert packed.testzip() is None


def test_nothing_is_left_beside_the_zip(run_folder, tmp_path):
    destination = tmp_path / "out" / "model.zip"
    takehome.package_zip(run_folder, destination, "Garden")
    assert list(destination.parent.iterdir()) == [destination]


def test_a_zip_that_cannot_be_finished_leaves_nothing_behind(run_folder, tmp_path):
    destination = tmp_path / "out"
    (destination / "in the way").mkdir(parents=True)
    with pytest.raises(OSError):
        takehome.package_zip(run_folder, destination, "Garden")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_a_run_without_a_model_says_what_to_do(run_folder, tmp_path):
    (run_folder / "model.keras").unlink()
    with pytest.raises(NoModelYetError):
        takehome.package_zip(run_folder, tmp_path / "model.zip", "Garden")


def test_a_run_without_results_says_what_to_do(run_folder, tmp_path):
    (run_folder / "predictions.parquet").unlink()
    with pytest.raises(NoResultsYetError):
        takehome.package_zip(run_folder, tmp_path / "model.zip", "Garden")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Ants & bees", "Ants-bees-model.zip"),
        ("../../etc/passwd", "etc-passwd-model.zip"),
        ('a"; rm -rf <b>\r\n', "a-rm-rf-b-model.zip"),
        ("CON", "CON-model.zip"),
        ("Hormigas y niños", "Hormigas-y-niños-model.zip"),
        ("🐜", "headstart-model.zip"),
        ("", "headstart-model.zip"),
    ],
)
def test_a_zip_is_named_after_its_model_in_a_way_every_system_takes(title, name):
    assert takehome.zip_name(title) == name


def test_a_long_title_gives_a_name_of_bearable_length():
    assert len(takehome.zip_name("word " * 100)) <= 80


def test_readme_tells_accuracy_with_its_interval(run_folder):
    readme = write_readme(run_folder, "Garden")
    assert "36 validation pictures" in readme
    assert "75%" in readme
    assert "between 59% and 86%" in readme


def test_readme_counts_the_pictures_of_each_class(run_folder):
    assert "| ants | 18 | 12 | 0 |" in write_readme(run_folder, "Garden")


def test_readme_tells_size_backbone_and_licence(run_folder):
    readme = write_readme(run_folder, "Garden")
    backbone = next(iter(CATALOG.values()))
    assert "(pictures, 48, 48, 3)" in readme
    for fact in (backbone.title, backbone.licence, backbone.source_url):
        assert fact in readme


def test_readme_of_a_model_from_scratch_claims_no_weights(tmp_path):
    readme = write_readme(make_run(tmp_path / "run", start="scratch"), "Garden")
    assert next(iter(CATALOG.values())).source_url not in readme


def test_readme_tells_the_test_accuracy_where_there_is_one(run_folder):
    path = run_folder / "predictions.parquet"
    assert "test pictures" not in write_readme(run_folder, "Garden")
    predictions = pd.read_parquet(path)
    pd.concat([predictions, predictions.assign(split="test")]).to_parquet(path, index=False)
    assert "36 test pictures: 75%" in write_readme(run_folder, "Garden")


def test_titles_and_labels_are_never_markup(run_folder):
    readme = write_readme(run_folder, "Good\n\n# [click](http://x) {title} <script>")
    assert readme.startswith("# Good \\# \\[click\\](http://x) {title} \\<script\\>\n")
    assert "</td><b>" not in readme
    assert "| bees\\_2 |" in readme
    table = [line for line in readme.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {5}


def test_plain_words_stay_plain():
    assert as_markdown("Ants, bees (2) - 100 %") == "Ants, bees (2) - 100 %"


def test_readme_names_only_files_of_the_zip(packed):
    readme = packed.read("README.md").decode()
    named = set(re.findall(r"\b[\w.]+\.(?:py|txt|keras|md)\b", readme))
    assert named <= set(packed.namelist())
    assert {"predict.py", "requirements.txt", "labels.txt", "model.keras"} <= named


@pytest.fixture
def program(packed, tmp_path) -> Path:
    path = tmp_path / "home" / "predict.py"
    path.parent.mkdir()
    path.write_bytes(packed.read("predict.py"))
    return path


def load_program(program: Path) -> dict:
    names = {"__name__": "predict", "__file__": str(program)}
    exec(compile(program.read_text(encoding="utf-8"), str(program), "exec"), names)
    return names


def run_program(program: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True, timeout=60)


def test_the_program_without_a_picture_says_how_it_is_used(program):
    done = run_program(program)
    assert done.returncode != 0
    assert "Name at least one picture" in done.stderr


def test_the_program_names_what_is_not_a_picture(program, tmp_path):
    (tmp_path / "notes.jpg").write_text("not a picture")
    done = run_program(program, str(tmp_path / "notes.jpg"))
    assert done.returncode != 0
    assert "this picture cannot be read" in done.stderr
    assert "notes.jpg" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_translation_can_break_the_program(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(takehome, "_", lambda message: 'it\'s a "word" of {braces}, $dollars and ñandú')
    with zipfile.ZipFile(takehome.package_zip(run_folder, tmp_path / "model.zip", "Jardín")) as packed:
        compile(packed.read("predict.py"), "predict.py", "exec")


@cache
def exotic_pictures() -> dict[str, bytes]:
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 256, (600, 400, 4), dtype=np.uint8)
    rgba = Image.fromarray(pixels)
    rgb = rgba.convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6
    made = {}

    def save(name: str, image: Image.Image, form: str, **options) -> None:
        file = io.BytesIO()
        image.save(file, form, **options)
        made[name] = file.getvalue()

    save("large jpeg", rgb.resize((2400, 1600)), "JPEG")
    save("turned jpeg", rgb, "JPEG", exif=turned)
    save("grey jpeg", rgb.convert("L"), "JPEG")
    save("cmyk jpeg", rgb.convert("CMYK"), "JPEG")
    save("png", rgb, "PNG")
    save("png with transparency", rgba, "PNG")
    save("grey png with transparency", rgba.convert("LA"), "PNG")
    save("palette", rgb.quantize(64), "PNG")
    save("palette with transparency", rgb.quantize(64), "PNG", transparency=3)
    save("tiff of floats", Image.fromarray(generator.random((40, 50), dtype=np.float32) * 255), "TIFF")
    save("32 bit", Image.fromarray(generator.integers(0, 65536, (40, 50)).astype(np.int32)), "TIFF")
    save("16 bit", Image.fromarray(generator.integers(0, 65536, (40, 50)).astype(np.uint16)), "PNG")
    save("black and white", rgb.convert("1"), "PNG")
    save("webp", rgba, "WEBP", lossless=True)
    save("gif", rgb, "GIF")
    save("tiff", rgb, "TIFF")
    save("bmp", rgb, "BMP")
    return made


@pytest.mark.parametrize("kind", exotic_pictures())
def test_the_program_reads_pictures_exactly_as_training_did(program, tmp_path, kind):
    path = tmp_path / "picture"
    path.write_bytes(exotic_pictures()[kind])
    np.testing.assert_array_equal(load_program(program)["decode"](path), decode(path, 48))
