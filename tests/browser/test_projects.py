"""Projects by the keyboard alone, as somebody types who expects Enter to do what the button does."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from core import projects
from core.workspace import Workspace
from tests import parcels

PAGE_MS = 30_000


def test_enter_makes_a_project_and_renames_it(page):
    page.goto("/")
    page.get_by_role("button", name="New project").click(timeout=PAGE_MS)
    name = page.get_by_role("textbox", name="Name")
    name.fill("Garden leaves")
    name.press("Enter")
    expect(page.get_by_role("heading", name="Images", level=1)).to_be_visible(timeout=PAGE_MS)
    expect(page.get_by_text("Step 2 of 7 · Garden leaves")).to_be_visible()
    project = parse_qs(urlsplit(page.url).query)["project"][0]
    page.goto("/")
    page.locator(f".st-key-rename_project_{project}").get_by_role("button").click(timeout=PAGE_MS)
    other = page.get_by_role("textbox", name="Name")
    expect(other).to_have_value("Garden leaves", timeout=PAGE_MS)
    other.fill("Garden flowers")
    other.press("Enter")
    expect(page.get_by_role("heading", name="Garden flowers")).to_be_visible(timeout=PAGE_MS)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_enter_in_an_empty_field_asks_for_a_name(page):
    page.goto("/")
    page.get_by_role("button", name="New project").click(timeout=PAGE_MS)
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_role("dialog").get_by_text("A project needs a name")).to_be_visible(timeout=PAGE_MS)


def test_deleted_project_is_brought_back(page, server):
    project = projects.create_project(Workspace(server.home), "Garden birds")
    page.goto("/")
    page.locator(f".st-key-delete_project_{project.id}").get_by_role("button").click(timeout=PAGE_MS)
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=PAGE_MS)
    expect(page.get_by_role("heading", name="Garden birds")).to_have_count(0)
    page.get_by_text("1 deleted project").click()
    page.locator(f".st-key-recover_project_{project.id}").get_by_role("button").click()
    expect(page.get_by_role("heading", name="Garden birds")).to_be_visible(timeout=PAGE_MS)


def test_project_goes_out_as_a_file_and_comes_in_again(page, server, tmp_path):
    workspace = Workspace(server.home)
    project_id = parcels.make_project(workspace, tmp_path / "pictures")
    parcels.make_run(workspace, project_id)
    page.goto("/")
    page.locator(f".st-key-save_project_{project_id}").get_by_role("button").click(timeout=PAGE_MS)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download (").click(timeout=PAGE_MS)
    assert downloading.value.suggested_filename.endswith("-project.zip")
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    page.get_by_role("button", name="Bring a saved project").click()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("dialog").get_by_role("button", name="Choose the file").click(timeout=PAGE_MS)
    choosing.value.set_files(file)
    expect(page.get_by_text("is here: 18 pictures, 1 run.")).to_be_visible(timeout=PAGE_MS)
    (one, other) = [project.id for project in projects.list_projects(workspace) if "Colours" in project.name]
    assert {one, other} > {project_id}
    page.get_by_role("button", name="Open").first.click()
    expect(page.get_by_role("heading", name="Images", level=1)).to_be_visible(timeout=PAGE_MS)
    assert project_id not in page.url
