"""Somebody who opens pages of the app and reads what they say."""

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from core import text
from core.projects import Project
from core.ui import state
from core.ui.navigation import STEPS
from core.workspace import Workspace

MAIN = Path(__file__).parents[2] / "pages" / "main.py"


def open_page(name: str, **parameters: str) -> AppTest:
    """Opens the app and goes to a page, with these parameters in the address."""
    app = _run(AppTest.from_file(str(MAIN), default_timeout=20), parameters)
    return app if name == "projects" else _run(app.switch_page(f"{name}.py"), parameters)


def go_through(**parameters: str) -> Iterator[tuple[str, AppTest]]:
    """Opens one page of the journey after the other, and gives the name and what is there."""
    app = _run(AppTest.from_file(str(MAIN), default_timeout=20), parameters)
    for name in STEPS:
        app = _run(app.switch_page(f"{name}.py"), parameters)
        assert app.title
        yield name, app


def _run(app: AppTest, parameters: dict[str, str]) -> AppTest:
    for parameter, value in parameters.items():
        app.query_params[parameter] = value
    # AppTest formats the options of a choice outside of the script, where there is no reader to ask.
    language = parameters.get(state.LANGUAGE_PARAMETER, text.DEFAULT_LANGUAGE)
    with patch.object(state, "DEFAULT_LANGUAGE", language):
        app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    """Everything that the page says, for a look whether something is among it."""
    parts = [
        element.value
        for kind in ("title", "header", "markdown", "caption", "info", "warning", "error", "success")
        for element in getattr(app, kind)
    ]
    parts += [f"{metric.label} {metric.value}" for metric in app.metric]
    return "\n".join(map(str, parts))


def saved_draft(workspace: Workspace, project: Project) -> dict:
    return json.loads((workspace.project_folder(project.id) / "draft.json").read_text(encoding="utf-8"))


def parameter(app: AppTest, name: str) -> str:
    """A parameter of the address, which AppTest gives as text once a page has set it and as a list before."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]
