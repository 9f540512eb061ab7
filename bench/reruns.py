"""How long pages take while a network trains, beside an idle server: the 95th percentile of their reruns.

    python -m bench.reruns

One reader goes to and fro between the Model page and the Train page of a real server, over Streamlit's own websocket,
and waits each time until the page's script is over. Both times the Train page shows a run and its charts: beside the
idle server one that was stopped, then one that trains and never rests.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from core import dataset, events, intake, projects, runs, speeds
from core.backbones import CATALOG
from core.config import MAX_EPOCHS, Phase, RunConfig
from core.runs import Run, State
from core.samples import SHAPES, draw
from core.split import split_images
from core.workspace import Workspace
from scripts.server import running_server

AIM = 1.5
PERCENTILE = 95
NUM_RERUNS = 120
NUM_WARM_UP = 10
THINK_SECONDS = 0.05
NUM_PICTURES = 400
PICTURE_SIZE = (512, 384)
EARLIER_EPOCHS = 4  # so that both runs have charts of some length
CALM_PERCENT = 15.0
CALM_SECONDS = 3
LIMIT_SECONDS = 240
ANSWER_LIMIT_SECONDS = 60
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Rerun:
    """A page that was drawn once: which, in how many seconds, with how many elements."""

    page: str
    seconds: float
    num_elements: int


class Reader:
    """A tab of the app without a browser."""

    def __init__(self, socket: ClientConnection):
        """Opens the first page, which tells the numbers of the others."""
        self._socket = socket
        self._hashes = {"": ""}
        self.open("")

    def open(self, page: str, **parameters: str) -> Rerun:
        """Asks for a page as a click on its link does, and waits until its script is over.

        Args:
            page: The last part of its address.
            parameters: Those of the address.

        Raises:
            RuntimeError: Another page came, or one that shows an error.
            TimeoutError: It took longer than a minute.
        """
        request = BackMsg()
        state = request.rerun_script
        state.page_script_hash = self._hashes[page]
        state.query_string = "&".join(f"{name}={value}" for name, value in parameters.items())
        state.context_info.locale = "en"
        began = time.perf_counter()
        self._socket.send(request.SerializeToString())
        answers = self._answers()
        seconds = time.perf_counter() - began
        for answer in answers:
            if answer.HasField("navigation"):
                pages = answer.navigation.app_pages
                self._hashes = {one.url_pathname: one.page_script_hash for one in pages} | {"": ""}
        check_shown(answers, self._hashes[page])
        return Rerun(page, seconds, sum(answer.HasField("delta") for answer in answers))

    def _answers(self) -> list[ForwardMsg]:
        """Returns what the server says until a script is over that was not broken off for another."""
        answers: list[ForwardMsg] = []
        while not answers or not is_end(answers[-1]):
            answer = self._socket.recv(ANSWER_LIMIT_SECONDS)
            assert isinstance(answer, bytes), "the protocol is binary"
            answers.append(ForwardMsg.FromString(answer))
        return answers


def is_end(answer: ForwardMsg) -> bool:
    """Whether a page's script is over."""
    return answer.HasField("script_finished") and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


def check_shown(answers: list[ForwardMsg], expected: str) -> None:
    """Makes sure that a page came, and the right one: an error is drawn quickly, and its time says nothing.

    Args:
        answers: What the server sent for it.
        expected: The number of the page's script; empty for any.

    Raises:
        RuntimeError: It is another page, or shows an error.
    """
    for answer in answers:
        element = answer.delta.new_element
        if element.HasField("exception") or (element.HasField("alert") and element.alert.format == Alert.ERROR):
            raise RuntimeError(f"A page shows an error: {element.alert.body or element.exception.message}")
        if answer.HasField("script_finished") and answer.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise RuntimeError("A page's script cannot be read.")
    shown = {answer.navigation.page_script_hash for answer in answers if answer.HasField("navigation")}
    if expected and shown != {expected}:
        raise RuntimeError("The server shows another page than the one that was asked for.")


def reruns(reader: Reader, run: Run) -> list[Rerun]:
    """Goes to and fro between the Model page and the Train page with a run; the first pages do not count."""
    drawn = []
    for number in range(NUM_WARM_UP + NUM_RERUNS):
        if number % 2:
            drawn.append(reader.open("train", project=run.project_id, run=run.id))
        else:
            drawn.append(reader.open("model", project=run.project_id))
        time.sleep(THINK_SECONDS)
    return drawn[NUM_WARM_UP:]


def milliseconds(drawn: list[Rerun]) -> dict[str, dict[str, float]]:
    """Returns the middle and the 95th percentile of all pages, and of each with its number of elements."""
    times = {"all": drawn} | {page: [one for one in drawn if one.page == page] for page in ("model", "train")}
    return {
        name: {
            "median": round(float(np.median([one.seconds for one in some])) * 1000, 1),
            "percentile_95": round(percentile(some) * 1000, 1),
            "elements": float(np.median([one.num_elements for one in some])),
        }
        for name, some in times.items()
    }


