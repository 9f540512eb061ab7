"""Who may import whom: read from the source, and once for real in a fresh interpreter."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_PAGE_LINES = 120
MAX_MODULE_LINES = 400
ROWS_OF_DATA = {"core/backbones.py"}  # as long as its table

# Imports point downwards: a module imports from its own row or from rows above it in this table.
LAYERS = (
    {"text"},
    {"errors"},
    {
        "config",
        "events",
        "features",
        "fingerprints",
        "disk_rows",
        "forest",
        "half",
        "budget",
        "backbones",
        "summary",
        "formats",
        "metadata",
        "likeness",
        "overlay",
        "looks",
        "spelling",
        "finding",
        "pictures",
        "download",
        "weights",
        "predict",
        "processes",
        "whole",
        "work_folder",
        "progress",
        "crew",
        "reasons",
        "holding",
        "machines",
        "speeds",
        "connections",
        "workspace",
    },
    {
        "runs",
        "dataset",
        "projects",
        "sizes",
        "history",
        "presets",
        "layout",
        "split",
        "limits",
        "zip_parts",
        "incoming",
        "origins",
        "harvest",
        "durations",
        "costs",
        "probing",
    },
    {
        "curation",
        "freshness",
        "best",
        "saved",
        "housekeeping",
        "checks",
        "line",
        "jobs",
        "handover",
        "metrics",
        "charts",
        "examining",
        "taking",
        "samples",
        "orders",
        "intake",
        "intake_folder",
        "intake_worker",
        "readme",
        "takehome",
    },
    {"ui"},
)
# What a worker may know. Not the workspace and its database: it touches its own run folder and no more. `pictures` is
# the one decode path, `text` marks its sentences, `weights` fetches what is missing, and `predict` is what answers in
# the page, against which every export is replayed; `speeds` and `machines` say which way of computing pays,
# as the page foretold.
FOR_WORKERS = {
    "config",
    "events",
    "features",
    "fingerprints",
    "budget",
    "dataset",
    "backbones",
    "formats",
    "errors",
    "limits",
    "pictures",
    "text",
    "weights",
    "whole",
    "predict",
    "machines",
    "speeds",
}
STREAMLIT = {"streamlit", "starlette", "anyio"}
TENSORFLOW = {"tensorflow", "keras"}
PLAIN = {
    "ai_edge_litert",
    "babel",
    "h5py",
    "numpy",
    "pandas",
    "PIL",
    "pillow_heif",
    "platformdirs",
    "plotly",
    "psutil",
    "pyarrow",
    "sklearn",
}


def imports(source: str, package: str = "") -> set[str]:
    """The dotted names that a module of `package` imports, wherever in its text."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def of_core(names: set[str]) -> set[str]:
    """The modules of `core` among them, packages such as `ui` and `charts` as one."""
    return {name.split(".")[1] for name in names if name.startswith("core.")}


