"""Takes the README's screenshots from the running app: `make shots`, or `python -m scripts.shots --all`.

It goes through the whole journey with the drawn sample set and a real worker. With `--all` every page is also taken
in the dark theme, on a narrow screen and in Spanish, to look at.
"""

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlparse

from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.samples import SHAPES, draw
from scripts.chromium import FLAGS, find_chromium
from scripts.server import ROOT, running_server

FOLDER = ROOT / "docs" / "screenshots"
STEPS = ("projects", "images", "model", "train", "learned", "try_it", "take_home")
WIDTH, HEIGHT, MOST_HEIGHT = 1280, 900, 4000
TRAINING_LIMIT_MS = 180_000
UNSEEN = 10_000  # pictures of the sample set have lower numbers


@dataclass(frozen=True)
class Look:
    """One way to look at the app; `folder` is where its screenshots go, below `docs/screenshots`."""

    folder: str
    width: int = WIDTH
    scheme: str = "light"
    language: str = "en"


LOOKS = (
    Look("light"),
    Look("dark", scheme="dark"),
    Look("narrow", width=390),
    Look("narrow-dark", width=390, scheme="dark"),
    Look("spanish", language="es"),
)


def open_tab(browser: Browser, url: str, look: Look) -> Page:
    """Opens an empty tab that looks at the app as `look` says."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": look.width, "height": HEIGHT},
        color_scheme=look.scheme,  # type: ignore[arg-type]
        locale=look.language,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def settle(page: Page) -> None:
    """Waits until the page's script is over and its pictures are there."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=60_000
    )
    # Those below the window are fetched when one comes near.
    page.wait_for_function(
        "[...document.images].every(image => image.complete || image.getBoundingClientRect().top > innerHeight)"
    )
    page.wait_for_timeout(700)  # charts and opening panels move for half a second


def shoot(page: Page, file: Path, most_height: int = HEIGHT) -> None:
    """Takes the page, as tall as what is on it and at most `most_height` pixels."""
    settle(page)
    width = page.evaluate("window.innerWidth")
    content = page.locator("[data-testid=stMainBlockContainer]").evaluate("element => element.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(600, min(content, most_height))})
    page.mouse.move(width - 1, 1)  # away from everything that shows more when pointed at
    settle(page)
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file)
    print(file.name, flush=True)
    page.set_viewport_size({"width": width, "height": HEIGHT})


def heading(page: Page, name: str) -> None:
    """Waits for a page by its title."""
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible(timeout=60_000)


def bring_pictures(page: Page, folder: Path) -> None:
    """Makes a project and brings the drawn sample set into it."""
    page.goto("/")
    heading(page, "Projects")
    shoot(page, folder / "welcome.png")
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("Shapes")
    page.get_by_role("button", name="Create").click()
    heading(page, "Images")
    page.get_by_role("radio", name="Sample pictures").or_(page.get_by_role("button", name="Sample pictures")).click()
    page.locator(".st-key-sample_drawn button").click()
    page.locator(".st-key-dismiss_intake button").click()
    shoot(page, folder / "images.png")


def go_on(page: Page, name: str) -> None:
    """Presses the button that leads to the next page, called `name`."""
    page.locator(".st-key-next button").click()
    heading(page, name)


def train(page: Page, folder: Path) -> None:
    """Chooses the model, starts a run and takes it half-way."""
    go_on(page, "Model")
    shoot(page, folder / "model.png")
    page.get_by_role("heading", name="What stays frozen").evaluate("element => element.scrollIntoView()")
    settle(page)
    page.screenshot(path=folder / "freezing.png")
    go_on(page, "Train")
    page.locator(".st-key-start_run button").click()
    expect(page.get_by_text(re.compile(r"Epoch 1[0-8] of"))).to_be_visible(timeout=TRAINING_LIMIT_MS)
    page.screenshot(path=folder / "train.png")
    expect(page.locator(".st-key-next button")).to_be_visible(timeout=TRAINING_LIMIT_MS)


def try_and_take_home(page: Page, folder: Path, pictures: list[Path]) -> None:
    """Looks at what was learned, tries new pictures and comes to the download."""
    go_on(page, "What it learned")
    shoot(page, folder / "learned.png")
    go_on(page, "Try it")
    page.locator(".st-key-try_files input[type=file]").set_input_files(pictures)
    expect(page.get_by_text(re.compile(r"pictures? in \d+ ms"))).to_be_visible(timeout=60_000)
    shoot(page, folder / "try_it.png")
    go_on(page, "Take it home")
    shoot(page, folder / "take_home.png")


def look_at_all(browser: Browser, url: str, address: str) -> None:
    """Takes every page in every look; `address` carries the project and the run."""
    place = {name: values[0] for name, values in parse_qs(urlparse(address).query).items()}
    for look in LOOKS:
        page = open_tab(browser, url, look)
        for step in STEPS:
            parameters = "&".join(f"{name}={value}" for name, value in (place | {"lang": look.language}).items())
            page.goto(f"/{'' if step == 'projects' else step}?{parameters}")
            expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
            shoot(page, FOLDER / look.folder / f"{step}.png", MOST_HEIGHT)
        page.context.close()


def unseen_pictures(folder: Path) -> list[Path]:
    """Draws one picture of two shapes that no training has seen."""
    files = []
    for shape in list(SHAPES)[1:3]:
        file = folder / f"new {shape}.png"
        draw(shape, UNSEEN).save(file)
        files.append(file)
    return files


def main() -> None:
    """Starts the app with a workspace of its own and takes the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every page also dark, narrow and in Spanish")
    everything = parser.parse_args().all
    program = find_chromium()
    if program is None:
        sys.exit("There is no Chromium here; install one, or set CHROMIUM to its program, and try again.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder) / "home") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = open_tab(browser, server.url, LOOKS[0])
        bring_pictures(page, FOLDER)
        train(page, FOLDER)
        try_and_take_home(page, FOLDER, unseen_pictures(Path(folder)))
        if everything:
            look_at_all(browser, server.url, page.url)
        browser.close()


if __name__ == "__main__":
    main()