def percentile(drawn: list[Rerun]) -> float:
    """Returns the seconds within which 95 of 100 pages were drawn."""
    return float(np.percentile([one.seconds for one in drawn], PERCENTILE))


def row(idle: list[Rerun], training: list[Rerun]) -> dict:
    """Returns the row of the table."""
    ratio = percentile(training) / percentile(idle)
    return {
        "row": "page reruns while training, 95th percentile beside an idle server",
        "ratio": round(ratio, 2),
        "aim": f"at most {AIM}",
        "met": ratio <= AIM,
        "idle_ms": milliseconds(idle),
        "training_ms": milliseconds(training),
        "num_reruns": len(training),
    }


def draw_pictures(out: Path) -> None:
    """Writes shapes as large as photos in class folders."""
    for label in SHAPES:
        (out / label).mkdir(parents=True)
        for index in range(NUM_PICTURES // len(SHAPES)):
            draw(label, index).resize(PICTURE_SIZE).save(out / label / f"{index:03}.jpg")


def endless(labels: tuple[str, ...]) -> RunConfig:
    """A run that computes all the time and does not end by itself: every epoch varies every picture anew."""
    backbone = CATALOG["residual10"]
    return RunConfig(
        backbone=backbone.name,
        image_size=backbone.image_size,
        labels=labels,
        phases=(Phase(MAX_EPOCHS, 1e-4, backbone.stages[-2].num_layers),),
        augmentation="strong",
        views=0,
        patience=0,
    )


def start_run(workspace: Workspace, project_id: str, name: str) -> Run:
    """Queues a run; the server's own watch launches it, through its engine and at low priority."""
    table = dataset.images(workspace, project_id)
    config = endless(tuple(sorted(table["label"].unique())))
    table = split_images(table, config.validation_share, config.seed)
    return runs.create_run(workspace, project_id, name, config, table)


def num_said(run: Run, kind: type[events.Event]) -> int:
    """Returns how many events of a kind a run has written."""
    said, _ = events.read(run.folder / "events.jsonl")
    return sum(isinstance(event, kind) for event in said)


def stop(workspace: Workspace, run: Run) -> None:
    """Stops a run and waits for its end."""
    (run.folder / "stop").touch()
    wait_until(lambda: runs.open_run(workspace, run.id).state.is_over, "The run does not stop.")


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Waits at most four minutes.

    Raises:
        TimeoutError: It did not come to hold, with the sentence `otherwise`.
    """
    limit = time.monotonic() + LIMIT_SECONDS
    while not holds():
        if time.monotonic() > limit:
            raise TimeoutError(otherwise)
        time.sleep(POLL_SECONDS)


def is_calm() -> bool:
    """Whether the processors have nothing to do for some seconds, one after the other."""
    return all(psutil.cpu_percent(1.0) < CALM_PERCENT for _second in range(CALM_SECONDS))


@contextmanager
def connected(workspace: Workspace) -> Iterator[Reader]:
    """Starts a server on a workspace and gives a reader of its pages."""
    with (
        running_server(workspace.home) as server,
        connect(
            server.url.replace("http:", "ws:") + "/_stcore/stream",
            subprotocols=["streamlit"],
            proxy=None,
            max_size=None,
        ) as socket,
    ):
        yield Reader(socket)


def measure() -> dict:
    """Returns the row.

    Raises:
        RuntimeError: A page shows an error, or the run was over before the last page came, so the figures are void.
        TimeoutError: The machine is busy with something else, or the server does not do what it should.
    """
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "home")
        project = projects.create_project(workspace, "reruns")
        draw_pictures(Path(folder) / "pictures")
        intake.take_folder(workspace, project.id, Path(folder) / "pictures")
        with connected(workspace) as reader:
            # By then the engine has warmed up too: the server measures the machine when it has nothing else to do.
            wait_until(lambda: speeds.machine(workspace.home) is not None, "The server does not measure the machine.")
            return compare(workspace, project.id, reader)


def compare(workspace: Workspace, project_id: str, reader: Reader) -> dict:
    """Measures beside the idle server, then while a run trains."""
    earlier = start_run(workspace, project_id, "earlier")
    wait_until(lambda: num_said(earlier, events.EpochEnded) >= EARLIER_EPOCHS, "The run does not train.")
    stop(workspace, earlier)
    wait_until(is_calm, "The machine is busy with something else.")
    idle = reruns(reader, earlier)
    present = start_run(workspace, project_id, "present")
    wait_until(lambda: num_said(present, events.Progress) > 0, "The run does not train.")
    training = reruns(reader, present)
    state = runs.open_run(workspace, present.id).state
    if state != State.RUNNING:
        raise RuntimeError(f"The run is {state} before the last page came; the figures are void.")
    stop(workspace, present)
    return row(idle, training)


if __name__ == "__main__":
    print(json.dumps(measure()))
