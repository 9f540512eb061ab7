"""What the web server costs: from its start to the first usable page, and its memory before and after the journey.

python -m bench.server
"""

import json
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from scripts import shots
from scripts.chromium import FLAGS, find_chromium
from scripts.server import running_server


def resident_mb(pid: int) -> int:
    """Resident memory of one process, in MB."""
    return psutil.Process(pid).memory_info().rss // 1_000_000


def main() -> None:
    """Prints one line of JSON."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        began = time.monotonic()
        with running_server(Path(folder) / "home") as server:
            page = shots.open_tab(browser, server.url, shots.LOOKS[0])
            page.goto("/")
            page.get_by_role("button", name="New project").wait_for()
            report = {"seconds_to_first_page": round(time.monotonic() - began, 1)}
            report["memory_mb_at_first_page"] = resident_mb(server.process.pid)
            began = time.monotonic()
            page.reload()
            page.get_by_role("button", name="New project").wait_for()
            report["seconds_of_a_later_visit"] = round(time.monotonic() - began, 1)
            out = Path(folder)
            shots.bring_pictures(page, out)
            shots.train(page, out)
            shots.try_and_take_home(page, out, shots.unseen_pictures(out))
            report["memory_mb_after_the_journey"] = resident_mb(server.process.pid)
            maps = Path(f"/proc/{server.process.pid}/maps")
            if maps.exists():
                report["tensorflow_in_the_server"] = "tensorflow" in maps.read_text()
        browser.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
