import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from core import curation, events, runs
from core.ui import routes, sharing
from core.ui.state import Key
from tests.pages.conftest import LABELS, FakeWorker
from tests.pages.reader import open_page, parameter, texts

TFLITE = Path(__file__).parents[1] / "data" / "colour.tflite"


def test_accuracy_comes_with_its_counts_and_its_range(filled, finished):
    said = texts(open_page("learned", project=filled.id, run=finished.id, lang="en"))
    assert "Accuracy 75.0%" in said
    assert "Right 3 of 4" in said
    assert "Probable range 30% to 95%" in said


@pytest.mark.parametrize("name", ["train", "learned"])
def test_a_run_that_is_no_better_than_guessing_says_so_and_what_to_try(filled, worker, finished, name):
    worker.answer(num_right=11, num_wrong=9)
    app = open_page(name, project=filled.id, run=finished.id, lang="en")
    (warning,) = [one.value for one in app.warning if "cannot be told from guessing" in one.value]
    assert "as far as 20 pictures can tell" in warning
    assert "would be right for 50% of them" in warning
    said = texts(app)
    assert "More pictures of each class" in said and "Fewer frozen stages" in said and "Another network" in said
    assert [one.value for one in app.success] == []
    links = {
        link.proto.page for link in app.get("page_link") if link.proto.label in ("Bring in pictures", "Train again")
    }
    assert links == {"images", "train"}


@pytest.mark.parametrize("name", ["train", "learned"])
def test_a_run_that_is_clearly_better_than_guessing_raises_no_alarm(filled, worker, finished, name):
    worker.answer(num_right=16, num_wrong=4)
    app = open_page(name, project=filled.id, run=finished.id, lang="en")
    assert "guessing" not in texts(app)
    assert len(app.success) == (name == "train")


def test_where_nothing_was_frozen_nothing_less_is_advised(filled, worker, finished):
    worker.answer(num_right=11, num_wrong=9)
    worker.say(
        events.PhaseBegun(
            phase=1, first_epoch=1, frozen_layers=0, trainable_parameters=514, non_trainable_parameters=10
        )
    )
    said = texts(open_page("learned", project=filled.id, run=finished.id, lang="en"))
    assert "More pictures of each class" in said
    assert "Fewer frozen stages" not in said


def test_the_mistake_is_told_in_words(filled, finished):
    said = texts(open_page("learned", project=filled.id, run=finished.id, lang="en"))
    assert "said **" in said
    assert "with 93%" in said


def names(app) -> dict[str, str]:
    """The captions that name files, with what is told where one points at them."""
    return {one.value: one.proto.help for one in app.caption if ".png" in one.value.replace("\\", "")}


def test_mistakes_are_named_by_their_files(filled, finished):
    file = finished.folder / "predictions.parquet"
    table = pd.read_parquet(file)
    wrong = table["label"] != table["predicted"]
    table.loc[wrong, "name"] = "holiday *2026*/a very long walk in the woods.png"
    table.to_parquet(file, index=False)
    (name, whole), *others = names(open_page("learned", project=filled.id, run=finished.id, lang="en")).items()
    assert others == []
    assert name.replace("\\", "") == "a very lo… woods.png"
    assert whole.replace("\\", "") == "holiday *2026*/a very long walk in the woods.png"


def test_a_short_file_name_needs_no_second_look(filled, finished):
    ((name, whole),) = names(open_page("learned", project=filled.id, run=finished.id, lang="en")).items()
    assert name.replace("\\", "").startswith("picture ")
    assert whole == ""


def test_the_best_run_is_shown_where_the_address_names_none_and_is_called_so(workspace, filled, finished):
    worse = FakeWorker(workspace, filled)
    worse.begin(1, 0.0)
    worse.finish(accuracy=0.6)
    for name in ("learned", "try_it", "take_home"):
        app = open_page(name, project=filled.id, lang="en")
        assert parameter(app, "run") == finished.id
        (choice,) = (box for box in app.selectbox if box.label == "Run")
        assert choice.options == ["First *try* · finished", "First *try* · finished · best so far"]
    (choice,) = open_page("learned", project=filled.id, run=worse.run.id, lang="en").selectbox
    assert choice.value == worse.run.id
    assert choice.options[1].endswith("best so far")


def test_a_run_of_other_pictures_is_not_called_the_best(workspace, filled, finished):
    curation.move_images(workspace, filled.id, [1], LABELS[1])
    newer = FakeWorker(workspace, filled)
    newer.begin(1, 0.0)
    newer.finish(accuracy=0.6)
    app = open_page("learned", project=filled.id, lang="en")
    assert parameter(app, "run") == newer.run.id
    (choice,) = app.selectbox
    assert choice.options == ["First *try* · finished · best so far", "First *try* · finished"]


def test_the_card_of_a_project_tells_the_accuracy_of_its_best_run(workspace, filled, finished):
    worse = FakeWorker(workspace, filled)
    worse.begin(1, 0.0)
    worse.finish(accuracy=0.6)
    assert "75.0% right" in texts(open_page("projects", lang="en"))


def test_several_runs_can_be_chosen_and_the_address_follows(workspace, filled, worker, finished):
    config, table = runs.read_config(finished), worker.table
    second = runs.create_run(workspace, filled.id, "second", config, table)
    for file in ("model.keras", "predictions.parquet", "events.jsonl"):
        shutil.copy(finished.folder / file, second.folder / file)
    runs.record_state(workspace, second.id, runs.State.FINISHED)
    app = open_page("learned", project=filled.id, run=finished.id)
    app.selectbox(key=f"{Key.RUN}_en").set_value(second.id).run()
    assert parameter(app, "run") == second.id
    assert not app.exception


