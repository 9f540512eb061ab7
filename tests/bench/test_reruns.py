import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench import reruns
from bench.reruns import Rerun


def answer(**values):
    return ForwardMsg(**values)


def navigation(number):
    said = ForwardMsg()
    said.navigation.page_script_hash = number
    return said


def drawn(*seconds):
    pages = ("model", "train")
    return [Rerun(pages[number % 2], one, 80) for number, one in enumerate(seconds)]


def test_a_page_is_over_when_its_script_is():
    assert reruns.is_end(answer(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
    assert not reruns.is_end(answer(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN))
    assert not reruns.is_end(navigation("one"))


def test_the_page_that_was_asked_for_is_accepted():
    reruns.check_shown([navigation("one"), answer(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)], "one")


def test_another_page_is_refused():
    with pytest.raises(RuntimeError, match="another page"):
        reruns.check_shown([navigation("two")], "one")


def test_a_page_that_never_came_is_refused():
    with pytest.raises(RuntimeError, match="another page"):
        reruns.check_shown([answer(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)], "one")


def test_a_page_with_an_error_is_refused():
    said = ForwardMsg()
    said.delta.new_element.alert.body = "Something went wrong here"
    said.delta.new_element.alert.format = Alert.ERROR
    with pytest.raises(RuntimeError, match="Something went wrong here"):
        reruns.check_shown([navigation("one"), said], "one")


def test_a_page_with_a_hint_is_accepted():
    said = ForwardMsg()
    said.delta.new_element.alert.format = Alert.INFO
    reruns.check_shown([navigation("one"), said], "one")


def test_a_page_with_an_exception_is_refused():
    said = ForwardMsg()
    said.delta.new_element.exception.message = "KeyError"
    with pytest.raises(RuntimeError, match="KeyError"):
        reruns.check_shown([navigation("one"), said], "one")


def test_a_script_that_cannot_be_read_is_refused():
    with pytest.raises(RuntimeError, match="cannot be read"):
        reruns.check_shown([answer(script_finished=ForwardMsg.FINISHED_WITH_COMPILE_ERROR)], "one")


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
