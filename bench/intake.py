"""How fast many small pictures are taken in, and whether the memory stays flat.

    python -m bench.intake [--num 100000] [--kind folder|zip]

The same files go through a bare loop of read, decode and encode with Pillow in one process, through as many of these
at once as there are cores, and through the app's intake. The last line is JSON: files a second of all three, the
intake's share of the single loop's speed for each of its processes, its share of the loops' speed that run at once, and
the largest memory of the intake with few and with many pictures, all its processes together.
"""

import argparse
import io
import json
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from core import dataset, intake, projects
from core.intake_folder import IntakeFolder
from core.limits import Limits
from core.orders import Order
from core.workspace import Workspace

NUM_CLASSES = 200
SIDE = 64
FEW = 2_000
LOOK_SECONDS = 0.2  # to look costs some of what is measured
WORKERS = psutil.cpu_count() or 1


def write_pictures(folder: Path, first: int, last: int) -> None:
    """Writes pictures, each a soft pattern of its own, into class folders."""
    for index in range(first, last):
        random = np.random.default_rng(index)
        small = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
        path = folder / f"class-{index % NUM_CLASSES:03}" / f"{index:06}.jpg"
        small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path, "JPEG", quality=90)


def pictures(folder: Path, num: int) -> Path:
    """Makes a folder with so many pictures."""
    for label in range(NUM_CLASSES):
        (folder / f"class-{label:03}").mkdir(parents=True)
    edges = np.linspace(0, num, WORKERS + 1).astype(int)
    with ProcessPoolExecutor(WORKERS) as pool:
        for _ in pool.map(write_pictures, [folder] * WORKERS, edges[:-1], edges[1:]):
            pass
    return folder


def packed(folder: Path) -> Path:
    """Makes a zip of a folder."""
    file = folder.with_suffix(".zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.jpg")):
            archive.write(path, path.relative_to(folder))
    return file


def bare_loop(paths: list[Path], out: Path) -> float:
    """Returns the files a second of one process that does nothing but read, decode, encode and write."""
    out.mkdir(parents=True)
    began = time.perf_counter()
    for number, path in enumerate(paths):
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.convert("RGB").save(out / f"{number}.jpg", "JPEG", quality=95)
    return len(paths) / (time.perf_counter() - began)


def bare_loops(paths: list[Path], out: Path) -> float:
    """Returns the files a second of one such process for each core, each with its share and a folder of its own."""
    shares = [paths[first::WORKERS] for first in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS) as pool:
        return sum(pool.map(bare_loop, shares, [out / str(number) for number in range(WORKERS)]))


def take(source: Path, num: int, home: Path) -> tuple[float, float, float]:
    """Takes so many pictures into a new project.

    Returns:
        Files a second while every file is looked at, the largest memory of all processes in MB, and the seconds from
        the start to the pictures in the project, with the comparison of all with all.
    """
    workspace = Workspace(home)
    project = projects.create_project(workspace, "Many")
    kind = "zip" if source.suffix == ".zip" else "folder"
    began = time.perf_counter()
    intake.start_intake(workspace, project.id, Order(kind, str(source)), Limits())
    speed = largest = 0.0
    worker = psutil.Process(IntakeFolder.current(workspace, project.id).worker.pid)
    while not (status := intake.intake_status(workspace, project.id)).is_over:
        if status.stage == "looking":
            speed = status.per_second
        largest = max(largest, memory_mb(worker))
        time.sleep(LOOK_SECONDS)
    if status.error:
        raise status.error
    assert len(dataset.images(workspace, project.id)) == status.result.num_taken == num
    return speed, largest, time.perf_counter() - began


def memory_mb(process: psutil.Process) -> float:
    """Returns the memory of a process and those that it started, what they share counted once."""
    total = 0
    with suppress(psutil.Error):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += one.memory_full_info().pss
    return total / 1e6


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=100_000)
    parser.add_argument("--kind", choices=("folder", "zip"), default="folder")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = pictures(folder / "few", FEW), pictures(folder / "many", asked.num)
        paths = sorted(many.rglob("*.jpg"))
        bare, at_once = bare_loop(paths, folder / "bare"), bare_loops(paths, folder / "at-once")
        if asked.kind == "zip":
            few, many = packed(few), packed(many)
        _, few_mb, _ = take(few, FEW, folder / "home-few")
        speed, many_mb, many_seconds = take(many, asked.num, folder / "home-many")
    result = {
        "num": asked.num,
        "kind": asked.kind,
        "processes": WORKERS,
        "bare_per_second": round(bare),
        "bare_at_once_per_second": round(at_once),
        "intake_per_second": round(speed),
        "share_per_process": round(speed / (bare * WORKERS), 2),
        "share_of_loops_at_once": round(speed / at_once, 2),
        "intake_seconds": round(many_seconds, 1),
        "few_mb": round(few_mb),
        "many_mb": round(many_mb),
        "memory_ratio": round(many_mb / few_mb, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
