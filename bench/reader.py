"""A reader of the app without a browser, over Streamlit's own websocket, and how long its pages took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from core.workspace import Workspace
from scripts.server import Server, running_server

PERCENTILE = 95
ANSWER_LIMIT_SECONDS = 60


@dataclass(frozen=True)
class Rerun:
    """A page that was drawn once: which, in how many seconds, with how many elements."""

    page: str
    seconds: float
    num_elements: int


class Reader:
    """A tab of the app without a browser.

    Attributes:
        said: What the server sent for the last page, as it came.
    """

    def __init__(self, socket: ClientConnection):
        """Opens the first page, which tells the numbers of the others."""
        self._socket = socket
        self._hashes = {"": ""}
        self._page, self._query = "", ""
        self._parts: dict[str, float] = {}  # that ask to be drawn again, with the seconds between two times
        self.said = b""
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
        self._page, self._query = page, urlencode(parameters)
        self._parts = {}
        drawn, answers = self._ask()
        for answer in answers:
            if answer.HasField("navigation"):
                pages = answer.navigation.app_pages
                self._hashes = {one.url_pathname: one.page_script_hash for one in pages} | {"": ""}
        check_shown(answers, self._hashes[page])
        return drawn

    def stay(self, seconds: float) -> list[Rerun]:
        """Stays on the page and has the parts of it drawn again that ask for it, as a browser does; returns these.

        Raises:
            RuntimeError: The page shows an error.
        """
        drawn: list[Rerun] = []
        end = time.perf_counter() + seconds
        due = {part: time.perf_counter() + between for part, between in self._parts.items()}
        while due and min(due.values()) < end:
            part = min(due, key=due.__getitem__)
            time.sleep(max(0.0, due[part] - time.perf_counter()))
            again, answers = self._ask(part)
            check_shown(answers, "")
            drawn.append(again)
            due = {part: due.get(part, 0.0) for part in self._parts}
            if part in due:
                due[part] = time.perf_counter() + self._parts[part]
        time.sleep(max(0.0, end - time.perf_counter()))
        return drawn

    def _ask(self, part: str = "") -> tuple[Rerun, list[ForwardMsg]]:
        """Has the page drawn, or a part of it."""
        request = BackMsg()
        state = request.rerun_script
        state.page_script_hash, state.query_string = self._hashes[self._page], self._query
        state.fragment_id, state.is_auto_rerun = part, bool(part)
        state.context_info.locale = "en"
        began = time.perf_counter()
        self._socket.send(request.SerializeToString())
        answers = self._answers()
        seconds = time.perf_counter() - began
        for answer in answers:
            if answer.HasField("auto_rerun"):
                self._parts[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
            for over in answer.stop_auto_rerun.fragment_ids:
                self._parts.pop(over, None)
        return Rerun(self._page, seconds, sum(answer.HasField("delta") for answer in answers)), answers

    def _answers(self) -> list[ForwardMsg]:
        """Returns what the server says until a script is over that was not broken off for another."""
        answers: list[ForwardMsg] = []
        self.said = b""
        while not answers or not is_end(answers[-1]):
            answer = self._socket.recv(ANSWER_LIMIT_SECONDS)
            assert isinstance(answer, bytes), "the protocol is binary"
            self.said += answer
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


def percentile(drawn: list[Rerun]) -> float:
    """Returns the seconds within which 95 of 100 pages were drawn."""
    return float(np.percentile([one.seconds for one in drawn], PERCENTILE))


@contextmanager
def connected(workspace: Workspace) -> Iterator[Reader]:
    """Starts a server on a workspace and gives a reader of its pages."""
    with running_server(workspace.home) as server, reader_of(server) as reader:
        yield reader


@contextmanager
def reader_of(server: Server) -> Iterator[Reader]:
    """Gives one more reader of a server's pages."""
    address = server.url.replace("http:", "ws:") + "/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], proxy=None, max_size=None) as socket:
        yield Reader(socket)
