"""core.predict: pictures to probabilities, without TensorFlow. `tests/data/make_colour_model.py` made the model."""

import io
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import Phase, RunConfig
from core.errors import AppError
from core.predict import MAX_MODELS, NoModelYetError, _model, predict

DATA = Path(__file__).parents[1] / "data"
RED, GREEN, BLUE = (220, 20, 20), (20, 220, 20), (20, 20, 220)


def make_run(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = RunConfig(
        backbone="residual10", image_size=32, labels=("red", "green", "blue"), phases=(Phase(1, 0.001, 0),)
    )
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    shutil.copy(DATA / "colour.tflite", folder / "model.tflite")
    return folder


@pytest.fixture
def run_folder(tmp_path) -> Path:
    return make_run(tmp_path / "run")


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def expected(colour: tuple[int, int, int]) -> np.ndarray:
    scores = np.exp(10 * np.array(colour) / 255)
    return scores / scores.sum()


def test_pixels_from_0_to_255_go_in_and_the_known_probabilities_come_out(run_folder):
    answers = predict(run_folder, [picture(RED), picture(BLUE)])
    assert answers.dtype == np.float32
    # float32 arithmetic over a mean of 1,024 pixels
    np.testing.assert_allclose(answers, [expected(RED), expected(BLUE)], atol=1e-5)


def test_a_file_its_bytes_and_an_open_file_are_answered_alike(run_folder, tmp_path):
    path = tmp_path / "green.png"
    path.write_bytes(picture(GREEN))
    answers = predict(run_folder, [path, path.read_bytes(), io.BytesIO(path.read_bytes())])
    assert answers.argmax(axis=1).tolist() == [1, 1, 1]
    assert np.ptp(answers, axis=0).max() == 0


def test_no_pictures_get_no_answers(run_folder):
    assert predict(run_folder, []).shape == (0, 3)


def test_a_run_without_a_model_says_what_to_do(run_folder):
    (run_folder / "model.tflite").unlink()
    with pytest.raises(NoModelYetError, match="Wait until the run has finished"):
        predict(run_folder, [picture(RED)])


def test_what_is_not_a_picture_is_the_users_to_put_right(run_folder):
    with pytest.raises(AppError):
        predict(run_folder, [b"this is not a picture"])


def test_the_second_question_finds_the_model_loaded(run_folder):
    _model.cache_clear()
    for _ in range(3):
        predict(run_folder, [picture(RED)])
    assert _model.cache_info().misses == 1


def test_a_model_written_anew_is_read_anew(run_folder):
    predict(run_folder, [picture(RED)])
    beside = run_folder / "writing.tflite"
    shutil.copyfile(DATA / "colour.tflite", beside)
    beside.replace(run_folder / "model.tflite")
    before = _model.cache_info().misses
    predict(run_folder, [picture(RED)])
    assert _model.cache_info().misses == before + 1


def test_no_more_than_a_few_models_stay_in_memory(tmp_path):
    for index in range(MAX_MODELS + 2):
        predict(make_run(tmp_path / str(index)), [picture(RED)])
    assert _model.cache_info().currsize == MAX_MODELS


def test_visitors_at_the_same_time_get_their_own_answers(run_folder):
    colours = [RED, GREEN, BLUE] * 20
    with ThreadPoolExecutor(6) as visitors:
        answers = list(visitors.map(lambda colour: predict(run_folder, [picture(colour)])[0], colours))
    assert [answer.argmax() for answer in answers] == [0, 1, 2] * 20


def test_predicting_leaves_tensorflow_out_of_the_process(run_folder, tmp_path):
    path = tmp_path / "red.png"
    path.write_bytes(picture(RED))
    program = (
        "import sys; from pathlib import Path; from core.predict import predict\n"
        f"assert predict(Path({str(run_folder)!r}), [Path({str(path)!r})]).argmax() == 0\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'streamlit'}))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
