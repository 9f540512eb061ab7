import os
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from scripts.server import running_server

FOLDER = ".st-key-folder"
CHART = ".st-key-chart"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that shows our components and nothing else."""
    home = tmp_path_factory.mktemp("components") / "home"
    with running_server(home, "tests/browser/components_app.py") as server:
        (home / "model.keras").write_bytes(b"weights" * 10**6)
        yield server


@pytest.fixture
def page(page):
    """The components, drawn; no script error may happen while they are used."""
    errors: list[Error] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto("/")
    expect(page.get_by_text("The end")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Drop a folder here")).to_be_visible(timeout=30_000)
    yield page
    assert errors == []


@pytest.fixture
def pets(tmp_path):
    for label in ("cats", "dogs"):
        for number in range(70):
            file = tmp_path / "pets" / label / f"{number}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(os.urandom(2000))
    return tmp_path / "pets"


def test_chosen_folder_arrives_with_its_folders(page, pets, server):
    page.locator(f"{FOLDER} input[type=file]").set_input_files(pets)
    expect(page.get_by_text("Upload 1: [140, ['pets/cats/0.jpg', 'pets/cats/1.jpg'")).to_be_visible()
    expect(page.locator(FOLDER)).to_contain_text("Everything has arrived. Files: 140")
    assert list((server.home / "uploads").iterdir()) == []


def test_same_element_takes_the_next_folder(page, pets):
    for number in (1, 2):
        page.locator(f"{FOLDER} input[type=file]").set_input_files(pets)
        expect(page.get_by_text(f"Upload {number}: [140")).to_be_visible()
    expect(page.get_by_text("Upload 3")).to_have_count(0)


def test_zip_may_be_chosen_in_place_of_a_folder(page, tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files or a zip").click()
    chooser.value.set_files(tmp_path / "pets.zip")
    expect(page.get_by_text("Upload 1: [1, ['pets.zip'], [], '/")).to_be_visible()


def test_dropped_files_arrive(page, tmp_path):
    (tmp_path / "one.jpg").write_bytes(b"1")
    (tmp_path / "two.jpg").touch()
    _drop(page, tmp_path / "one.jpg", tmp_path / "two.jpg")
    expect(page.get_by_text("Upload 1: [2, ['one.jpg', 'two.jpg'], [], 'None']")).to_be_visible()


def test_dropped_folder_arrives_with_its_folders(page, tmp_path):
    for number in range(120):  # more than the browser hands out at once
        file = tmp_path / "pets" / "wild cats" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    _drop(page, tmp_path / "pets")
    expect(page.get_by_text("Upload 1: [120, ['pets/wild cats/0.jpg'")).to_be_visible()


def _drop(page, *paths: Path) -> None:
    zone = page.locator(f"{FOLDER} .zone")
    area = zone.bounding_box()
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        place = {"x": area["x"] + 40, "y": area["y"] + 40}
        devtools.send("Input.dispatchDragEvent", {"type": kind, "data": data} | place)
        if kind == "dragOver":
            expect(zone).to_contain_text("Let go to add these files")


def test_broken_upload_goes_on_at_the_failed_batch(page, pets):
    bodies: list[str] = []
    broken = [True]

    def answer(route):
        bodies.append(route.request.url.rsplit("/", 1)[1])
        if len(bodies) >= 3 and broken:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/headstart/upload/**", answer)
    page.locator(f"{FOLDER} input[type=file]").set_input_files(pets)
    failed = page.locator(FOLDER).get_by_role("alert")
    expect(failed).to_contain_text("The connection was lost after 128 of 140 files.")
    broken.clear()
    failed.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Upload 1: [140")).to_be_visible()
    assert len(bodies) == 5  # two batches, the third twice, and the end


def test_file_that_has_gone_is_left_out_by_name(page, pets):
    def answer(route):
        (pets / "cats" / "5.jpg").unlink(missing_ok=True)
        route.continue_()

    page.route("**/headstart/upload", answer)
    page.locator(f"{FOLDER} input[type=file]").set_input_files(pets)
    expect(page.get_by_text("Upload 1: [139")).to_contain_text("['pets/cats/5.jpg']")


def test_cancelled_upload_leaves_nothing(page, pets, server):
    # Batches are held on their way; only the request that cancels arrives.
    page.route("**/headstart/upload/*", lambda route: route.continue_() if route.request.method == "DELETE" else None)
    page.locator(f"{FOLDER} input[type=file]").set_input_files(pets)
    expect(page.locator(FOLDER).get_by_role("progressbar")).to_be_visible()
    expect(page.locator(FOLDER)).to_contain_text("0 of 140 files")
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.locator(FOLDER).get_by_role("button", name="Cancel").click()
    expect(page.locator(FOLDER)).to_contain_text("Cancelled. Nothing was added.")
    assert list((server.home / "uploads").iterdir()) == []
    expect(page.get_by_text("Upload 1")).to_have_count(0)


def test_refused_upload_says_what_to_do(page, pets):
    refusal = {"error": "disk_full"}
    page.route("**/headstart/upload", lambda route: route.fulfill(status=507, json=refusal))
    page.locator(f"{FOLDER} input[type=file]").set_input_files(pets)
    expect(page.locator(FOLDER).get_by_role("alert")).to_contain_text("Free some space")


def test_folder_input_works_with_the_keyboard(page):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").press("Enter")
    assert chooser.value.is_multiple()


def test_no_more_pictures_are_taken_than_may_wait(page):
    camera = page.locator(".st-key-camera")
    camera.get_by_role("button", name="Turn on the camera").click()
    hold = camera.locator(".hold")
    expect(hold).to_be_focused()
    page.keyboard.down("Space")
    limit = camera.get_by_text("5 pictures are as many as can wait.")
    expect(limit).to_be_visible(timeout=30_000)
    page.keyboard.up("Space")
    expect(camera.locator(".count")).to_have_text("Taken: 5 · sent: 5")
    hold.press("Space")
    expect(limit).to_be_visible()
    expect(camera.locator(".count")).to_have_text("Taken: 5 · sent: 5")


def test_chart_is_redrawn_in_place(page):
    chart = page.locator(f"{CHART} [data-points]")
    expect(chart).to_have_attribute("aria-label", "Loss of training and validation by epoch")
    page.evaluate(
        """() => {
            const box = document.querySelector(".headstart-live-chart");
            const seen = window.seen = {frames: 0, blank: 0, others: 0, moved: 0, faded: 0};
            const top = document.querySelector(".headstart-live-chart").getBoundingClientRect().height;
            const drawing = box.querySelector(".main-svg");
            const look = () => {
                const now = document.querySelector(".headstart-live-chart");
                seen.frames += 1;
                seen.others += now !== box || now.querySelector(".main-svg") !== drawing;
                seen.blank += !now.querySelector(".scatterlayer .trace path");
                seen.moved += now.getBoundingClientRect().height !== top;
                seen.faded += getComputedStyle(now.closest("[data-stale]")).opacity !== "1";
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    first = chart.evaluate("box => Number(box.dataset.updates)")
    page.wait_for_function(
        "first => Number(document.querySelector('.headstart-live-chart').dataset.updates) >= first + 20", arg=first
    )
    seen = page.evaluate("window.seen")
    assert seen["frames"] > 20
    assert (seen["blank"], seen["others"], seen["moved"], seen["faded"]) == (0, 0, 0, 0)
    assert int(chart.get_attribute("data-points")) >= 40


def test_zoom_is_kept_until_it_is_taken_back(page):
    box = page.locator(f"{CHART} .nsewdrag").first
    _wait_for_points(page, 20)
    expect(box).to_be_visible()
    area = box.bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.7, steps=5)
    page.mouse.up()
    zoomed = _ranges(page)
    points = int(page.locator(f"{CHART} [data-points]").get_attribute("data-points"))
    _wait_for_points(page, points + 20)
    assert _ranges(page) == zoomed
    page.locator(CHART).hover()
    page.locator(f"{CHART} .modebar-btn").first.click()
    page.wait_for_function(
        "zoomed => document.querySelector('.js-plotly-plot').layout.xaxis.range[1] > zoomed", arg=zoomed[1]
    )


def _wait_for_points(page, count: int) -> None:
    page.wait_for_function(
        "count => Number(document.querySelector('.headstart-live-chart')?.dataset.points) >= count", arg=count
    )


def _ranges(page) -> list[float]:
    return page.evaluate(
        "() => ['xaxis', 'yaxis'].flatMap(axis => document.querySelector('.js-plotly-plot')._fullLayout[axis].range)"
    )


def test_hover_survives_a_redraw(page):
    box = page.locator(f"{CHART} .nsewdrag").first
    _wait_for_points(page, 20)
    area = box.bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + area["height"] * 0.5, steps=3)
    expect(page.locator(f"{CHART} .hovertext").first).to_be_visible()
    points = int(page.locator(f"{CHART} [data-points]").get_attribute("data-points"))
    _wait_for_points(page, points + 8)
    expect(page.locator(f"{CHART} .hovertext").first).to_be_visible()


