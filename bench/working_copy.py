"""How fast a project's copy of a 12-megapixel JPEG is made, beside decoding it whole and resizing it.

    python -m bench.working_copy

Both sides write the same copy and the same thumbnail, in one thread; each is made in turn, and medians are compared,
for a photo as it comes out of phones, in two qualities of JPEG.
"""

import io
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from core.pictures import JPEG_QUALITY, LONGEST_SIDE, THUMBNAIL_QUALITY, THUMBNAIL_SIDE, working_copy

SIZE = (4000, 3000)
QUALITIES = (90, 80)
REPEATS = 9
AIM = 4.0


def photo() -> Image.Image:
    """Returns a picture with soft and fine structure and grain, whose JPEG is about as large as a phone's."""
    random = np.random.default_rng(1)
    made = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    for side, strength in ((8, 40), (64, 25), (512, 15), (2000, 12)):
        for channel in range(3):
            noise = Image.fromarray(random.normal(0, strength, (side * 3 // 4, side)).astype(np.float32))
            made[..., channel] += np.asarray(noise.resize(SIZE, Image.Resampling.BICUBIC))
    made += random.normal(128, 4, made.shape).astype(np.float32)
    return Image.fromarray(made.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, quality: int) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality)
    return written.getvalue()


def whole(data: bytes) -> None:
    """Makes the copy and the thumbnail without shrinking while decoding."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        for side, quality in ((LONGEST_SIDE, JPEG_QUALITY), (THUMBNAIL_SIDE, THUMBNAIL_QUALITY)):
            image.thumbnail((side, side), Image.Resampling.BICUBIC)
            image.save(io.BytesIO(), "JPEG", quality=quality, subsampling=0)


def seconds(work: Callable[[bytes], object], data: bytes) -> float:
    began = time.perf_counter()
    work(data)
    return time.perf_counter() - began


def medians(data: bytes) -> dict[str, float]:
    """Returns the seconds of both sides."""
    ways = {"whole": whole, "ours": working_copy}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(REPEATS + 1):
        for name, work in ways.items():
            spent = seconds(work, data)
            if repeat:  # the first warms up
                took[name].append(spent)
    return {name: statistics.median(values) for name, values in took.items()}


def measure() -> dict:
    image = photo()
    files = [encoded(image, quality) for quality in QUALITIES]
    both = [medians(data) for data in files]
    ratios = [one["whole"] / one["ours"] for one in both]
    return {
        "row": "working copy of a 12-megapixel JPEG beside a full decode and resize",
        "ratios": [round(ratio, 2) for ratio in ratios],
        "aim": f"at least {AIM}",
        "met": min(ratios) >= AIM,
        "file_mb": [round(len(data) / 1e6, 1) for data in files],
        "whole_ms": [round(1000 * one["whole"], 1) for one in both],
        "our_ms": [round(1000 * one["ours"], 1) for one in both],
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
