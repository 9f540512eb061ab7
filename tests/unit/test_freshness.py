import pandas as pd
import pytest

from core import projects, runs
from core.config import Phase, RunConfig
from core.freshness import Changes, as_now, changes_since, fingerprint, is_fresh

CONFIG = RunConfig(backbone="residual10", image_size=112, labels=("ant", "bee"), phases=(Phase(3, 1e-3, 41),))
SEVEN = pd.DataFrame(
    {
        "path": [f"{number}.jpg" for number in range(7)],
        "label": ["ant", "ant", "ant", "bee", "bee", "wasp", "wasp"],
        "split": "train",
    }
)


@pytest.fixture
def run_of_seven(workspace):
    project = projects.create_project(workspace, "Insects")
    return runs.create_run(workspace, project.id, "first", CONFIG, SEVEN)


def relabelled(**labels):
    """The seven images with other labels, `relabelled(_0="bee")` for the first."""
    return SEVEN.assign(label=[labels.get(f"_{row}", label) for row, label in enumerate(SEVEN["label"])])


NEW = pd.DataFrame({"path": ["7.jpg", "8.jpg"], "label": ["ant", "fly"]})


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (SEVEN, Changes()),
        (SEVEN.sample(frac=1, random_state=1), Changes()),
        (pd.concat([SEVEN, NEW]), Changes(added=2)),
        (SEVEN[2:], Changes(removed=2)),
        (SEVEN[SEVEN["label"] != "wasp"], Changes(removed=2)),
        (relabelled(_0="bee", _6="ant"), Changes(moved=2)),
        (relabelled(_5="hornet", _6="hornet"), Changes(renamed=1)),
        (relabelled(_5="hornet"), Changes(moved=1)),
        (relabelled(_5="bee", _6="bee"), Changes(moved=2)),
        (relabelled(_3="insect", _4="insect", _5="insect", _6="insect"), Changes(moved=4)),
        (relabelled(_3="wasp", _4="wasp", _5="bee", _6="bee"), Changes(moved=4)),
        (pd.concat([relabelled(_0="bee")[:6], NEW]), Changes(added=2, moved=1, removed=1)),
    ],
)
def test_what_happened_to_the_images_since_a_run_began_is_counted(run_of_seven, now, expected):
    assert changes_since(run_of_seven, now) == expected
    assert is_fresh(run_of_seven, fingerprint(now)) == (expected == Changes())


def test_run_whose_folder_is_gone_is_not_fresh(run_of_seven):
    (run_of_seven.folder / "images.parquet").unlink()
    assert not is_fresh(run_of_seven, fingerprint(SEVEN))


def test_pictures_of_a_run_are_found_again_with_the_class_that_they_have_now_unless_they_are_not_in_use():
    table = relabelled(_3="wasp").assign(id=range(10, 17)).drop(index=0)
    told = SEVEN.iloc[[3, 0, 1]].assign(predicted="wasp")
    now = as_now(told, table)
    assert now["path"].to_list() == ["3.jpg", "0.jpg", "1.jpg"]
    assert now[["id", "label", "label_now"]].iloc[[0, 2]].to_numpy().tolist() == [
        [13, "bee", "wasp"],
        [11, "ant", "ant"],
    ]
    assert now[["id", "label_now"]].iloc[1].isna().all()
