import pytest

from bench import reruns
from bench.reader import Rerun


def drawn(*seconds):
    pages = ("model", "train")
    return [Rerun(pages[number % 2], one, 80) for number, one in enumerate(seconds)]


def test_the_ratio_is_that_of_the_slow_pages():
    idle = drawn(*[0.1] * 90, *[0.2] * 10)
    training = drawn(*[0.1] * 90, *[0.4] * 10)
    row = reruns.row(idle, training)
    assert (row["ratio"], row["met"]) == (2.0, False)
    assert row["idle_ms"]["all"] == {"median": 100.0, "percentile_95": 200.0, "elements": 80.0}
    assert row["num_reruns"] == 100
    assert reruns.row(idle, idle)["met"]


def test_each_page_has_its_own_figures():
    times = reruns.milliseconds(drawn(0.1, 0.3, 0.1, 0.3))
    assert (times["model"]["median"], times["train"]["median"]) == (100.0, 300.0)


def test_a_wait_ends_with_its_reason(monkeypatch):
    monkeypatch.setattr(reruns, "LIMIT_SECONDS", 0)
    with pytest.raises(TimeoutError, match="not calm"):
        reruns.wait_until(lambda: False, "not calm")
    reruns.wait_until(lambda: True, "not calm")


def test_the_run_of_the_benchmark_keeps_computing():
    config = reruns.endless(("one", "two"))
    assert (config.epochs, config.patience, config.views, config.augmentation) == (1000, 0, 0, "strong")
