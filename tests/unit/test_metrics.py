"""core.metrics: what the predictions table says about a model."""

import math

import pandas as pd
import pytest

from core import metrics

LABELS = ["ant", "bee", "wasp"]


def make_predictions(pairs: list[tuple[str, str]], split: str = "validation") -> pd.DataFrame:
    """A predictions table of (true, predicted) pairs whose confidences rise from picture to picture."""
    count = len(pairs)
    return pd.DataFrame(
        {
            "path": [f"projects/p/images/{index}.jpg" for index in range(count)],
            "name": [f"{true}/{index}.jpg" for index, (true, _) in enumerate(pairs)],
            "split": pd.Series([split] * count, dtype="str"),
            "label": pd.Series([true for true, _ in pairs], dtype="str"),
            "predicted": pd.Series([predicted for _, predicted in pairs], dtype="str"),
            "confidence": [0.4 + 0.5 * index / max(count, 1) for index in range(count)],
            "probabilities": [[0.2, 0.3, 0.5]] * count,
        }
    )


PAIRS = [("ant", "ant"), ("ant", "bee"), ("ant", "ant"), ("bee", "bee"), ("bee", "ant"), ("bee", "bee")]


def test_only_the_split_asked_for_is_read(tmp_path):
    both = pd.concat([make_predictions(PAIRS), make_predictions([("bee", "ant")], "test")])
    both.to_parquet(tmp_path / "predictions.parquet", index=False)
    assert len(metrics.read_predictions(tmp_path)) == 6
    assert metrics.read_predictions(tmp_path, "test")["label"].tolist() == ["bee"]


def test_what_was_read_can_be_scored(tmp_path):
    make_predictions(PAIRS).to_parquet(tmp_path / "predictions.parquet", index=False)
    predictions = metrics.read_predictions(tmp_path)
    assert metrics.confusion(predictions, LABELS).to_numpy().sum() == 6
    assert len(metrics.class_scores(predictions, LABELS)) == 3


def test_a_run_without_predictions_says_what_to_do(tmp_path):
    with pytest.raises(metrics.NoResultsYetError, match="Wait until the run has finished"):
        metrics.read_predictions(tmp_path)


def test_accuracy_is_the_share_of_right_answers():
    assert metrics.accuracy(make_predictions(PAIRS)) == pytest.approx(4 / 6)


def test_accuracy_of_nothing_is_not_a_number():
    assert math.isnan(metrics.accuracy(make_predictions([])))


def test_interval_equals_the_published_formula():
    # 22 of 30 right: the values of statsmodels' proportion_confint(22, 30, method="wilson").
    predictions = make_predictions([("ant", "ant")] * 22 + [("ant", "bee")] * 8)
    low, high = metrics.accuracy_interval(predictions)
    assert low == pytest.approx(0.5555, abs=1e-4)
    assert high == pytest.approx(0.8582, abs=1e-4)


def test_interval_stays_within_zero_and_one_and_never_shrinks_to_a_point():
    all_right = metrics.accuracy_interval(make_predictions([("ant", "ant")] * 5))
    all_wrong = metrics.accuracy_interval(make_predictions([("ant", "bee")] * 5))
    assert 0 < all_right[0] < all_right[1] == 1
    assert 0 == all_wrong[0] < all_wrong[1] < 1


def test_more_pictures_make_the_interval_narrower():
    few = metrics.accuracy_interval(make_predictions(PAIRS))
    many = metrics.accuracy_interval(make_predictions(PAIRS * 20))
    assert many[1] - many[0] < (few[1] - few[0]) / 3


def test_interval_of_nothing_says_nothing():
    assert metrics.accuracy_interval(make_predictions([])) == (0, 1)


def answers(num_ants: int, num_bees: int, num_right: int) -> pd.DataFrame:
    """A table of ants and bees of which the first so many were named rightly."""
    labels = ["ant"] * num_ants + ["bee"] * num_bees
    other = {"ant": "bee", "bee": "ant"}
    said = [label if place < num_right else other[label] for place, label in enumerate(labels)]
    return make_predictions(list(zip(labels, said, strict=True)))


