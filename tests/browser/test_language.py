"""The language switch in a real browser, which remembers more than the server does."""

import pytest
from playwright.sync_api import Locator, Page, expect

from core import intake, projects
from core.samples import draw
from core.workspace import Workspace
from tests.pages.conftest import LABELS, FakeWorker

PAGE_MS = 30_000
SAME_IN_BOTH = ("Adam",)


@pytest.fixture(scope="module")
def place(server, tmp_path_factory) -> dict[str, str]:
    """A project with pictures and two finished runs, as parts of an address."""
    workspace, folder = Workspace(server.home), tmp_path_factory.mktemp("language")
    project = projects.create_project(workspace, "Two languages")
    for label, shape in zip(LABELS, ("circle", "square"), strict=True):
        files = [(f"{number}.png", folder / f"{shape}-{number}.png") for number in range(6)]
        for number, (_name, file) in enumerate(files):
            draw(shape, number).save(file)
        intake.take_files(workspace, project.id, label, files)
    workers = [FakeWorker(workspace, project) for _run in range(2)]
    for worker in workers:
        worker.begin(1, 0.0)
        worker.finish()
    return {"project": f"project={project.id}", "run": f"run={workers[0].run.id}"}


def show(page: Page, address: str, *, own_settings: bool) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PAGE_MS)
    if own_settings:
        page.locator(".st-key-preset_own button").click()
        expect(page.locator(".st-key-setting_epochs")).to_be_visible(timeout=PAGE_MS)
    settled(page)


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PAGE_MS)


def select_boxes(page: Page) -> Locator:
    return page.get_by_test_id("stSelectbox").locator("input")


@pytest.mark.parametrize(
    ("step", "with_run"), [("model", False), ("train", False), ("learned", True), ("try_it", True), ("take_home", True)]
)
def test_no_choice_stays_in_the_language_of_before(page, place, step, with_run):
    address = f"/{step}?{place['project']}&lang=en" + (f"&{place['run']}" if with_run else "")
    show(page, address, own_settings=step == "train")
    boxes = select_boxes(page)
    expect(boxes.first).to_be_visible(timeout=PAGE_MS)
    before = [box.input_value() for box in boxes.all()]
    page.get_by_text("Español", exact=True).click()
    expect(page.get_by_text("Paso", exact=False).first).to_be_visible(timeout=PAGE_MS)
    expect(boxes).to_have_count(len(before))
    for index, value in enumerate(before):
        if value not in SAME_IN_BOTH:
            expect(boxes.nth(index)).not_to_have_value(value)


def test_what_was_chosen_stays_chosen_in_the_other_language(page, place):
    show(page, f"/train?{place['project']}&lang=en", own_settings=True)
    optimizer = page.locator("[class*=st-key-setting_optimizer] input")
    optimizer.press("ArrowDown")  # opens the list
    page.get_by_role("option", name="SGD with momentum").click()
    expect(optimizer).to_have_value("SGD with momentum")
    settled(page)
    page.get_by_text("Español", exact=True).click()
    expect(page.locator("[class*=st-key-setting_optimizer_es] input")).to_have_value("SGD con momento", timeout=PAGE_MS)


def test_what_streamlit_says_itself_is_in_the_readers_language(page):
    page.goto("/?lang=es")
    skip = page.get_by_test_id("stSkipToContent")
    expect(skip).to_have_text("Ir al contenido principal", timeout=PAGE_MS)
    page.goto("/nada?lang=es")
    expect(page.get_by_text("Headstart no tiene ninguna página «nada».")).to_be_visible(timeout=PAGE_MS)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Ir a los proyectos").click()
    expect(page.get_by_role("heading", name="Proyectos", level=1)).to_be_visible(timeout=PAGE_MS)
    page.get_by_text("English", exact=True).click()
    expect(skip).to_have_text("Skip to main content", timeout=PAGE_MS)


def test_address_that_names_the_projects_leads_to_them(page):
    page.goto("/projects")
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    expect(page.get_by_role("dialog")).to_have_count(0)