@pytest.fixture
def telling_colours(finished):
    """The finished run with a real small model in it, which tells red, green and blue."""
    shutil.copy(TFLITE, finished.folder / "model.tflite")
    config = replace(runs.read_config(finished), labels=("red", "green", "blue"), image_size=32)
    (finished.folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    return finished


def test_dropped_pictures_are_answered_with_probabilities(filled, telling_colours, tmp_path):
    Image.new("RGB", (50, 40), (0, 255, 0)).save(tmp_path / "meadow.png")
    app = open_page("try_it", project=filled.id, run=telling_colours.id, lang="en")
    app.file_uploader(key=Key.TRY_FILES).upload("meadow.png", (tmp_path / "meadow.png").read_bytes()).run()
    assert not app.exception
    assert not app.error
    assert "### green" in texts(app)
    assert " ms" in texts(app)
    assert list(names(app)) == ["meadow\\.png"]


@pytest.mark.parametrize(("colour", "is_sure"), [((0, 255, 0), True), ((128, 128, 0), False)])
def test_an_answer_that_is_hardly_one_is_told_as_such(filled, telling_colours, tmp_path, colour, is_sure):
    Image.new("RGB", (40, 40), colour).save(tmp_path / "one.png")
    app = open_page("try_it", project=filled.id, run=telling_colours.id, lang="en")
    app.file_uploader(key=Key.TRY_FILES).upload("one.png", (tmp_path / "one.png").read_bytes()).run()
    assert ("It is not sure: it could as well be" in texts(app)) is not is_sure


def test_shares_of_the_classes_are_whole_percentages(filled, finished):
    app = open_page("learned", project=filled.id, run=finished.id, lang="en")
    shares = app.dataframe[0].value[["precision", "recall"]]
    assert shares.to_numpy().max() == 100
    columns = json.loads(app.dataframe[0].proto.columns)
    assert columns["recall"]["type_config"]["format"] == "%.0f%%"


def test_a_file_that_is_no_picture_is_told_in_a_sentence(filled, telling_colours):
    app = open_page("try_it", project=filled.id, run=telling_colours.id)
    app.file_uploader(key=Key.TRY_FILES).upload("broken.jpg", b"not a picture").run()
    assert len(app.error) == 1
    assert not app.exception


def test_a_broken_picture_is_named_and_the_others_are_answered(filled, telling_colours, tmp_path):
    Image.new("RGB", (50, 40), (0, 255, 0)).save(tmp_path / "meadow.png")
    app = open_page("try_it", project=filled.id, run=telling_colours.id, lang="en")
    files = [
        ("broken.jpg", b"not a picture", "image/jpeg"),
        ("meadow.png", (tmp_path / "meadow.png").read_bytes(), "image/png"),
    ]
    app.file_uploader(key=Key.TRY_FILES).set_value(files).run()
    assert "broken" in app.error[0].value
    assert "### green" in texts(app)


def test_the_page_says_when_keras_answers_instead(filled, worker):
    worker.begin(1, 0.0)
    worker.finish(agrees=False)
    app = open_page("try_it", project=filled.id, run=worker.run.id, lang="en")
    assert "Keras itself answers" in app.warning[0].value


def test_what_is_taken_home_is_offered_with_its_size(filled, finished):
    (finished.folder / "model.keras").write_bytes(b"x" * 2_500_000)
    app = open_page("take_home", project=filled.id, run=finished.id, lang="en")
    links = [element.proto for element in app.get("link_button")]
    assert any("2.5 MB" in link.label for link in links)
    assert all(link.url.startswith("/headstart/download/") for link in links)
    assert len(links) == 2
    names = {known.file_name for known in routes._downloads.values() if known.path.is_relative_to(finished.folder)}
    assert names == {"First-try-model.zip", "First-try-model.keras"}


def test_the_commands_for_each_system_wrap_where_they_are_too_long(filled, finished):
    app = open_page("take_home", project=filled.id, run=finished.id, lang="en")
    assert [code.value for code in app.code] == [
        "py -m venv .venv",
        ".venv\\Scripts\\pip install -r requirements.txt",
        ".venv\\Scripts\\python predict.py picture.jpg",
        "python3 -m venv .venv",
        ".venv/bin/pip install -r requirements.txt",
        ".venv/bin/python predict.py picture.jpg",
    ]
    assert all(code.proto.wrap_lines for code in app.code)


def test_the_zip_is_packed_anew_where_the_model_changed(filled, finished):
    open_page("take_home", project=filled.id, run=finished.id, lang="en")
    (finished.folder / "model.keras").write_bytes(b"another model")
    open_page("take_home", project=filled.id, run=finished.id, lang="en")
    with zipfile.ZipFile(finished.folder / "exports" / "headstart-model-en.zip") as packed:
        assert packed.read("model.keras") == b"another model"


@pytest.mark.parametrize("is_shared", [False, True])
def test_where_pictures_go_is_told_as_it_is(filled, telling_colours, monkeypatch, is_shared):
    monkeypatch.setattr(sharing, "is_shared", lambda: is_shared)
    app = open_page("try_it", project=filled.id, run=telling_colours.id, lang="en")
    app.segmented_control(key=Key.TRY_SOURCE).set_value("camera").run()
    assert "Browsers allow the camera only" in texts(app)
    assert ("Nothing leaves this machine" in texts(app)) is not is_shared
