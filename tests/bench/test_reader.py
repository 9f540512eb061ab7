import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench import reader


def answer(**values):
    return ForwardMsg(**values)


def navigation(number):
    said = ForwardMsg()
    said.navigation.page_script_hash = number
    return said


def test_a_page_is_over_when_its_script_is():
    assert reader.is_end(answer(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
    assert not reader.is_end(answer(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN))
    assert not reader.is_end(navigation("one"))


def test_the_page_that_was_asked_for_is_accepted():
    reader.check_shown([navigation("one"), answer(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)], "one")


def test_another_page_is_refused():
    with pytest.raises(RuntimeError, match="another page"):
        reader.check_shown([navigation("two")], "one")


def test_a_page_that_never_came_is_refused():
    with pytest.raises(RuntimeError, match="another page"):
        reader.check_shown([answer(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)], "one")


def test_a_page_with_an_error_is_refused():
    said = ForwardMsg()
    said.delta.new_element.alert.body = "Something went wrong here"
    said.delta.new_element.alert.format = Alert.ERROR
    with pytest.raises(RuntimeError, match="Something went wrong here"):
        reader.check_shown([navigation("one"), said], "one")


def test_a_page_with_a_hint_is_accepted():
    said = ForwardMsg()
    said.delta.new_element.alert.format = Alert.INFO
    reader.check_shown([navigation("one"), said], "one")


def test_a_page_with_an_exception_is_refused():
    said = ForwardMsg()
    said.delta.new_element.exception.message = "KeyError"
    with pytest.raises(RuntimeError, match="KeyError"):
        reader.check_shown([navigation("one"), said], "one")


def test_a_script_that_cannot_be_read_is_refused():
    with pytest.raises(RuntimeError, match="cannot be read"):
        reader.check_shown([answer(script_finished=ForwardMsg.FINISHED_WITH_COMPILE_ERROR)], "one")
