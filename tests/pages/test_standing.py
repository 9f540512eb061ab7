"""The rail and the steps at the side: what is done, what comes next, what has to wait; never more than is true."""

import json

import pytest

from core import curation, runs
from core.ui import standing
from core.ui.standing import RESULTS
from core.ui.state import Key, Standing
from tests.pages.conftest import LABELS
from tests.pages.reader import open_page, texts

ALL = ("projects", "images", "model", "train", *RESULTS)


def marks(app) -> dict[str, str]:
    """How the rail shows each step."""
    rail = next(one.proto for one in app.get("bidi_component") if one.proto.component_name.endswith("rail"))
    return {mark["name"]: mark["kind"] for mark in json.loads(rail.json)["marks"]}


def kinds(text: str) -> dict[str, str]:
    return dict(zip(ALL, text.split(), strict=True))


def test_without_a_project_everything_else_waits(workspace):
    assert marks(open_page("projects")) == kinds("here later later later later later later")


def test_a_new_project_needs_pictures_next(project):
    app = open_page("model", project=project.id, lang="en")
    assert marks(app) == kinds("done next here later later later later")
    assert "next: Images" in texts(app)


def test_pictures_of_a_single_class_are_not_done(workspace, filled):
    curation.remove_class(workspace, filled.id, LABELS[0])
    assert marks(open_page("images", project=filled.id)) == kinds("done here later later later later later")


def test_a_model_is_chosen_when_somebody_agreed_to_it(filled):
    assert marks(open_page("images", project=filled.id)) == kinds("done here next open later later later")
    app = open_page("model", project=filled.id)
    assert marks(app) == kinds("done done here next later later later")
    app.button(key=Key.NEXT).click().run()
    assert marks(app) == kinds("done done done here later later later")
    assert marks(open_page("images", project=filled.id)) == kinds("done here done next later later later")


def test_a_run_that_goes_on_is_not_done(filled, worker, own_process):
    worker.begin(*own_process)
    assert marks(open_page("model", project=filled.id)) == kinds("done done here next later later later")


def test_a_failed_run_leaves_training_to_be_done(filled, worker):
    worker.begin(1, 0.0)
    worker.fail()
    assert marks(open_page("images", project=filled.id)) == kinds("done here done next later later later")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train", "done done done here next open open"),
        ("learned", "done done done done here next open"),
        ("take_home", "done done done done open open here"),
    ],
)
def test_results_can_be_looked_at_and_are_never_done(filled, finished, name, expected):
    assert marks(open_page(name, project=filled.id, run=finished.id)) == kinds(expected)


def test_after_the_last_step_nothing_is_said_to_come_next(filled, finished):
    assert "next:" not in texts(open_page("take_home", project=filled.id, run=finished.id, lang="en"))


def test_what_is_still_to_be_done_comes_before_what_follows():
    steps = dict.fromkeys(ALL, Standing(is_done=True, is_possible=True))
    steps |= dict.fromkeys(RESULTS, Standing(is_possible=True))
    assert standing.next_step(steps, "learned") == "try_it"
    steps["images"] = Standing(is_possible=True)
    assert standing.next_step(steps, "learned") == "images"


def test_the_side_tells_the_accuracy_of_the_run_in_the_address(workspace, filled, worker, finished):
    """A newer run that did worse must not stand beside the results of an older one."""
    newer = runs.create_run(workspace, filled.id, "newer", runs.read_config(finished), worker.table)
    for file in ("model.keras", "predictions.parquet"):
        (newer.folder / file).write_bytes((finished.folder / file).read_bytes())
    (newer.folder / "events.jsonl").write_text(
        (finished.folder / "events.jsonl").read_text().replace('"val_accuracy": 0.75', '"val_accuracy": 0.25')
    )
    runs.record_state(workspace, newer.id, runs.State.FINISHED)

    def side(**place) -> str:
        app = open_page("learned", project=filled.id, lang="en", **place)
        return next(link.proto.label for link in app.get("page_link") if "What it learned" in link.proto.label)

    assert "75%" in side(run=finished.id)
    assert "25%" in side(run=newer.id)
    assert "75%" in side()  # that of the best one, which the page itself would show
