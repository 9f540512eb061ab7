"""Putting pictures in order in a real browser: clicks on the pictures themselves, and what becomes of them."""

import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from core import dataset, intake, projects
from core.pictures import LONGEST_SIDE, THUMBNAIL_SIDE
from core.projects import Project
from core.ui.curating import PAGE_PICTURES
from core.workspace import Workspace

EACH = 6


@pytest.fixture
def project(server, picture_folder) -> Project:
    """Six pictures of each of two classes."""
    return filled(server, picture_folder(classes=2, each=EACH))


def filled(server, folder) -> Project:
    workspace = Workspace(server.home)
    made = projects.create_project(workspace, "Order")
    intake.take_folder(workspace, made.id, folder)
    return made


def open_images(page: Page, project: Project) -> None:
    page.goto(f"/images?project={project.id}")
    expect(page.get_by_role("heading", name="Your pictures")).to_be_visible()
    expect(tiles(page).first).to_be_visible()


def tiles(page: Page) -> Locator:
    return page.locator(".picture-grid .tile")


def tile(page: Page, name: str) -> Locator:
    return page.locator(".picture-grid").get_by_role("button", name=name, exact=True)


def expect_counts(page: Page, *texts: str) -> None:
    expect(page.locator(".picture-grid h4")).to_have_text(texts)


def expect_pressed(page: Page, *names: str) -> None:
    expect(page.locator(".picture-grid .tile[aria-pressed=true]")).to_have_count(len(names))
    for name in names:
        expect(tile(page, name)).to_have_attribute("aria-pressed", "true")


def expect_selected(page: Page, count: int) -> None:
    told = f"{count} selected" if count else "Click pictures to select them."
    expect(page.locator(".st-key-picture_bar")).to_contain_text(told)


def move_to(page: Page, label: str) -> None:
    choice = page.locator("[class*=st-key-move_to_] input")
    choice.fill(label)
    choice.press("Enter")
    page.locator(".st-key-move button").click()


def labels(server, project: Project) -> dict[str, int]:
    return dataset.images(Workspace(server.home), project.id)["label"].value_counts().to_dict()


def test_two_pictures_are_moved_to_another_class_and_moved_back(page, server, project):
    open_images(page, project)
    expect_counts(page, "class-1 6 pictures", "class-2 6 pictures")
    for name in ("class-1/2.png", "class-1/4.png"):
        tile(page, name).click()
    expect_pressed(page, "class-1/2.png", "class-1/4.png")
    expect_selected(page, 2)
    move_to(page, "class-2")
    expect_counts(page, "class-1 4 pictures", "class-2 8 pictures")
    expect_pressed(page)
    expect_selected(page, 0)
    assert labels(server, project) == {"class-1": 4, "class-2": 8}
    page.reload()
    page.get_by_role("button", name="Undo: 2 pictures moved to “class-2”").click()
    expect_counts(page, "class-1 6 pictures", "class-2 6 pictures")
    expect(page.get_by_role("button", name=re.compile("^Undo"))).to_have_count(0)
    assert labels(server, project) == {"class-1": 6, "class-2": 6}


def test_pictures_are_moved_to_a_class_that_is_new(page, server, project):
    open_images(page, project)
    tile(page, "class-2/1.png").click()
    expect_selected(page, 1)
    move_to(page, "wasps")
    expect_counts(page, "class-1 6 pictures", "class-2 5 pictures", "wasps 1 picture")


def test_a_row_of_pictures_is_set_aside_and_brought_back(page, server, project):
    open_images(page, project)
    tile(page, "class-1/2.png").click()
    tile(page, "class-1/5.png").click(modifiers=["Shift"])
    expect_pressed(page, *[f"class-1/{number}.png" for number in (2, 3, 4, 5)])
    expect_selected(page, 4)
    page.locator(".st-key-set_aside button").click()
    expect_counts(page, "class-1 2 pictures", "class-2 6 pictures")
    page.get_by_text("Set aside by you").click()
    expect_counts(page, "class-1 4 pictures")
    page.get_by_role("button", name="Select all on this page").click()
    expect_selected(page, 4)
    page.locator(".st-key-bring_back button").click()
    expect_counts(page, "class-1 6 pictures", "class-2 6 pictures")
    expect(page.get_by_text("Set aside by you")).to_have_count(0)


