"""Two people at one server, each in a browser of their own, and a sign-in service that knows them both."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core import intake, projects
from core.projects import Project
from core.runs import Run
from core.ui.routes import DOWNLOAD_URL, THUMBNAIL_URL
from core.ui.way_back import COOKIE
from core.workspace import Workspace
from scripts.server import Server, running_server
from tests.identity import sign_in_service
from tests.pages.conftest import LABELS, FakeWorker

STEPS = ("images", "model", "train", "learned", "try_it", "take_home")


@pytest.fixture(scope="module")
def service():
    with sign_in_service() as service:
        yield service


@pytest.fixture(scope="module")
def server(service, tmp_path_factory) -> Iterator[Server]:
    """The app as it is shared: reachable by other machines, and with sign-in."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "secrets.toml").write_text(service.settings, encoding="utf-8")
    options = [f"--secrets.files={folder / 'secrets.toml'}", "--server.address=0.0.0.0"]
    with running_server(folder / "home", options=options) as server:
        yield server


@contextmanager
def browser_of(chromium, server, service, who: str) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=server.url, locale="en-US", viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "who", "value": who, "url": service.url}])
    yield context
    context.close()


@pytest.fixture
def ana(chromium, server, service) -> Iterator[BrowserContext]:
    with browser_of(chromium, server, service, "ana") as context:
        sign_in(context.new_page())
        yield context


@pytest.fixture
def bo(chromium, server, service) -> Iterator[BrowserContext]:
    with browser_of(chromium, server, service, "bo") as context:
        sign_in(context.new_page())
        yield context


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def make_project(page: Page, name: str) -> str:
    page.goto("/")
    page.get_by_role("button", name="New project").click()
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_role("heading", name="Images", level=1)).to_be_visible()
    return parse_qs(urlsplit(page.url).query)["project"][0]


@pytest.fixture
def trained(ana, server, picture_folder) -> Run:
    """A finished run in a project that Ana made."""
    workspace = Workspace(server.home)
    project = projects.open_project(workspace, make_project(ana.pages[0], "Ana's bees"))
    for label, folder in zip(LABELS, sorted(picture_folder().iterdir()), strict=True):
        intake.take_files(workspace, project.id, label, [(file.name, file) for file in folder.iterdir()])
    with queue_held(workspace, project):
        worker = FakeWorker(workspace, project)
        worker.begin(1, 0.0)
        worker.finish()
    return worker.run


@contextmanager
def queue_held(workspace: Workspace, project: Project) -> Iterator[None]:
    """Keeps the server from starting what waits: a run of this process has the only slot."""
    me = psutil.Process()
    with workspace.database() as database:
        database.execute(
            "INSERT INTO runs (id, project_id, name, created, state, pid, process_created) "
            "VALUES ('holder', ?, 'holder', 0, 'running', ?, ?)",
            (project.id, me.pid, me.create_time()),
        )
    yield
    with workspace.database() as database:
        database.execute("DELETE FROM runs WHERE id = 'holder'")


def said(page: Page, address: str, *, last: str) -> str:
    """What a page says, of which this link comes last, without the ids that its address repeats."""
    page.goto(address)
    main = page.locator("[data-testid=stMain]")
    expect(main.get_by_role("link", name=last)).to_be_visible()
    return re.sub(r"\b[0-9a-f]{8}\b", "ID", main.inner_text())


def test_somebody_signed_out_finds_a_way_in_and_nothing_else(chromium, server, service, trained):
    with browser_of(chromium, server, service, "ana") as context:
        page = context.new_page()
        for step in ("", *STEPS):
            page.goto(f"/{step}?project={trained.project_id}&run={trained.id}")
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            assert "Ana" not in page.locator("body").inner_text()
            expect(page.locator("[data-testid=stMain]").get_by_role("button")).to_have_count(1)
            expect(page.locator("[data-testid=stSidebar]")).to_have_count(0)


