"""The camera on the page of the pictures, with Chromium's own moving picture in place of a real one."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from core import dataset, projects
from core.ui.camera import LONGEST_SIDE
from core.workspace import Workspace
from scripts.chromium import FLAGS
from tests.browser.conftest import CHROMIUM

PAGE_MS = 30_000
CAMERA = ".st-key-camera"
WAITING = re.compile(r"Pictures waiting to be added: (\d+)")


@pytest.fixture
def project(server) -> str:
    return projects.create_project(Workspace(server.home), "Camera").id


@pytest.fixture
def uploads(server):
    """Tells which uploads the server holds that it did not hold before."""
    folder = Path(server.home) / "uploads"
    before = set(folder.glob("*"))
    return lambda: set(folder.glob("*")) - before


@pytest.fixture
def camera(page, project):
    """The camera of a new project's page, for a new class "bee", not yet turned on; no script error may happen."""
    errors: list[Exception] = []
    page.on("pageerror", lambda error: errors.append(error))
    yield open_camera(page, project)
    assert errors == []


def open_camera(page, project: str):
    page.goto(f"/images?project={project}")
    page.locator(".st-key-image_source").get_by_text("Camera", exact=True).click(timeout=PAGE_MS)
    camera = page.locator(CAMERA)
    expect(camera.locator(".camera")).to_be_visible(timeout=PAGE_MS)
    choose(page, "bee")
    return camera


def choose(page, label: str) -> None:
    field = page.locator(".st-key-camera_class input")
    field.fill(label)
    field.press("Enter")
    expect(page.locator(f"{CAMERA} .add")).to_contain_text(f"“{label}”")


def turn_on(camera) -> None:
    camera.get_by_role("button", name="Turn on the camera").click()
    expect(camera.locator(".hold")).to_be_enabled()


def hold_until(camera, taken: int) -> int:
    """Holds the button until so many pictures are taken, and returns how many there are."""
    camera.locator(".hold").hover()
    camera.page.mouse.down()
    wait_for_taken(camera, taken)
    camera.page.mouse.up()
    return waiting(camera)


def wait_for_taken(camera, taken: int) -> None:
    strip = camera.locator(".count")
    expect(strip).to_have_text(re.compile(rf"Taken: ([1-9]\d+|[{taken}-9]) "), timeout=PAGE_MS)


def waiting(camera) -> int:
    news = camera.get_by_role("status")
    expect(news).to_have_text(WAITING)
    taken = int(WAITING.search(news.text_content())[1])
    expect(camera.locator(".count")).to_have_text(f"Taken: {taken} · sent: {taken}")
    return taken


def test_pictures_of_a_held_button_arrive_in_the_class(camera, page, project, server, uploads):
    turn_on(camera)
    taken = hold_until(camera, 5)
    expect(camera.locator(".strip img")).to_have_count(min(8, taken))
    camera.get_by_role("button", name=f"Add {taken} to “bee”").click()
    expect(page.get_by_text(f"{taken} pictures were taken in.")).to_be_visible(timeout=PAGE_MS)
    assert list(dataset.images(Workspace(server.home), project)["label"]) == ["bee"] * taken
    assert uploads() == set()


def test_pictures_go_to_the_class_that_was_on_the_button(camera, page, project, server):
    turn_on(camera)
    taken = hold_until(camera, 1)
    held: list[Route] = []
    page.route("**/headstart/upload/*/finish", lambda route: held.append(route))
    with page.expect_request("**/headstart/upload/*/finish"):
        camera.locator(".add").click()
    page.locator(".st-key-camera_class").get_by_label("Clear value").click()
    expect(page.locator(".st-key-camera_class input")).to_have_value("")
    held[0].continue_()
    expect(page.get_by_role("button", name="All right")).to_be_visible(timeout=PAGE_MS)
    assert list(dataset.images(Workspace(server.home), project)["label"]) == ["bee"] * taken