def tabs_to(page: Page, target: Locator) -> int:
    """Presses Tab until this has the focus; returns how often."""
    for count in range(1, 20):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return count
    raise AssertionError("the Tab key does not lead there")


def test_pictures_are_selected_with_the_keyboard(page, project):
    open_images(page, project)
    tile(page, "class-1/1.png").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect_pressed(page, "class-1/1.png", "class-1/2.png")
    page.keyboard.press("Space")
    expect_pressed(page, "class-1/1.png")
    page.keyboard.press("End")
    page.keyboard.press("Shift+Space")  # all from the last one on, as with a click
    expect_selected(page, 12)
    page.locator(".st-key-clear_selection button").click()
    expect_pressed(page)


def test_all_pictures_are_one_stop_of_the_tab_key(page, project):
    open_images(page, project)
    page.get_by_role("button", name="Select all on this page").focus()
    assert tabs_to(page, tile(page, "class-1/1.png")) == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    expect(page.locator(".picture-grid :focus")).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(tile(page, "class-1/3.png")).to_be_focused()


def test_arrows_lead_from_picture_to_picture(page, project):
    page.set_viewport_size({"width": 390, "height": 844})  # rows of few, so that a class has two of them
    open_images(page, project)
    columns = page.locator(".picture-grid .tiles").first.evaluate(
        "tiles => getComputedStyle(tiles).gridTemplateColumns.split(' ').length"
    )
    assert 2 <= columns < EACH
    tile(page, "class-1/2.png").focus()
    for key, name in {
        "ArrowUp": "class-1/2.png",  # there is none above
        "ArrowLeft": "class-1/1.png",
        "ArrowDown": f"class-1/{1 + columns}.png",
        "End": "class-2/6.png",
        "ArrowRight": "class-2/6.png",
        "Home": "class-1/1.png",
    }.items():
        page.keyboard.press(key)
        expect(tile(page, name)).to_be_focused()
    tile(page, "class-1/6.png").focus()
    page.keyboard.press("ArrowRight")
    expect(tile(page, "class-2/1.png")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".picture-grid .tile:focus")).to_have_attribute("title", re.compile("^class-1/"))


def test_a_picture_that_the_arrows_lead_to_is_not_behind_the_bar(page, server, picture_folder):
    page.set_viewport_size({"width": 390, "height": 700})
    open_images(page, filled(server, picture_folder(classes=1, each=PAGE_PICTURES)))
    tile(page, "class-1/1.png").focus()
    bar = page.locator(".st-key-picture_bar")
    for key in ["ArrowDown"] * 10 + ["ArrowUp"] * 5:
        page.keyboard.press(key)
        expect(page.locator(".picture-grid .tile:focus")).to_be_in_viewport(ratio=1)
        place, above = page.locator(".picture-grid .tile:focus").bounding_box(), bar.bounding_box()
        assert place["y"] >= above["y"] + above["height"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_pictures_stay_where_they_are_when_the_first_is_selected(page, project, width, language):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"/images?project={project.id}&lang={language}")
    first = tile(page, "class-1/1.png")
    bar = page.locator(".st-key-picture_bar")
    expect(first).to_be_visible()
    first.scroll_into_view_if_needed()
    before = (bar.bounding_box()["height"], first.bounding_box()["y"])
    first.click()
    expect(bar).to_contain_text(re.compile("^1 sel"))
    assert (bar.bounding_box()["height"], first.bounding_box()["y"]) == pytest.approx(before, abs=1)  # rounding


def test_thumbnails_come_from_the_disk_and_are_kept(page, project):
    answers = []
    page.on("response", lambda answer: answers.append(answer) if "/headstart/thumbnail/" in answer.url else None)
    open_images(page, project)
    page.wait_for_function(
        "[...document.querySelectorAll('.picture-grid .tile img')].every(image => image.naturalWidth > 40)"
    )
    assert len({answer.url for answer in answers}) == 2 * EACH
    assert {answer.status for answer in answers} == {200}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


