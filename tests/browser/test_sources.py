"""Bringing in the files of one class in a real browser, where what is typed counts only once the field is left."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import dataset, intake, projects
from core.projects import Project
from core.workspace import Workspace


@pytest.fixture
def project(server, page) -> Project:
    """One without pictures, whose page asks for the files of one class."""
    made = projects.create_project(Workspace(server.home), "Classes")
    page.goto(f"/images?project={made.id}")
    page.get_by_text("Files of one class", exact=True).click()
    expect(page.get_by_label("Name of the class")).to_be_visible()
    return made


@pytest.fixture
def files(picture_folder) -> list[Path]:
    return sorted(picture_folder(classes=1, each=3).rglob("*.*"))


def choose(page: Page, files: list[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose pictures").click()
    chooser.value.set_files(files)


def labels(server, project: Project) -> list[str]:
    return dataset.images(Workspace(server.home), project.id)["label"].to_list()


def ground(page: Page, name: str) -> str:
    """The colour behind the words of a button."""
    return page.get_by_role("button", name=name).evaluate("button => getComputedStyle(button).backgroundColor")


@pytest.mark.parametrize("source", ["Upload a folder", "Camera"])
def test_one_button_at_most_stands_out(page, server, picture_folder, source):
    made = projects.create_project(Workspace(server.home), "Standing out")
    word = "Turn on the camera" if source == "Camera" else "Choose a folder"
    page.goto(f"/images?project={made.id}")
    page.get_by_text(source, exact=True).click()
    expect(page.get_by_role("button", name=word)).to_be_visible()
    standing_out = ground(page, word)
    intake.take_folder(Workspace(server.home), made.id, picture_folder(classes=2, each=4))
    page.reload()
    expect(page.locator(".picture-grid .tile")).to_have_count(8)
    page.get_by_text("Bring in pictures", exact=True).click()
    page.get_by_text(source, exact=True).click()
    expect(page.get_by_role("button", name=word)).to_be_visible()
    assert ground(page, "Next: choose a model") == standing_out
    assert ground(page, word) != standing_out


def test_a_name_is_typed_and_files_are_chosen_without_enter(page, server, project, files):
    page.get_by_label("Name of the class").fill("bee")
    choose(page, files)
    expect(page.get_by_text("3 pictures were taken in.")).to_be_visible()
    assert labels(server, project) == ["bee"] * 3


def test_a_name_is_typed_and_files_are_dropped_without_enter(page, server, project, files):
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    page.get_by_label("Name of the class").fill("bee")
    # A drop moves no focus out of the field by itself, and real files cannot be dragged by a script.
    page.locator(".zone").evaluate(
        """async (zone) => {
            const canvas = new OffscreenCanvas(60, 40);
            canvas.getContext("2d").fillRect(9, 9, 20, 20);
            const dropped = new DataTransfer();
            dropped.items.add(new File([await canvas.convertToBlob()], "one.png", { type: "image/png" }));
            zone.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_text("1 picture was taken in.")).to_be_visible()
    assert labels(server, project) == ["bee"]


def test_files_are_chosen_first_and_the_panel_is_open_for_the_next_class(page, server, project, files):
    choose(page, files)
    expect(page.get_by_text("3 files have arrived. Type the name of their class above.")).to_be_visible()
    page.get_by_label("Name of the class").fill("bee")
    page.get_by_role("button", name="Add these pictures").click()
    expect(page.get_by_text("3 pictures were taken in.")).to_be_visible()
    assert labels(server, project) == ["bee"] * 3
    page.get_by_role("button", name="All right").click()
    expect(page.get_by_label("Name of the class")).to_be_visible()
    expect(page.get_by_label("Name of the class")).to_have_value("")
