"""The rail over every page: it leads to the steps that are possible, and looks the part of the others."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from core import intake, projects
from core.workspace import Workspace

PAGE_MS = 30_000


@pytest.fixture
def with_pictures(server, picture_folder) -> str:
    """A project that can be trained; returns its id."""
    workspace = Workspace(server.home)
    project = projects.create_project(workspace, "On the rail")
    intake.take_folder(workspace, project.id, picture_folder(classes=2, each=4))
    return project.id


def heading(page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible(timeout=PAGE_MS)


def test_a_click_leads_there_and_keeps_the_project(page, with_pictures):
    page.goto(f"/images?project={with_pictures}")
    heading(page, "Images")
    rail = page.locator(".st-key-rail")
    expect(rail.get_by_role("button", name="Images")).to_have_attribute("aria-current", "step", timeout=PAGE_MS)
    rail.get_by_role("button", name="Model: comes next").click()
    heading(page, "Model")
    rail.get_by_role("button", name="Images: done").click()
    heading(page, "Images")
    assert parse_qs(urlsplit(page.url).query)["project"] == [with_pictures]


def test_what_has_to_wait_cannot_be_clicked(page, with_pictures):
    page.goto(f"/images?project={with_pictures}")
    heading(page, "Images")
    expect(page.locator(".st-key-rail").get_by_role("button", name="Take it home")).to_be_disabled(timeout=PAGE_MS)


def test_a_narrow_screen_has_room_for_all_marks(page, with_pictures):
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"/images?project={with_pictures}")
    heading(page, "Images")
    marks = page.locator(".st-key-rail .dot")
    expect(marks).to_have_count(7, timeout=PAGE_MS)
    edges = [box["x"] + box["width"] for box in (mark.bounding_box() for mark in marks.all())]
    assert max(edges) <= 360
    names = page.locator(".st-key-rail .name")
    expect(names.first).to_be_hidden()
    expect(names.filter(has_text="Images")).to_be_visible()