def test_signing_in_leads_to_the_page_whose_address_was_opened(chromium, server, service, trained):
    with browser_of(chromium, server, service, "ana") as context:
        page = context.new_page()
        address = f"/learned?project={trained.project_id}&run={trained.id}&lang=es"
        page.goto(address)
        page.get_by_role("button", name="Iniciar sesión").click()
        expect(page.get_by_role("heading", name="Lo que aprendió", level=1)).to_be_visible()
        assert page.url == server.url + address
        assert not [cookie for cookie in context.cookies() if cookie["name"] == COOKIE]


def test_each_finds_their_own_projects_alone(ana, bo, trained):
    make_project(bo.pages[0], "Bo's cups")
    for context, own, others in ((ana, "Ana's bees", "Bo's cups"), (bo, "Bo's cups", "Ana's bees")):
        page = context.pages[0]
        page.goto("/")
        expect(page.get_by_role("heading", name=own).first).to_be_visible()
        expect(page.get_by_role("heading", name=others)).to_have_count(0)


def test_address_of_anothers_project_or_run_answers_as_if_there_were_none(bo, trained):
    page = bo.pages[0]
    own = make_project(page, "Bo's cups")
    for step in STEPS:
        theirs = said(page, f"/{step}?project={trained.project_id}&run={trained.id}", last="To the projects")
        assert theirs == said(page, f"/{step}?project=0badcafe&run=0badcafe", last="To the projects")
        assert "No project is open" in theirs
    theirs = said(page, f"/train?project={own}&run={trained.id}", last="Bring in pictures")
    assert theirs == said(page, f"/train?project={own}&run=0badcafe", last="Bring in pictures")
    assert "There is no run" in theirs


def test_address_of_anothers_picture_or_download_answers_as_if_there_were_none(
    chromium, server, service, ana, bo, trained
):
    page = ana.pages[0]
    page.goto(f"/images?project={trained.project_id}")
    picture = page.locator(".picture-grid .tile img[src]").first.get_attribute("src")
    page.goto(f"/take_home?project={trained.project_id}&run={trained.id}")
    download = page.get_by_role("link", name="Download model.keras").get_attribute("href")
    assert picture.startswith(THUMBNAIL_URL) and DOWNLOAD_URL in download
    nothing = re.sub(r"[\w-]{43}", "0" * 43, picture), re.sub(r"[\w-]{43}", "0" * 43, download)
    with browser_of(chromium, server, service, "ana") as signed_out:
        for address, unknown in zip((picture, download), nothing, strict=True):
            assert ana.request.get(address).status == 200
            for other in (bo, signed_out):
                answers = [other.request.get(one) for one in (address, unknown)]
                assert [answer.status for answer in answers] == [404, 404]
                assert answers[0].body() == answers[1].body()
                assert answers[0].headers.keys() == answers[1].headers.keys()


def test_pictures_of_results_are_in_the_page_and_have_no_address(ana, trained):
    page = ana.pages[0]
    page.goto(f"/learned?project={trained.project_id}&run={trained.id}")
    expect(page.locator("[data-testid=stImage] img").first).to_have_attribute("src", re.compile("^data:image/jpeg"))


def test_name_of_somebody_is_text_and_signing_out_ends_it(ana, trained):
    page = ana.pages[0]
    page.goto(f"/images?project={trained.project_id}")
    picture = page.locator(".picture-grid .tile img[src]").first.get_attribute("src")
    expect(page.get_by_text("Signed in as")).to_have_text(
        re.compile(r"^Signed in as Ana <b>\*Pérez\*</b> :\W?smile:\W?$")
    )
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("/")  # by way of the sign-in service; the cookie is gone then
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert ana.request.get(picture).status == 404
    page.goto(f"/images?project={trained.project_id}")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_folders_of_the_server_are_not_offered(ana):
    make_project(ana.pages[0], "Somewhere")
    expect(ana.pages[0].get_by_text("Upload a folder")).to_be_visible()
    expect(ana.pages[0].get_by_text("Type where a folder is")).to_have_count(0)


def test_server_for_other_machines_does_not_start_without_sign_in(tmp_path):
    alone = running_server(tmp_path / "home", options=["--server.address=0.0.0.0", "--secrets.files=none.toml"])
    with pytest.raises(RuntimeError, match="without asking who they are") as refused, alone:
        pass
    assert "Traceback" not in str(refused.value)
    assert not (tmp_path / "home" / "headstart.db").exists()