def test_a_selection_goes_on_over_pages(page, server, picture_folder):
    each = PAGE_PICTURES // 2 + 5
    project = filled(server, picture_folder(classes=2, each=each))
    open_images(page, project)
    expect(tiles(page)).to_have_count(PAGE_PICTURES)
    tile(page, "class-1/1.png").click()
    page.locator("[class*=st-key-picture_page_]").get_by_role("button", name=re.compile(r"\b2$")).click()
    expect(tiles(page)).to_have_count(2 * each - PAGE_PICTURES)
    page.get_by_role("button", name="Select all on this page").click()
    expect_selected(page, 1 + 2 * each - PAGE_PICTURES)
    expect(page.locator(".st-key-picture_bar")).to_contain_text("1 of them on another page")
    page.locator(".st-key-set_aside button").click()
    expect(tiles(page)).to_have_count(PAGE_PICTURES - 1)
    assert labels(server, project) == {"class-1": each - 1, "class-2": PAGE_PICTURES - each}


def large(page: Page) -> Locator:
    return page.locator(".picture-grid dialog.large")


def expect_large(page: Page, name: str) -> None:
    expect(large(page).locator(".name")).to_have_text(name)
    expect(large(page).locator("img")).to_have_js_property("complete", True)
    assert large(page).locator("img").evaluate("image => image.naturalWidth") > 0


