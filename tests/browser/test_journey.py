"""The whole journey in a real browser, against the real server and real workers: one project, from a zip to a download.

What several tests look at is made once: `project` brings the pictures in, `run` starts a training, `trained` waits for
its end. Every test opens addresses of its own, so that each can be run alone.
"""

import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from core import jobs, predict, runs, text
from core.backbones import CATALOG
from core.config import MAX_EPOCHS, Head
from core.history import history
from core.runs import State
from core.summary import summarize
from core.workspace import Workspace
from scripts.server import ROOT, Server

CLASSES = ("checks", "rings", "stripes")
EACH = 14
SIDE = 64
SECOND = 1000
WORKER_MS = 120 * SECOND  # TensorFlow's start and twenty short epochs on a busy machine
STOP_MS = 60 * SECOND
SOON_MS = 30 * SECOND  # beside a start of TensorFlow
PROCESS_SECONDS = 120
LIVE_CHART = ".st-key-chart_loss .headstart-live-chart"


def draw(label: str, number: int) -> Image.Image:
    """One noisy picture: the pattern is that of the class, the place of it and the shade differ."""
    random = np.random.default_rng([CLASSES.index(label), number])
    y, x = np.mgrid[:SIDE, :SIDE] + random.uniform(0, 16, 2)[:, None, None]
    pattern = {
        "checks": (x // 16 + y // 16) % 2,
        "rings": np.hypot(x - SIDE / 2, y - SIDE / 2) // 6 % 2,
        "stripes": y // 8 % 2,
    }[label]
    colour = {"checks": (200, 60, 50), "rings": (50, 170, 70), "stripes": (60, 80, 200)}[label]
    shade = np.asarray(colour) + random.normal(0, 12, 3)
    image = shade * (0.35 + 0.65 * pattern[..., None]) + random.normal(0, 10, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Class folders, with one broken picture and one text among them."""
    folder = tmp_path_factory.mktemp("journey") / "patterns"
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        for number in range(1, EACH + 1):
            draw(label, number).save(folder / label / f"{number:02}.png")
    whole = (folder / "checks" / "01.png").read_bytes()
    (folder / "checks" / "broken.png").write_bytes(whole[: len(whole) // 3])
    (folder / "stripes" / "notes.txt").write_text("Taken in May.", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def zipped(pictures) -> Path:
    """The folder as most systems zip it: everything lies in one folder more."""
    target = pictures.parent / "patterns.zip"
    with zipfile.ZipFile(target, "w") as packed:
        for file in sorted(pictures.rglob("*.*")):
            packed.write(file, file.relative_to(pictures.parent))
    return target


@pytest.fixture(scope="module")
def unseen(pictures) -> Path:
    """A picture of rings that was not in the zip."""
    file = pictures.parent / "unseen.png"
    draw("rings", 1000).save(file)
    return file


@pytest.fixture(scope="module")
def unclear(pictures) -> Path:
    """A picture between two classes, of which no network is certain."""
    file = pictures.parent / "unclear.png"
    Image.blend(draw("rings", 1001), draw("stripes", 1001), 0.5).save(file)
    return file


@contextmanager
def tab(chromium: Browser, server: Server, name: str) -> Iterator[Page]:
    """A tab for what several tests share; a failure leaves a picture of it behind."""
    with chromium.new_context(base_url=server.url, viewport={"width": 1280, "height": 900}, locale="en-US") as context:
        page = context.new_page()
        try:
            yield page
        except BaseException:
            page.screenshot(path=ROOT / "test-results" / f"{name}.png", full_page=True)
            raise


def address(step: str, **place: str) -> str:
    return f"/{step}?{urlencode(place)}"


def place_of(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def expect_heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


def metric(page: Page, label: str):
    return page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))


@pytest.fixture(scope="module")
def project(chromium, server, zipped) -> str:
    """A new project with the pictures of the zip in it; returns its id."""
    with tab(chromium, server, "project") as page:
        page.goto("/")
        expect_heading(page, "Projects")
        page.get_by_role("button", name="New project").click()
        page.get_by_label("Name").fill("Patterns")
        page.get_by_role("button", name="Create").click()
        expect_heading(page, "Images")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose files or a zip").click()
        chooser.value.set_files(zipped)
        outcome = f"{len(CLASSES) * EACH} pictures were taken in. 2 files were set aside."
        expect(page.get_by_text(outcome)).to_be_visible()
        return place_of(page)["project"]


@pytest.fixture(scope="module")
def run(chromium, server, project) -> str:
    """A quick training that has just been started; returns its id."""
    with tab(chromium, server, "run") as page:
        page.goto(address("train", project=project))
        expect_heading(page, "Train")
        page.locator(".st-key-preset_quick button").click()
        return start_run(page)


def start_run(page: Page) -> str:
    before = place_of(page).get("run", "")
    page.locator(".st-key-start_run button").click()
    page.wait_for_url(lambda url: re.search(r"[?&]run=\w", url) and f"run={before or '-'}" not in url)
    return place_of(page)["run"]


@pytest.fixture(scope="module")
def trained(chromium, server, project, run) -> runs.Run:
    """The quick training when it is over."""
    with tab(chromium, server, "trained") as page:
        page.goto(address("train", project=project, run=run))
        expect(page.locator(".st-key-next button")).to_be_visible(timeout=WORKER_MS)
    return runs.open_run(Workspace(server.home), run)


def test_pictures_of_a_zip_are_counted_and_shown(page, project):
    page.goto(address("images", project=project))
    page.locator(".st-key-dismiss_intake button").click()
    expect(metric(page, "Pictures")).to_contain_text(str(len(CLASSES) * EACH))
    expect(metric(page, "Classes")).to_contain_text(str(len(CLASSES)))
    for label in CLASSES:
        expect(page.get_by_text(f"{label} {EACH} pictures")).to_be_visible()
        first = page.get_by_role("img", name=f"{label}/01.png").first  # a page under way shows the old beside the new
        expect(first).to_be_visible()
        assert first.evaluate("image => image.decode().then(() => image.naturalWidth)") == SIDE


def test_files_set_aside_are_named_with_the_reason(page, project):
    page.goto(address("images", project=project))
    page.get_by_text("2 files were set aside").last.click()
    table = page.get_by_test_id("stDataFrame").locator("canvas table").first
    expect(table).to_contain_text("checks/broken.png")
    expect(table).to_contain_text("stripes/notes.txt")


def test_parameters_follow_the_freeze_slider(page, project):
    page.goto(address("model", project=project))
    expect(page.locator(".st-key-backbone_residual10 button")).to_have_text(re.compile("Chosen"))
    row = CATALOG["residual10"]
    frozen = summarize(row, Head(), len(CLASSES), row.num_layers)
    expect(metric(page, "Frozen layers")).to_contain_text(f"{row.num_layers} of {row.num_layers}")
    expect(metric(page, "Trainable parameters")).to_contain_text(f"{frozen.trainable:,}")
    expect(metric(page, "Non-trainable parameters")).to_contain_text(f"{frozen.non_trainable:,}")
    handle = page.locator(".st-key-stage_residual10").get_by_role("slider")
    handle.press("ArrowLeft")
    freed = summarize(row, Head(), len(CLASSES), row.stages[-2].num_layers)
    expect(metric(page, "Trainable parameters")).to_contain_text(f"{freed.trainable:,}")
    handle.press("ArrowRight")
    expect(metric(page, "Trainable parameters")).to_contain_text(f"{frozen.trainable:,}")


def test_chart_gains_points_while_the_run_goes_on(page, project, run):
    # Looks from the first moment on, so that a short run cannot be over before anybody looked.
    page.add_init_script(
        """(selector => {
            const seen = window.seen = {points: [], elements: new Set(), epochs: new Set()};
            const look = () => {
                const progress = document.querySelector(".st-key-live [data-testid=stProgress]")?.textContent ?? "";
                const epoch = progress.match(/Epoch \\d+ of 20/);
                if (epoch) seen.epochs.add(epoch[0]);
                const chart = document.querySelector(selector);
                const points = Number(chart?.dataset.points ?? 0);
                if (document.querySelector(".st-key-stop_run") && points > (seen.points.at(-1) ?? 0)) {
                    seen.points.push(points);
                    seen.elements.add(chart);
                }
                requestAnimationFrame(look);
            };
            look();
        })("SELECTOR")""".replace("SELECTOR", LIVE_CHART)
    )
    page.goto(address("train", project=project, run=run))
    expect(page.get_by_text(re.compile(r"Done\. Epoch \d+ named"))).to_be_visible(timeout=WORKER_MS)
    points, num_elements, num_epochs = page.evaluate("[seen.points, seen.elements.size, seen.epochs.size]")
    assert num_epochs >= 1
    assert len(points) >= 2, points
    assert num_elements == 1
    expect(page.locator(".st-key-live").get_by_text(re.compile("finished$")).first).to_be_visible()


def test_what_it_learned_shows_accuracy_and_confusion(page, project, trained):
    page.goto(address("learned", project=project, run=trained.id))
    expect_heading(page, "What it learned")
    accuracy = metric(page, "Accuracy").get_by_test_id("stMetricValue")
    expect(accuracy).to_have_text(re.compile(r"^\d+\.\d%$"))
    assert float(accuracy.inner_text().rstrip("%")) > 80  # a guess is right in 33 of 100
    matrix = page.locator(".st-key-confusion .headstart-live-chart")
    expect(matrix.locator(".heatmaplayer image").first).to_be_attached()
    expect(matrix.locator(".textpoint")).to_have_count(len(CLASSES) ** 2)
    expect(matrix.locator(".ytick text")).to_have_text(CLASSES)
    expect(matrix.locator(".xtick text")).to_have_text(CLASSES)


def test_dropped_picture_is_named_rightly(page, project, trained, unseen):
    page.goto(address("try_it", project=project, run=trained.id))
    expect_heading(page, "Try it")
    page.locator(".st-key-try_files input[type=file]").set_input_files(unseen)
    expect(page.get_by_text(re.compile(r"1 picture in \d+ ms"))).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile(r"^rings \d+\.\d%$"))).to_be_visible()
    bars = page.locator(".st-key-probabilities_0")
    expect(bars.locator(".ytick text")).to_have_count(len(CLASSES))
    expect(bars.locator(".ytick text").first).to_have_text("rings")
    shares = [float(share.rstrip("%")) for share in bars.locator(".bartext").all_text_contents()]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.3)


def download(page: Page, link: str, folder: Path) -> Path:
    with page.expect_download() as begun:
        page.get_by_role("link", name=link).click()
    target = folder / begun.value.suggested_filename
    begun.value.save_as(target)
    return target


def answer_of(program: Path | str, *arguments: str, folder: Path):
    """Runs a program in a fresh process that knows nothing of this repository; returns the JSON that it printed."""
    command = [sys.executable, "-I", *(["-c", program] if isinstance(program, str) else [str(program)]), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PROCESS_SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def asked(unseen, unclear) -> list[Path]:
    """The pictures that the model at home is asked about."""
    return [unseen, unclear]


@pytest.fixture
def expected(trained, asked) -> list[dict[str, float]]:
    """What the run's own LiteRT model says of them."""
    labels = runs.read_config(trained).labels
    return [dict(zip(labels, answer, strict=True)) for answer in predict.predict(trained.folder, asked).tolist()]


def test_zip_taken_home_answers_the_same_elsewhere(page, trained, asked, expected, tmp_path):
    page.goto(address("take_home", project=trained.project_id, run=trained.id))
    home = tmp_path / "home"
    with zipfile.ZipFile(download(page, "Download the zip", tmp_path)) as packed:
        packed.extractall(home)
    assert {file.name for file in home.iterdir()} == {
        "model.keras",
        "labels.txt",
        "predict.py",
        "requirements.txt",
        "README.md",
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    answers = answer_of(home / "predict.py", "--json", *map(str, asked), folder=elsewhere)
    for answer, own in zip(answers, expected, strict=True):
        assert answer["probabilities"] == pytest.approx(own, abs=1e-4)


LOAD_AND_ASK = """
import json, sys
import keras, numpy as np
from PIL import Image
model = keras.models.load_model(sys.argv[1])
size = model.input_shape[1]
images = [Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR) for path in sys.argv[2:]]
answers = model.predict(np.stack([np.asarray(image, "float32") for image in images]), verbose=0)
print(json.dumps(answers.tolist()))
"""


def test_model_taken_home_loads_in_plain_keras(page, trained, asked, expected, tmp_path):
    page.goto(address("take_home", project=trained.project_id, run=trained.id))
    model = download(page, "Download model.keras", tmp_path)
    answers = answer_of(LOAD_AND_ASK, str(model), *map(str, asked), folder=tmp_path)
    for answer, own in zip(answers, expected, strict=True):
        assert answer == pytest.approx(list(own.values()), abs=1e-4)


@pytest.mark.parametrize("width", [1280, 390])
def test_commands_to_type_at_home_are_seen_whole(page, project, trained, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address("take_home", project=project, run=trained.id))
    lines = page.get_by_test_id("stCode").locator("pre")
    expect(lines).to_have_count(6)
    for block in lines.all():
        assert block.evaluate("block => block.scrollWidth - block.clientWidth") <= 0
        assert block.bounding_box()["x"] + block.bounding_box()["width"] <= width


LONG_EPOCH = re.compile(rf"Epoch \d+ of {MAX_EPOCHS}")


def wait_until(holds: Callable[[], bool], timeout: float) -> None:
    last = time.monotonic() + timeout / 1000
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.1)


@pytest.fixture
def long_run(page, project, server) -> Iterator[str]:
    """A run with own settings that would take many minutes, in `page` and past its first epoch; returns its id."""
    page.goto(address("train", project=project))
    expect_heading(page, "Train")
    page.locator(".st-key-preset_own button").click()
    epochs = page.locator(".st-key-setting_epochs input")
    epochs.fill(str(MAX_EPOCHS))
    epochs.press("Enter")
    run_id = start_run(page)
    expect(page.get_by_text(LONG_EPOCH)).to_be_visible(timeout=WORKER_MS)
    run = runs.open_run(Workspace(server.home), run_id)
    wait_until(lambda: len(history(run).epochs) > 0, WORKER_MS)  # the page may show another run's figures for a moment
    yield run_id
    jobs.stop_run(Workspace(server.home), run_id)
    # While it stops, the page of the next test would keep its form closed.
    wait_until(lambda: runs.open_run(Workspace(server.home), run_id).state.is_over, WORKER_MS)


def test_reload_finds_the_run_and_stop_keeps_its_best_epoch(page, project, long_run, server):
    page.reload()
    expect(page.get_by_text(LONG_EPOCH)).to_be_visible()
    assert place_of(page) == {"project": project, "run": long_run}
    expect(metric(page, "Kept epoch")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stopping")).to_be_disabled(timeout=SOON_MS)
    expect(page.get_by_text(re.compile(r"Stopped\. Epoch \d+ is kept: it named"))).to_be_visible(timeout=STOP_MS)
    expect(page.locator(".st-key-live").get_by_text(re.compile("stopped$")).first).to_be_visible()
    stopped = runs.open_run(Workspace(server.home), long_run)
    assert (stopped.state, stopped.has_model) == (State.STOPPED, True)


def test_run_started_while_another_trains_is_shown_with_its_place_and_the_form_closes(page, long_run, server):
    page.get_by_text("Start a new run").click()
    second = start_run(page)
    expect(page.locator(".st-key-live").get_by_text("Waiting: 1 run goes before this one.")).to_be_in_viewport()
    expect(page.locator(".st-key-start_run button")).to_be_hidden()
    jobs.stop_run(Workspace(server.home), second)


def worker_of(server, run_id: str) -> psutil.Process:
    started = runs.started_by(Workspace(server.home).run_folder(run_id))
    return psutil.Process(started.pid)


def test_killed_worker_is_told_within_seconds_and_its_run_goes_on(page, long_run, server):
    worker_of(server, long_run).kill()
    told = page.locator(".st-key-live").get_by_test_id("stAlert")
    expect(told).to_contain_text("its process is gone", timeout=SOON_MS)
    expect(told).to_contain_text("Every whole epoch is kept")
    expect(page.locator(".st-key-stop_run")).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text(LONG_EPOCH)).to_be_visible(timeout=WORKER_MS)
    expect(told).to_have_count(0)


def test_paused_run_frees_its_process_and_goes_on_without_a_gap(page, long_run, server):
    worker = worker_of(server, long_run)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("It uses neither processor nor memory")).to_be_visible(timeout=SOON_MS)
    worker.wait(SOON_MS / 1000)
    run = runs.open_run(Workspace(server.home), long_run)
    paused_after = len(history(run).epochs)
    page.get_by_role("button", name="Go on").click()
    # Two epochs further: the page follows by itself, without a reload.
    further = re.compile(
        rf"Epoch ({'|'.join(str(paused_after + more) for more in range(3, MAX_EPOCHS))}) of {MAX_EPOCHS}"
    )
    expect(page.get_by_text(further)).to_be_visible(timeout=WORKER_MS)
    expect(page.get_by_role("button", name="Pause")).to_be_enabled()
    epochs = history(run).epochs
    assert len(epochs) > paused_after
    assert list(epochs["epoch"]) == list(range(1, len(epochs) + 1))


def test_address_comes_back_to_the_same_project_and_run(page, project, trained):
    page.goto("/")
    expect_heading(page, "Projects")
    page.locator(f".st-key-open_project_{project} button").click()
    page.goto(address("train", project=project, run=trained.id))
    expect(page.locator(".st-key-live")).to_contain_text(trained.name)
    expect(page.locator(".st-key-next button")).to_be_visible()
    page.locator(".st-key-next button").click()
    expect_heading(page, "What it learned")
    assert place_of(page) == {"project": project, "run": trained.id}
    other = page.context.new_page()
    other.goto(page.url)
    expect_heading(other, "What it learned")
    expect(other.get_by_text("Patterns").first).to_be_visible()
    assert place_of(other) == {"project": project, "run": trained.id}


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("images", {"project": "nowhere"}),
        ("train", {"run": "nothing"}),
        ("take_home", {"project": "nowhere", "run": "nothing"}),
    ],
)
def test_unknown_address_is_answered_calmly(page, step, place):
    page.goto(address(step, **place))
    expect(page.get_by_text("No project is open. Choose one, or make a new one.")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_unknown_run_of_a_known_project_is_named_and_leads_to_the_project(page, project):
    page.goto(address("train", project=project, run="nothing"))
    expect_heading(page, "Train")
    expect(page.locator(".st-key-start_run button")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(1)
    expect(page.get_by_test_id("stAlert")).to_contain_text("There is no run “nothing” here.")


def in_spanish(message: str) -> str:
    before = text.language
    text.set_language_source(lambda: "es")
    try:
        return text._(message)
    finally:
        text.set_language_source(before)


def test_browser_in_spanish_is_answered_in_spanish(chromium, server):
    with chromium.new_context(base_url=server.url, locale="es-MX") as context:
        page = context.new_page()
        page.goto("/")
        expect_heading(page, in_spanish("Projects"))
        page.get_by_text("English", exact=True).click()
        expect_heading(page, "Projects")
        page.get_by_text("Español", exact=True).click()
        expect_heading(page, in_spanish("Projects"))
        assert place_of(page) == {"lang": "es"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the libraries of a process in /proc")
def test_tensorflow_is_not_in_the_servers_process(trained, server):
    libraries = Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")
    assert "/numpy/" in libraries
    assert "/tensorflow/" not in libraries
