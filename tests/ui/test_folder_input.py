import re

import pytest
from streamlit.testing.v1 import AppTest

from core.ui import folder_input, scripts


def _page() -> None:
    import streamlit as st

    from core.ui.folder_input import folder_input
    from core.ui.tokens import issue_token

    st.text(str(folder_input(key="folder", token=issue_token("p1"))))
    st.text(str(issue_token("p1") == issue_token("p1")))


def test_nothing_is_returned_before_anything_was_sent():
    page = AppTest.from_function(_page).run(timeout=20)
    assert not page.exception
    assert [text.value for text in page.text] == ["None", "True"]


@pytest.mark.parametrize("kind", ["folder", "files"])
def test_the_script_finds_every_word_that_it_asks_for(kind):
    script = scripts.joined("folder_input.js")
    asked = set(re.findall(r"words\.(\w+)", script)) | set(re.findall(r'this\.(?:say|end)\("(\w+)"[,)]', script))
    known = folder_input._words(kind).keys() | {"hint"}
    assert asked <= known
    assert {"title", "cancelled", "numbers"} <= asked