def modules(folder: str) -> dict[str, set[str]]:
    """Every module below `folder` by its path, with what it imports."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {
        str(path.relative_to(ROOT)): imports(
            path.read_text(encoding="utf-8"), ".".join(path.relative_to(ROOT).parts[:-1])
        )
        for path in paths
    }


CORE = modules("core")
UI = {path: names for path, names in CORE.items() if path.startswith("core/ui/")}
ML = {path: names for path, names in CORE.items() if path.startswith("core/ml/")}
PLAIN_CORE = {path: names for path, names in CORE.items() if path not in UI | ML}
PAGES = modules("pages")


def name_of(path: str) -> str:
    return Path(path).parts[1].removesuffix(".py")


def rank(name: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if name in layer)


def breaches(found: dict[str, set[str]], forbidden: set[str]) -> list[str]:
    return [f"{path} imports {name}" for path, names in found.items() for name in sorted(forbidden & top(names))]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import tensorflow as tf", {"tensorflow"}),
        ("import keras.layers", {"keras.layers"}),
        ("from core import text, errors", {"core.text", "core.errors"}),
        ("from core.ui.state import Key", {"core.ui.state.Key"}),
        ("def late():\n    import streamlit", {"streamlit"}),
        ("from .state import Key", {"core.ui.state.Key"}),
        ("from ..ml import model", {"core.ml.model"}),
        ("from . import state", {"core.ui.state"}),
    ],
)
def test_imports_are_found_however_they_are_written(source, names):
    assert imports(source, "core.ui") == names


def test_breaches_are_noticed():
    assert breaches({"core/a.py": {"tensorflow.keras", "json"}}, TENSORFLOW) == ["core/a.py imports tensorflow"]
    assert of_core({"core.ml.model", "core.text._", "numpy"}) == {"ml", "text"}
    assert rank("ui") > rank("jobs") > rank("runs") > rank("config") > rank("errors") > rank("text")


def test_there_is_something_to_look_at():
    assert len(PLAIN_CORE) > 10
    assert UI and ML and PAGES


def test_only_core_ui_imports_streamlit():
    assert breaches(PLAIN_CORE | ML, STREAMLIT) == []


def test_only_core_ml_imports_tensorflow():
    assert breaches(PLAIN_CORE | UI | PAGES, TENSORFLOW) == []


def test_core_ui_and_core_ml_never_import_each_other():
    assert [path for path, names in UI.items() if "ml" in of_core(names)] == []
    assert [path for path, names in ML.items() if "ui" in of_core(names)] == []


def test_plain_core_imports_plain_packages():
    known = PLAIN | set(sys.stdlib_module_names) | {"core"}
    assert [f"{path} imports {name}" for path, names in PLAIN_CORE.items() for name in top(names) - known] == []


def test_workers_know_little_of_the_rest():
    allowed = FOR_WORKERS | {"ml"}
    assert [f"{path} imports {name}" for path, names in ML.items() for name in of_core(names) - allowed] == []


@pytest.mark.parametrize("path", [path for path in PLAIN_CORE | UI if Path(path).name != "__init__.py"])
def test_every_module_has_its_layer(path):
    assert any(name_of(path) in layer for layer in LAYERS), f"{path} is new: give it a row in LAYERS"


def test_imports_point_one_way():
    wrong = [
        f"{path} imports {name}"
        for path, names in (PLAIN_CORE | UI).items()
        if path != "core/__init__.py"
        for name in of_core(names)
        if rank(name) > rank(name_of(path))
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_detour():
    known = {
        path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): names for path, names in CORE.items()
    }
    left = {
        module: {other for other in known if others_mean(names, other)} - {module} for module, names in known.items()
    }
    while left:
        free = {module for module, needs in left.items() if not needs & left.keys()}
        assert free, f"these import each other: {sorted(left)}"
        left = {module: needs for module, needs in left.items() if module not in free}


def others_mean(names: set[str], module: str) -> bool:
    """Whether one of the imported names is `module`, or something in it that is no module of its own."""
    return any(name == module or name.rpartition(".")[0] == module for name in names)


def test_the_workspace_is_opened_where_the_reader_is_known_and_nowhere_else():
    opened = re.compile(r"\bWorkspace(\.default)?\(|\bseen_by\(")
    paths = [ROOT / path for path in UI | PAGES]
    found = {path.relative_to(ROOT).as_posix(): len(opened.findall(path.read_text(encoding="utf-8"))) for path in paths}
    # `routes` finds the folder for uploads, of which each belongs to a token of one reader.
    assert {path: count for path, count in found.items() if count} == {"core/ui/state.py": 2, "core/ui/routes.py": 1}


def test_pages_import_core_and_streamlit_alone():
    known = {"core", "streamlit"} | set(sys.stdlib_module_names)
    found = PAGES | {"app.py": imports((ROOT / "app.py").read_text(encoding="utf-8"))}
    assert [f"{path} imports {name}" for path, names in found.items() for name in top(names) - known] == []
    assert [path for path, names in found.items() if "ml" in of_core(names)] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_stays_thin(path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MAX_PAGE_LINES


@pytest.mark.parametrize("path", sorted(CORE.keys() - ROWS_OF_DATA))
def test_a_module_stays_readable(path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


def test_server_imports_no_tensorflow(tmp_path):
    names = [path.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in PLAIN_CORE | UI]
    program = (
        "import importlib, sys\n"
        f"for name in {[*names, 'app']!r}: importlib.import_module(name)\n"
        f"print(sorted({TENSORFLOW!r} & set(sys.modules)))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"HEADSTART_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"
