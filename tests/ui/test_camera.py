import re

import pytest
from streamlit.testing.v1 import AppTest

from core.ui import camera, scripts

SCRIPT = scripts.joined("burst.js", "camera.js")
WORDS = camera._working_words() | camera._problem_words() | camera._error_words()


def _page() -> None:
    import streamlit as st

    from core.ui.camera import camera
    from core.ui.tokens import issue_token

    st.text(str(camera(key="camera", token=issue_token("p1"), label="bee")))


def test_nothing_is_returned_before_anything_was_added():
    page = AppTest.from_function(_page).run(timeout=20)
    assert not page.exception
    assert [text.value for text in page.text] == ["None"]


def test_the_script_finds_every_word_that_it_asks_for():
    asked = set(re.findall(r"words\.(\w+)", SCRIPT)) | set(re.findall(r'this\.(?:say|restart)\("(\w+)"[,)]', SCRIPT))
    reasons = set(re.findall(r'(?:pause|tell)\("(\w+)"\)', SCRIPT)) | set(re.findall(r'Error: "(\w+)"', SCRIPT))
    asked |= {f"problem_{reason}" for reason in reasons}
    assert asked <= WORDS.keys()
    assert {"hold", "holding"} <= set(re.findall(r'"(\w+)"', SCRIPT))
    assert {"taken", "count", "problem_insecure", "problem_refused", "problem_hidden"} <= asked


@pytest.mark.parametrize("word", [name for name in WORDS if name.startswith("problem_")])
def test_the_script_names_every_problem_that_has_a_sentence(word):
    assert f'"{word.removeprefix("problem_")}"' in SCRIPT
