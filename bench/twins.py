"""Copies planted among 1,000 pictures, and how many of them are found as near duplicates.

    python -m bench.twins [--drawn] [--seed 1] [--speed 10000 100000]

The pictures are the photos of the folder `shared` beside the repository, or drawn shapes where it is not there. Every
second picture gets a copy, the kinds in turn; all go through the same working copies and thumbnails as in a project. A
group is false when it joins pictures that are neither copies nor in `OWN_TWINS`: near duplicates that the photos had
among themselves, each looked at.
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bench.setting import batches_of
from core.crew import CHUNK_FILES
from core.likeness import COLOUR_SIDE, LENGTH_BYTES, SIDE, find_groups, fingerprints
from core.overlay import cosines, frequencies
from core.pictures import working_copy
from core.samples import SHAPES, draw

DATASETS = Path(__file__).parents[2] / "shared" / "datasets"
NUM_DRAWN = 1000
QUARTERS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
EVERY = 2
CROPPED = 0.05  # of a side
BRIGHTER = 0.1
KEPT, GOOD, LOW = 95, 90, 20  # qualities of a JPEG
LEAST_RECALL, LARGEST_FALSE_SHARE = 0.95, 0.01
BLOCK = 10_000
OWN_TWINS = (
    {"trash/paper/paper314.jpg", "trash/paper/paper53.jpg"},
    {"trash/plastic/plastic118.jpg", "trash/plastic/plastic137.jpg"},
)

Copy = Callable[[Image.Image, np.random.Generator], bytes]


def resized(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    factor = random.uniform(0.25, 0.75)
    return picture.resize((round(factor * picture.width), round(factor * picture.height)), Image.Resampling.BICUBIC)


def brighter(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Makes it a tenth brighter or darker; what gets too bright stays white."""
    factor = 1 + random.choice([-BRIGHTER, BRIGHTER])
    return picture.point(lambda value: min(255, round(value * factor)))