def test_the_camera_is_still_chosen_for_the_next_class(camera, page):
    turn_on(camera)
    hold_until(camera, 1)
    camera.locator(".add").click()
    page.get_by_role("button", name="All right").click(timeout=PAGE_MS)
    expect(camera.get_by_role("button", name="Turn on the camera")).to_be_visible(timeout=PAGE_MS)


def test_pictures_wait_while_no_class_is_chosen(camera, page):
    turn_on(camera)
    taken = hold_until(camera, 2)
    page.locator(".st-key-camera_class").get_by_label("Clear value").click()
    expect(camera.get_by_role("button", name="Choose the class first")).to_be_disabled()
    choose(page, "wasp")
    expect(camera.get_by_role("button", name=f"Add {taken} to “wasp”")).to_be_enabled()


def test_the_preview_is_mirrored_and_the_file_is_not(page_before_red_and_blue, project):
    camera = open_camera(page_before_red_and_blue, project)
    turn_on(camera)
    assert camera.locator("video").evaluate("video => getComputedStyle(video).transform").startswith("matrix(-1")
    hold_until(camera, 1)
    with camera.page.expect_download() as download:
        camera.locator(".strip img").last.evaluate(
            "img => { const a = document.createElement('a'); a.href = img.src; a.download = 'x.jpg'; a.click(); }"
        )
    with Image.open(download.value.path()) as image:
        assert (image.format, max(image.size)) == ("JPEG", LONGEST_SIDE)
        width, height = image.size
        left, right = (image.getpixel((x, height // 2)) for x in (width // 4, 3 * width // 4))
    assert left[0] > 200 > 50 > left[2]
    assert right[2] > 200 > 50 > right[0]


@pytest.fixture
def page_before_red_and_blue(chromium, server, tmp_path):
    """A tab whose camera sees red on the left and blue on the right."""
    seen = Image.new("RGB", (1280, 960), "red")
    seen.paste("blue", (640, 0, 1280, 960))
    seen.save(tmp_path / "seen.jpg", quality=95)
    (tmp_path / "seen.mjpeg").write_bytes((tmp_path / "seen.jpg").read_bytes() * 2)
    film = f"--use-file-for-fake-video-capture={tmp_path / 'seen.mjpeg'}"
    with browser_with(chromium, *FLAGS, film) as browser:
        yield browser.new_context(base_url=server.url, locale="en-US").new_page()


@contextmanager
def browser_with(chromium, *flags: str):
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=flags)
    try:
        yield browser
    finally:
        browser.close()


def test_keyboard_takes_pictures_while_the_key_is_down(camera):
    turn_on(camera)
    expect(camera.locator(".hold")).to_be_focused()
    camera.page.keyboard.down("Space")
    wait_for_taken(camera, 3)
    camera.page.keyboard.up("Space")
    waiting(camera)
    expect(camera.locator(".hold")).to_have_text("Hold to take pictures")


def test_a_pointer_that_slides_away_keeps_recording(camera):
    turn_on(camera)
    camera.locator(".hold").hover()
    camera.page.mouse.down()
    camera.page.mouse.move(5, 5)
    wait_for_taken(camera, 4)
    camera.page.mouse.up()
    waiting(camera)


def test_discarded_pictures_are_gone(camera, page, uploads):
    turn_on(camera)
    hold_until(camera, 2)
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        camera.get_by_role("button", name="Discard").click()
    expect(camera.get_by_role("status")).to_have_text("Discarded. Nothing was added.")
    expect(camera.locator(".count")).to_have_text("Taken: 0 · sent: 0")
    expect(camera.locator(".strip img")).to_have_count(0)
    assert uploads() == set()


def test_a_lost_connection_loses_no_picture(camera, page):
    turn_on(camera)
    page.route("**/headstart/upload/*", lambda route: route.abort("connectionreset"))
    camera.locator(".hold").hover()
    page.mouse.down()
    expect(camera.get_by_text("The connection was lost.")).to_be_visible()
    wait_for_taken(camera, 3)
    page.mouse.up()
    count = camera.locator(".count")
    taken = re.fullmatch(r"Taken: (\d+) · sent: 0", count.text_content())[1]
    page.unroute_all()
    camera.get_by_role("button", name="Try again").click()
    expect(count).to_have_text(f"Taken: {taken} · sent: {taken}")
    expect(camera.get_by_text("The connection was lost.")).to_be_hidden()


def test_pictures_are_sent_anew_when_the_server_has_forgotten_them(camera, page, uploads):
    turn_on(camera)
    taken = hold_until(camera, 2)
    page.route("**/headstart/upload/*/finish", lambda route: route.fulfill(status=404, json={"error": "unknown"}))
    camera.locator(".add").click()
    expect(camera.get_by_text("Headstart was restarted meanwhile.")).to_be_visible()
    page.unroute_all()
    camera.get_by_role("button", name="Try again").click()
    expect(camera.locator(".count")).to_have_text(f"Taken: {taken} · sent: {taken}")
    assert len(uploads()) == 2
    camera.locator(".add").click()
    expect(page.get_by_text(f"{taken} pictures were taken in.")).to_be_visible(timeout=PAGE_MS)


def test_camera_goes_out_when_another_source_is_chosen(camera, page):
    turn_on(camera)
    track = camera.locator("video").evaluate_handle("video => video.srcObject.getTracks()[0]")
    page.get_by_text("A zip file", exact=True).click()
    expect(camera).to_have_count(0)
    page.wait_for_function("track => track.readyState === 'ended'", arg=track)


def test_camera_goes_out_when_the_page_is_out_of_sight(camera, page):
    turn_on(camera)
    track = camera.locator("video").evaluate_handle("video => video.srcObject.getTracks()[0]")
    page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    expect(camera.get_by_text("The camera was turned off because this page was out of sight.")).to_be_visible()
    assert track.evaluate("track => track.readyState") == "ended"


def test_browser_asks_before_pictures_are_lost(camera, page):
    turn_on(camera)
    hold_until(camera, 1)
    with page.expect_event("dialog", lambda dialog: dialog.type == "beforeunload") as asked:
        page.evaluate("() => void setTimeout(() => location.reload())")
    asked.value.dismiss()
    assert waiting(camera) >= 1


def test_refused_camera_is_told_with_the_next_step(page, chromium, server, project):
    flags = [flag for flag in FLAGS if "fake-ui" not in flag]
    with browser_with(chromium, *flags, "--use-fake-ui-for-media-stream=deny") as browser:
        refused = browser.new_context(base_url=server.url, locale="en-US").new_page()
        camera = open_camera(refused, project)
        camera.get_by_role("button", name="Turn on the camera").click()
        expect(camera.get_by_text("The browser does not let this page use the camera.")).to_be_visible()
        expect(camera.locator(".hold")).to_be_disabled()


def test_an_insecure_address_is_told_with_the_next_step(page, project):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    camera = open_camera(page, project)
    camera.get_by_role("button", name="Turn on the camera").click()
    expect(camera.get_by_text("Browsers open the camera only at an address that begins with https")).to_be_visible()


def test_camera_fits_a_phone_and_keeps_its_size(chromium, server, project):
    with chromium.new_context(
        base_url=server.url, viewport={"width": 390, "height": 844}, has_touch=True, locale="en-US"
    ) as context:
        page = context.new_page()
        camera = open_camera(page, project)
        before = camera.locator(".stage").bounding_box()
        turn_on(camera)
        after = camera.locator(".stage").bounding_box()
        assert (before["width"], before["height"]) == (after["width"], after["height"])
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        assert camera.locator(".hold").evaluate("button => getComputedStyle(button).touchAction") == "none"
