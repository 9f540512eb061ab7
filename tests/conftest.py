"""What every test may use: an empty workspace, folders of made-up pictures, the optional data folder; and the order."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from xdist.remote import Producer

from core.workspace import HOME_VARIABLE, Workspace
from tests.order import ByBackbone, turn

TESTS = Path(__file__).parent
SHARED_DATA = TESTS.parent.parent / "shared"
PictureFolder = Callable[..., Path]


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return Workspace(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures and published weights beside the repository, on machines that have one."""
    if not SHARED_DATA.is_dir():
        pytest.skip("there is no folder of shared data beside the repository")
    return SHARED_DATA


@pytest.fixture
def picture_folder(tmp_path) -> PictureFolder:
    """Makes a folder of class folders: `picture_folder(classes=3, each=10)`, more than once if named differently."""

    def make(classes: int = 2, each: int = 8, *, size: int = 48, name: str = "pictures") -> Path:
        random = np.random.default_rng(1)
        for label in range(classes):
            colour = random.integers(40, 216, 3)
            for number in range(each):
                noise = random.normal(0, 16, (size, size, 3))
                file = tmp_path / name / f"class-{label + 1}" / f"{number + 1}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8)).save(file)
        return tmp_path / name

    return make


def _part(item: pytest.Item) -> str:
    return (item.path.relative_to(TESTS).parts[:-1] or ("",))[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of real Keras and of the browser, and puts all into their order."""
    for item in items:
        if _part(item) in ("ml", "browser"):
            item.add_marker(_part(item))
    items.sort(key=lambda item: turn(_part(item), item))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByBackbone | None:
    return ByBackbone(config, log) if config.getoption("dist") == "load" else None
