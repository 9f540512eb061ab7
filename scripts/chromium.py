"""Which Chromium the browser tests and the screenshots use; `python -m scripts.chromium` gets one if there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPS = ("Chromium.app/Contents/MacOS/Chromium", "Google Chrome.app/Contents/MacOS/Google Chrome")
MAC_FOLDERS = (Path("/Applications"), Path.home() / "Applications")
# Root in a container cannot use Chromium's sandbox; the fake devices stand in for a camera.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
DOWNLOAD = (sys.executable, "-m", "playwright", "install", "chromium")
APT_GET = (("apt-get", "update"), ("apt-get", "install", "-y", "--no-install-recommends", "chromium"))
INSTALL_LIMIT_SECONDS = 300


def find_chromium() -> str | None:
    """Returns the browser's program: that of `CHROMIUM`, else the machine's own, else Playwright's, else None."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return shutil.which(chosen)
    return _of_this_machine() or _of_playwright()


def _of_this_machine() -> str | None:
    commands = filter(None, map(shutil.which, COMMANDS))
    apps = (str(folder / app) for folder in MAC_FOLDERS for app in MAC_APPS)
    return next(filter(_works, [*commands, *apps]), None)


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if _works(path) else None


def _works(program: str) -> bool:
    # Ubuntu's chromium-browser may be an empty shell, and a downloaded browser may lack the system's libraries.
    return Path(program).exists() and _run(program, "--version", limit_seconds=30)


def _run(*command: str, limit_seconds: float, quiet: bool = True) -> bool:
    output = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(command, stdout=output, stderr=output, timeout=limit_seconds).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def get_chromium() -> str | None:
    """Returns the browser's program as `find_chromium` does, and installs one first where there is none and it may."""
    found = find_chromium()
    if found or os.environ.get("CHROMIUM"):
        return found
    print("There is no Chromium here; fetching one for the browser tests.", flush=True)
    _run(*DOWNLOAD, limit_seconds=INSTALL_LIMIT_SECONDS, quiet=False)
    return find_chromium() or _from_debian()


def _from_debian() -> str | None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    for command in APT_GET:
        _run(*command, limit_seconds=INSTALL_LIMIT_SECONDS, quiet=False)
    return find_chromium()


if __name__ == "__main__":
    found = get_chromium()
    print(found or "There is still no Chromium here.", file=sys.stdout if found else sys.stderr)
    sys.exit(not found)
