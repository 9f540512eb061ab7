"""A picture seen large: the dialog that our components share, and what is told of a picture in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core import dataset
from core.finding import Finding
from core.text import _, number
from core.workspace import Workspace

HTML = """
<dialog class="large" tabindex="-1">
  <figure>
    <img alt="">
    <figcaption aria-live="polite">
      <b class="name"></b> <span class="facts"></span>
      <ul class="findings"></ul>
    </figcaption>
  </figure>
  <button type="button" class="before"></button>
  <button type="button" class="after"></button>
  <button type="button" class="close"></button>
</dialog>
"""


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        id: In the table of images.
        name: As its owner called it.
        file: Of its thumbnail, below the project's folder.
        large: Of its working copy, likewise.
        facts: What is told of it beside the large picture, in the reader's language.
        findings: What is worth a look about it, likewise.
    """

    id: int
    name: str
    file: str
    large: str
    facts: str
    findings: list[str]


def pictures(
    workspace: Workspace, project_id: str, table: pd.DataFrame, findings: Sequence[Finding]
) -> dict[int, Picture]:
    """Gathers what is shown of pictures; once for all of a page, since a finding may be about a hundred thousand.

    Args:
        workspace: Where they are.
        project_id: Whose they are.
        table: They alone, columns as those of `dataset.images`.
        findings: What is worth a look in the project.

    Returns:
        Each by its id, in the order of the table.
    """
    folder = workspace.project_folder(project_id)
    told = _told(findings, set(table["id"]))
    return {
        row.id: Picture(
            row.id,
            row.name,
            dataset.thumbnail_path(workspace, row).relative_to(folder).as_posix(),
            (workspace.home / row.path).relative_to(folder).as_posix(),
            f"{row.label} · {_size(row)}",
            told.get(row.id, []),
        )
        for row in table.itertuples(index=False)
    }


def _size(row: Any) -> str:
    return _("{width} × {height} pixels", width=number(row.width), height=number(row.height))


def _told(findings: Sequence[Finding], ids: set[int]) -> dict[int, list[str]]:
    """Gathers what was found about each of some pictures, in the reader's language."""
    told: dict[int, list[str]] = {}
    for finding in findings:
        if sentence := finding.of_one():
            for image_id in ids.intersection(finding.ids):
                told.setdefault(image_id, []).append(sentence)
    return told


def words() -> dict[str, str]:
    """The words of the dialog, and of the button that opens it."""
    return {
        "open": _("Show large"),
        "before": _("The picture before"),
        "after": _("The next picture"),
        "close": _("Close"),
    }