def test_a_picture_is_seen_large_by_keyboard_and_nothing_is_selected(page, project):
    open_images(page, project)
    tile(page, "class-1/5.png").focus()
    page.keyboard.press("Enter")
    expect_large(page, "class-1/5.png")
    expect(large(page).locator(".facts")).to_have_text(re.compile(r"class-1 · [\d,]+ × [\d,]+ pixels"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect_large(page, "class-2/1.png")
    page.keyboard.press("ArrowLeft")
    expect_large(page, "class-1/6.png")
    page.keyboard.press("Escape")
    expect(large(page)).not_to_be_visible()
    expect(tile(page, "class-1/6.png")).to_be_focused()
    expect_pressed(page)


def test_the_keys_of_a_large_picture_go_on_at_the_last_one(page, project):
    open_images(page, project)
    tile(page, "class-2/5.png").focus()
    page.keyboard.press("Enter")
    after = large(page).get_by_role("button", name="The next picture")
    after.focus()
    page.keyboard.press("Enter")
    expect_large(page, "class-2/6.png")
    expect(after).to_be_disabled()
    expect(after).to_be_focused()
    page.keyboard.press("Enter")
    expect_large(page, "class-2/6.png")
    page.keyboard.press("ArrowLeft")
    expect_large(page, "class-2/5.png")


def test_a_held_key_opens_one_picture_and_no_other(page, project):
    open_images(page, project)
    tile(page, "class-1/2.png").focus()
    for _ in range(3):
        page.keyboard.down("Enter")  # the second and third time, as if it were held
    expect(page.get_by_role("dialog", name="class-1/2.png", exact=True)).to_be_focused()
    expect_large(page, "class-1/2.png")
    page.keyboard.up("Enter")
    large(page).get_by_role("button", name="Close").focus()
    for _ in range(3):
        page.keyboard.down("Enter")
    expect(tile(page, "class-1/2.png")).to_be_focused()
    expect(large(page)).not_to_be_visible()
    expect_pressed(page)


def test_a_large_picture_is_the_working_copy_and_its_size_the_owners(page, server, tmp_path):
    for name, size in {"tall/1.jpg": (900, 1800), "wide/2.jpg": (2000, 1000)}.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True)
        Image.new("RGB", size, (80, 120, 40)).save(tmp_path / "photos" / name)
    open_images(page, filled(server, tmp_path / "photos"))
    for name, facts in {"tall/1.jpg": "tall · 900 × 1,800 pixels", "wide/2.jpg": "wide · 2,000 × 1,000 pixels"}.items():
        tile(page, name).hover()
        page.get_by_role("button", name=f"Show large: {name}").click()
        expect_large(page, name)
        expect(large(page).locator(".facts")).to_have_text(facts)
        sides = large(page).locator("img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert THUMBNAIL_SIDE < max(sides) <= LONGEST_SIDE
        page.keyboard.press("Escape")


def test_what_was_found_about_a_picture_is_told_where_it_is_large(page, server, project):
    with Workspace(server.home).database() as database:
        change = "UPDATE images SET brightness = 0.01 WHERE project_id = ? AND name = 'class-1/2.png'"
        database.execute(change, (project.id,))
    open_images(page, project)
    tile(page, "class-1/1.png").hover()
    page.get_by_role("button", name="Show large: class-1/1.png").click()
    expect(large(page).get_by_role("listitem")).to_have_count(0)
    large(page).get_by_role("button", name="The next picture").click()
    expect(large(page).get_by_role("listitem")).to_have_text(["Very dark"])


def test_the_pictures_of_a_finding_are_seen_large_and_nothing_is_changed(page, server, project):
    open_images(page, project)
    page.get_by_text("1 thing worth a look").click()
    shown = page.locator("[class*=st-key-finding_pictures_]")
    shown.get_by_role("button", name="Show large: class-1/2.png").click()
    seen = shown.locator("dialog.large")
    expect(seen.locator(".name")).to_have_text("class-1/2.png")
    expect(seen.locator("img")).to_have_js_property("naturalWidth", 48)
    seen.get_by_role("button", name="The next picture").click()
    page.keyboard.press("ArrowRight")
    expect(seen.locator(".name")).to_have_text("class-1/4.png")
    page.keyboard.press("Escape")
    expect(seen).not_to_be_visible()
    expect(shown.get_by_role("button", name="Show large: class-1/4.png")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(shown.get_by_role("button", name="Show large: class-1/3.png")).to_be_focused()
    assert shown.locator(".row button[tabindex='0']").count() == 1
    expect_selected(page, 0)


def test_a_large_picture_is_closed_by_its_button_and_by_a_click_beside_it(page, project):
    open_images(page, project)
    for close in (lambda: large(page).get_by_role("button", name="Close").click(), lambda: page.mouse.click(8, 300)):
        tile(page, "class-1/1.png").hover()
        page.get_by_role("button", name="Show large: class-1/1.png").click()
        expect_large(page, "class-1/1.png")
        expect(large(page).get_by_role("button", name="The picture before")).to_be_disabled()
        close()
        expect(large(page)).not_to_be_visible()


def test_the_shown_class_is_named_in_the_language_just_chosen(page, project):
    open_images(page, project)
    choice = page.locator("[class*=st-key-shown_class]").get_by_role("combobox")
    expect(choice).to_have_value("All classes")
    page.get_by_text("Español", exact=True).click()
    expect(choice).to_have_value("Todas las clases")
    choice.click()
    page.get_by_role("option", name="class-2").click()
    expect_counts(page, "class-2 6 imágenes")
    page.get_by_text("English", exact=True).click()
    expect_counts(page, "class-2 6 pictures")
    expect(choice).to_have_value("class-2")


@pytest.fixture
def phone(chromium: Browser, server) -> Iterator[Page]:
    with chromium.new_context(
        base_url=server.url, viewport={"width": 390, "height": 844}, locale="en-US", has_touch=True, is_mobile=True
    ) as context:
        yield context.new_page()


def test_pictures_are_selected_with_a_finger(phone, project):
    open_images(phone, project)
    tile(phone, "class-1/3.png").tap()
    expect_pressed(phone, "class-1/3.png")
    expect_selected(phone, 1)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("button", name="Show large: class-1/2.png").tap()
    expect_large(phone, "class-1/2.png")
    box = large(phone).locator("img").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    for button in large(phone).get_by_role("button").all():
        place = button.bounding_box()
        assert place["y"] + place["height"] <= box["y"] or place["y"] >= box["y"] + box["height"], (
            "it hides the picture"
        )
