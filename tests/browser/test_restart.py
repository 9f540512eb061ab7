"""The server dies in the middle of a training and comes back: the open page goes on by itself."""

import re
import time

import psutil
import pytest
from playwright.sync_api import Page, expect

from core import dataset, intake, projects, runs, samples
from core.backbones import CATALOG
from core.config import MAX_EPOCHS, Phase, RunConfig
from core.history import history
from core.runs import Run, State
from core.split import split_images
from core.workspace import Workspace
from scripts.server import running_server

WORKER_MS, AGAIN_MS = 120_000, 60_000
MEANWHILE_SECONDS = 60
CHART = ".st-key-chart_loss .headstart-live-chart"
# Which epochs the curve of validation shows, as plotly has unpacked them.
SHOWN = """selector => {
    const chart = document.querySelector(selector)?.firstElementChild;
    const curve = chart?._fullData?.find(trace => trace.name === "Validation");
    return Array.from(curve?.x ?? []);
}"""


@pytest.fixture
def waiting(tmp_path) -> Run:
    """A run in the queue of a workspace without a server, which would take many minutes."""
    workspace = Workspace(tmp_path / "home")
    project = projects.create_project(workspace, "Shapes")
    for label in ("circle", "star"):
        (tmp_path / label).mkdir()
        for index in range(24):
            samples.draw(label, index).save(tmp_path / label / f"{index}.png")
        files = [(path.name, path) for path in sorted((tmp_path / label).iterdir())]
        intake.take_files(workspace, project.id, label, files)
    backbone = CATALOG["residual10"]
    phase = Phase(MAX_EPOCHS, 1e-3, backbone.num_layers)
    config = RunConfig(backbone.name, backbone.image_size, ("circle", "star"), (phase,), patience=0)
    table = split_images(dataset.images(workspace, project.id), config.validation_share, config.seed)
    return runs.create_run(workspace, project.id, "long", config, table)


@pytest.fixture
def page(chromium):
    with chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-US") as context:
        yield context.new_page()


def wait_for_epoch(page: Page, epoch: int, limit_ms: int) -> None:
    page.wait_for_function(
        f"([selector, epoch]) => ({SHOWN})(selector).at(-1) >= epoch", arg=[CHART, epoch], timeout=limit_ms
    )


def wait_for_epochs_said(run: Run, num_epochs: int) -> None:
    deadline = time.monotonic() + MEANWHILE_SECONDS
    while len(history(run).epochs) < num_epochs:
        assert time.monotonic() < deadline, "The training does not go on."
        time.sleep(0.1)


def test_chart_goes_on_without_a_gap_when_the_server_comes_back(page, waiting, tmp_path):
    workspace = Workspace(tmp_path / "home")
    with running_server(workspace.home) as server:
        page.goto(f"{server.url}/train?project={waiting.project_id}&run={waiting.id}")
        wait_for_epoch(page, 2, WORKER_MS)
        worker = psutil.Process(runs.started_by(waiting.folder).pid)
        server.process.kill()  # it alone
        server.process.wait()
        told_before = len(history(waiting).epochs)
        wait_for_epochs_said(waiting, told_before + 3)
        with running_server(workspace.home, port=server.port):
            # Nobody reloads the page: it finds the new server, and the new server finds the worker.
            wait_for_epoch(page, len(history(waiting).epochs) + 2, AGAIN_MS)
            epochs = page.evaluate(SHOWN, CHART)
            assert epochs == list(range(1, len(epochs) + 1))
            expect(page.get_by_role("button", name="Pause")).to_be_enabled()
            assert runs.open_run(workspace, waiting.id).state == State.RUNNING
            assert runs.started_by(waiting.folder).pid == worker.pid
            page.get_by_role("button", name="Stop").click()
            expect(page.get_by_text(re.compile("^Stopped"))).to_be_visible(timeout=AGAIN_MS)
