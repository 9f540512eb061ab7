import importlib.util
import re
from pathlib import Path

import pytest

from core.limits import SETTINGS, Limits

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
MEASUREMENTS = ROOT / "docs" / "measurements.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
OF_THIS_REPOSITORY = re.compile(r"\.?[\w-][\w./-]*(/|\.(py|sh|md|txt|lock|toml))")


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", _text(page), flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)", _prose(page)) + re.findall(r'(?:src|srcset|href)="([^"]+)"', _prose(page))
    return [link for link in found if not link.startswith(("https://", "http://"))]


def _modules(text: str) -> set[str]:
    return set(re.findall(r"(?:python|\$\(PY\)) -m ([\w.]+)", text))


def _problem_with(page: Path, link: str) -> str | None:
    file, _, anchor = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    if not target.exists():
        return f"{link}: there is no such file"
    if anchor and anchor not in _anchors(target):
        return f"{link}: there is no such heading"
    return None


def _can_be_run(module: str) -> bool:
    try:
        found = importlib.util.find_spec(module)
        is_package = found is not None and found.submodule_search_locations is not None
        return importlib.util.find_spec(f"{module}.__main__") is not None if is_package else found is not None
    except ModuleNotFoundError:
        return False


def test_readme_names_only_targets_that_exist():
    named = set(re.findall(r"make ([a-z]+)\b", " ".join(re.findall(r"`[^`]+`|```.*?```", _text(README), re.DOTALL))))
    assert named
    assert named <= TARGETS


def test_readme_names_only_files_that_exist():
    spans = re.findall(r"`([^`\n]+)`", _prose(README))
    named = [span for span in spans if OF_THIS_REPOSITORY.fullmatch(span)]
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page):
    assert [problem for link in _links(page) if (problem := _problem_with(page, link))] == []


def test_link_that_leads_nowhere_is_noticed():
    assert _problem_with(README, "docs/nothing.md") == "docs/nothing.md: there is no such file"
    assert _problem_with(README, "#nothing-of-this-name") == "#nothing-of-this-name: there is no such heading"


def test_pictures_of_the_readme_say_what_they_show():
    assert [alt for alt in re.findall(r"!\[(.*?)\]", _text(README)) if len(alt) < 10] == []


def test_makefile_calls_only_modules_that_exist():
    modules = _modules(MAKEFILE)
    assert modules
    assert [module for module in modules if not _can_be_run(module)] == []


def test_measurements_can_be_repeated():
    modules = _modules(_text(MEASUREMENTS))
    assert modules, "every figure stands beside the command that prints it"
    assert [module for module in modules if not _can_be_run(module)] == []


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("HEADSTART_HOME", "core/workspace.py"),
        ("HEADSTART_FEATURES_GB", "core/budget.py"),
        ("HEADSTART_ENGINE", "core/processes.py"),
        ("HEADSTART_SHARED", "core/ui/sharing.py"),
        ("PORT", "scripts/run.sh"),
    ],
)
def test_settings_of_the_readme_are_those_of_the_code(setting, place):
    assert f"`{setting}`" in _text(README)
    assert setting in _text(ROOT / place)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_limits_of_the_readme_are_the_defaults(setting):
    default = getattr(Limits(), setting.limit) // setting.unit
    assert f"| `{setting.variable}` | {default} |" in _text(README)


def test_every_decision_is_numbered_and_titled():
    pages = [page for page in PAGES if page.parent.name == "decisions"]
    assert [page.name for page in pages if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)] == []
    assert [page.name for page in pages if not _text(page).startswith("# ")] == []