def test_the_best_guess_is_the_largest_class():
    assert metrics.best_guess(answers(3, 9, 0)) == ("bee", 0.75)


@pytest.mark.parametrize(
    ("num_ants", "num_bees", "num_right"),
    [
        (10, 10, 0),
        (10, 10, 10),
        (10, 10, 14),  # 70 %, and with 20 pictures probably 48 to 85 %
        (2, 1, 3),  # all right, of too few
        (90, 10, 90),
        (90, 10, 94),
        (500, 500, 520),
    ],
)
def test_what_cannot_be_told_from_guessing_is_known(num_ants, num_bees, num_right):
    assert metrics.is_like_guessing(answers(num_ants, num_bees, num_right))


@pytest.mark.parametrize(
    ("num_ants", "num_bees", "num_right"), [(2, 2, 4), (10, 10, 15), (90, 10, 97), (500, 500, 540), (3, 3, 6)]
)
def test_what_is_clearly_better_than_guessing_raises_no_alarm(num_ants, num_bees, num_right):
    assert not metrics.is_like_guessing(answers(num_ants, num_bees, num_right))


def test_guessing_among_many_classes_is_right_less_often():
    pairs = [(label, label) for label in LABELS] * 6 + [("ant", "bee"), ("bee", "ant"), ("wasp", "ant")] * 4
    assert not metrics.is_like_guessing(make_predictions(pairs))  # 60 % of 30 pictures, where a guess has 33


def test_without_predictions_nothing_is_said_of_guessing():
    assert not metrics.is_like_guessing(make_predictions([]))


def test_confusion_has_true_classes_in_rows():
    matrix = metrics.confusion(make_predictions([("ant", "bee"), ("ant", "bee"), ("bee", "bee")]), LABELS)
    assert matrix.loc["ant", "bee"] == 2
    assert matrix.loc["bee", "ant"] == 0
    assert matrix.index.tolist() == matrix.columns.tolist() == LABELS


def test_confusion_of_nothing_is_all_zero():
    assert metrics.confusion(make_predictions([]), LABELS).to_numpy().tolist() == [[0] * 3] * 3


def test_scores_per_class():
    scores = metrics.class_scores(make_predictions([*PAIRS, ("ant", "bee")]), LABELS).set_index("label")
    assert scores.loc["ant", "images"] == 4
    assert scores.loc["ant", "precision"] == pytest.approx(2 / 3)
    assert scores.loc["ant", "recall"] == pytest.approx(2 / 4)
    assert scores.loc["ant", "f1"] == pytest.approx(4 / 7)


def test_a_class_never_seen_nor_predicted_has_no_scores_rather_than_zero():
    wasp = metrics.class_scores(make_predictions(PAIRS), LABELS).set_index("label").loc["wasp"]
    assert wasp["images"] == 0
    assert wasp[["precision", "recall", "f1"]].isna().all()


def test_scores_of_nothing_are_empty():
    scores = metrics.class_scores(make_predictions([]), LABELS)
    assert scores["images"].tolist() == [0, 0, 0]
    assert scores["recall"].isna().all()


def test_mistakes_come_most_confident_first():
    mistakes = metrics.worst_mistakes(make_predictions(PAIRS), 10)
    assert mistakes.columns.tolist() == ["name", "label", "predicted", "confidence", "path"]
    assert mistakes["name"].tolist() == ["bee/4.jpg", "ant/1.jpg"]


def test_no_more_mistakes_than_asked_for():
    assert len(metrics.worst_mistakes(make_predictions(PAIRS), 1)) == 1


def test_equally_confident_mistakes_come_by_name():
    predictions = make_predictions([("bee", "ant"), ("ant", "bee")]).assign(confidence=0.5)
    assert metrics.worst_mistakes(predictions, 2)["name"].tolist() == ["ant/1.jpg", "bee/0.jpg"]


def test_a_perfect_model_has_no_mistakes():
    assert metrics.worst_mistakes(make_predictions([("ant", "ant")]), 5).empty
