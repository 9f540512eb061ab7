"""A real server and a real browser for the tests of this folder; without a browser they are skipped, loudly."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from scripts.chromium import FLAGS, find_chromium
from scripts.server import ROOT, running_server

HERE = Path(__file__).parent
PAGE_MS, USUAL_MS = 30_000, 5_000
RESULTS = ROOT / "test-results"
LOUD = "BROWSER TESTS SKIPPED: there is no Chromium. Install one, or set CHROMIUM to its program, and run again."
REPORT = pytest.StashKey[pytest.TestReport]()
CHROMIUM = find_chromium()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CHROMIUM is None and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=LOUD))


def pytest_terminal_summary(terminalreporter) -> None:
    if CHROMIUM is None:
        terminalreporter.write_line(LOUD, red=True, bold=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The app on a free port with an empty workspace: `url`, `home`, `process`."""
    with running_server(tmp_path_factory.mktemp("server") / "home") as server:
        yield server


# One browser a module: Playwright's loop must not outlive it, or tests that run asyncio would meet it.
@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """A busy machine lets a page wait for more than Playwright's usual five seconds."""
    expect.set_options(timeout=PAGE_MS)
    yield
    expect.set_options(timeout=USUAL_MS)


@pytest.fixture
def page(chromium, server, request):
    """An empty tab in English, 1280×900; addresses may begin with `/`. A failure leaves a picture of it behind."""
    context = chromium.new_context(
        base_url=server.url, viewport={"width": 1280, "height": 900}, locale="en-US", accept_downloads=True
    )
    page = context.new_page()
    yield page
    report = request.node.stash.get(REPORT, None)
    if report is not None and report.failed:
        name = re.sub(r"[^\w-]+", "-", request.node.name)
        page.screenshot(path=RESULTS / f"{name}.png", full_page=True)
    context.close()