def test_chart_takes_the_colours_of_the_theme(chromium, server):
    colours = {}
    for scheme in ("light", "dark"):
        with chromium.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}) as context:
            page = context.new_page()
            page.goto(server.url)
            _wait_for_points(page, 2)
            text = "() => getComputedStyle(document.querySelector('.headstart-live-chart .xtitle')).fill"
            colours[scheme] = page.evaluate(text)
            widths = "() => [document.querySelector('.js-plotly-plot').clientWidth, document.body.clientWidth]"
            chart, window = page.evaluate(widths)
            assert chart < window
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert colours["light"] != colours["dark"]


def test_chart_that_has_left_the_page_comes_back(page):
    _wait_for_points(page, 2)
    page.get_by_text("Learn", exact=True).click()
    expect(page.locator(CHART)).to_have_count(0)
    page.get_by_text("Learn", exact=True).click()
    expect(page.locator(f"{CHART} .scatterlayer .trace").first).to_be_visible()


def test_large_file_is_downloaded_under_its_name(page, server):
    link = page.get_by_role("link", name="Download").get_attribute("href")
    with page.expect_download() as download:
        page.evaluate("link => { const a = document.createElement('a'); a.href = link; a.click(); }", link)
    assert download.value.suggested_filename == "bees and ants.keras"
    assert Path(download.value.path()).read_bytes() == (server.home / "model.keras").read_bytes()