def cropped(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Cuts a part of one to four sides, which ones being drawn."""
    cut = np.zeros(4, dtype=bool)
    cut[random.permutation(4)[: random.integers(1, 5)]] = True
    left, top, right, bottom = cut * CROPPED
    box = (left * picture.width, top * picture.height, (1 - right) * picture.width, (1 - bottom) * picture.height)
    return picture.crop(tuple(map(round, box)))


def jpeg(picture: Image.Image, quality: int) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return written.getvalue()


KINDS: dict[str, Copy] = {
    "resized": lambda picture, random: jpeg(resized(picture, random), GOOD),
    "re-encoded": lambda picture, random: jpeg(picture, LOW),
    "brighter or darker": lambda picture, random: jpeg(brighter(picture, random), GOOD),
    "cropped": lambda picture, random: jpeg(cropped(picture, random), GOOD),
    "mirrored": lambda picture, random: jpeg(ImageOps.mirror(picture), GOOD),
    "turned by a quarter": lambda picture, random: jpeg(picture.transpose(random.choice(QUARTERS)), GOOD),
    "all of it": lambda picture, random: jpeg(resized(brighter(cropped(picture, random), random), random), LOW),
}


def photos() -> dict[str, Image.Image]:
    """Returns the pictures by name; none where the folder is not there."""
    return {path.relative_to(DATASETS).as_posix(): _photo(path) for path in sorted(DATASETS.rglob("*.jpg"))}


def _photo(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("RGB")


def drawings() -> dict[str, Image.Image]:
    each = NUM_DRAWN // len(SHAPES)
    return {f"{shape}/{index}": draw(shape, index) for shape in SHAPES for index in range(each)}


def fingerprint_of(data: bytes) -> bytes:
    """The fingerprint that a project would keep of a file."""
    return fingerprints([working_copy(data).small])[0]


def table(prints: list[bytes]) -> np.ndarray:
    """Returns fingerprints as uint8 (pictures, LENGTH_BYTES)."""
    return np.frombuffer(b"".join(prints), np.uint8).reshape(-1, LENGTH_BYTES)


def measure(pictures: dict[str, Image.Image], seed: int) -> dict:
    """Plants the copies and returns the figures."""
    random = np.random.default_rng(seed)
    names = list(pictures)
    chosen = random.permutation(len(names))[::EVERY].tolist()
    kinds = np.array([list(KINDS)[number % len(KINDS)] for number in range(len(chosen))])
    files = [jpeg(picture, KEPT) for picture in pictures.values()]
    files += [KINDS[kind](pictures[names[index]], random) for kind, index in zip(kinds, chosen, strict=True)]
    groups = find_groups(table([fingerprint_of(data) for data in files]))
    copies = groups[len(names) :]
    found = (groups[chosen] == copies) & (copies >= 0)
    wrong, own = mixed(groups, names + [names[index] for index in chosen])
    num_groups = int(groups.max()) + 1
    return {
        "pictures": len(names),
        "copies": len(copies),
        "recall": round(float(found.mean()), 4),
        "recall_by_kind": {kind: round(float(found[kinds == kind].mean()), 4) for kind in KINDS},
        "groups": num_groups,
        "false_share": round(len(wrong) / num_groups, 4),
        "false_groups": wrong,
        "own_twins": own,
    }


def mixed(groups: np.ndarray, origins: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    """Returns the groups that join different pictures: the false ones, and those whose pictures are known twins."""
    members: dict[int, set[str]] = {}
    for group, origin in zip(groups.tolist(), origins, strict=True):
        members.setdefault(group, set()).add(origin)
    several = [names for group, names in members.items() if group >= 0 and len(names) > 1]
    own = [names for names in several if any(names <= twins for twins in OWN_TWINS)]
    return [sorted(names) for names in several if names not in own], [sorted(names) for names in own]


def clouds(count: int, random: np.random.Generator) -> list[bytes]:
    """Makes up fingerprints with shapes as coarse and fine as in photos; the last tenth repeats the first."""
    waves = random.normal(size=(count, SIDE, SIDE)).astype(np.float32) / (frequencies(SIDE) + 1)
    brightness = 128 + 400 * (cosines(SIDE, SIDE).T @ waves @ cosines(SIDE, SIDE))
    colours = random.normal(128, 4, (count, 2 * COLOUR_SIDE**2)) + random.normal(0, 20, (count, 1))
    values = np.concatenate([brightness.reshape(count, -1), colours], axis=1).clip(0, 255)
    values[count - count // 10 :] = values[: count // 10]
    return [one.tobytes() for one in (values + random.normal(0, 1, values.shape)).clip(0, 255).astype(np.uint8)]


def seconds_of(count: int) -> float:
    """Returns how long the groups of so many pictures take."""
    random = np.random.default_rng(1)
    prints = [one for _ in range(count // BLOCK) for one in clouds(BLOCK, random)]
    began = time.perf_counter()
    groups = find_groups(table(prints))
    assert groups.max() + 1 >= count // 10, "the repeated ones are found"
    return time.perf_counter() - began


def fingerprint_ms(pictures: dict[str, Image.Image]) -> float:
    """Returns the milliseconds of a fingerprint from a thumbnail, as many at a time as in an intake."""
    thumbnails = [picture.resize((192, 144)) for picture in pictures.values()]
    began = time.perf_counter()
    for some in batches_of(thumbnails, CHUNK_FILES):
        fingerprints(some)
    return (time.perf_counter() - began) / len(thumbnails) * 1000


def main() -> None:
    """Prints the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawn", action="store_true", help="drawn shapes, whether or not there are photos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=int, nargs="*", default=[10_000], help="time the groups of so many, too")
    options = parser.parse_args()
    pictures = (not options.drawn and photos()) or drawings()
    figures = measure(pictures, options.seed)
    print(
        json.dumps(
            figures
            | {
                "met": figures["recall"] >= LEAST_RECALL and figures["false_share"] < LARGEST_FALSE_SHARE,
                "fingerprint_ms": round(fingerprint_ms(pictures), 3),
                "seconds": {str(count): round(seconds_of(count), 2) for count in options.speed},
            }
        )
    )


if __name__ == "__main__":
    main()
