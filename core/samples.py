"""Sample sets for a first visit: two that need no network, and one to download."""

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from core.download import download, matches
from core.incoming import Incoming
from core.origins import Origin, of_pictures
from core.taking import OnProgress
from core.text import N_
from core.workspace import Workspace

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGIT_SIDE = 64
DRAWN_PER_CLASS = 60
DRAWN_SIDE = 96
DRAWN_SEED = 7
PALE, STRONG, DARK = (205, 250), (90, 190), (10, 90)  # ranges of a colour's channels
UPRIGHT, TILT = -np.pi / 2, 0.35  # angles of the first corner, in radians
FLOWERS_URL = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
# Source: TensorFlow Datasets' list of checksums, url_checksums/tf_flowers.txt
FLOWERS_CHECKSUM = "sha256:4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"


@dataclass(frozen=True)
class Sample:
    """A set of pictures to begin with.

    Attributes:
        name: Its key in `SAMPLES`.
        title: A message of gettext.
        description: A message of gettext.
        num_images: How many pictures it has.
        needs_network: Whether it is downloaded when it is first taken.
        licence: What one may do with it.
        source: Who made it.
        opened: Gives its pictures, laid out as a folder of class folders.
    """

    name: str
    title: str
    description: str
    num_images: int
    needs_network: bool
    licence: str
    source: str
    opened: Callable[[Workspace, OnProgress | None], AbstractContextManager[Iterable[Incoming]]]


@contextmanager
def opened(workspace: Workspace, sample_name: str, on_progress: OnProgress | None = None) -> Iterator[Origin]:
    """Opens one of `SAMPLES`.

    Args:
        workspace: What was downloaded stays in its `downloads`, for other projects too.
        sample_name: A key of `SAMPLES`.
        on_progress: Told the bytes, done and in all, while something is downloaded.

    Raises:
        DownloadError: It has to be downloaded and cannot be.
    """
    with SAMPLES[sample_name].opened(workspace, on_progress) as pictures:
        yield of_pictures(pictures)


@contextmanager
def _digits(workspace: Workspace, on_progress: OnProgress | None) -> Iterator[Iterable[Incoming]]:
    # Imported late: scikit-learn takes a second and 80 MB, which a page that only lists the samples need not spend.
    from sklearn.datasets import load_digits

    digits = load_digits()
    yield [
        Incoming(f"{DIGITS[target]}/{index:04}.png", partial(_digit, values))
        for index, (target, values) in enumerate(zip(digits.target, digits.images, strict=True))
    ]


def _digit(values: np.ndarray) -> bytes:
    """Dark ink on white paper; `values` are (8, 8), ink from 0 to 16."""
    paper = Image.fromarray((255 - values * (255 / 16)).astype(np.uint8)).convert("RGB")
    return _png(paper.resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.BICUBIC))


@contextmanager
def _shapes(workspace: Workspace, on_progress: OnProgress | None) -> Iterator[Iterable[Incoming]]:
    yield [
        Incoming(f"{shape}/{index:02}.png", partial(_drawn, shape, index))
        for shape in SHAPES
        for index in range(DRAWN_PER_CLASS)
    ]


def _drawn(shape: str, index: int) -> bytes:
    return _png(draw(shape, index))


def draw(shape: str, index: int) -> Image.Image:
    """Draws one shape in a random strong colour, size, place and tilt on a random pale ground.

    Args:
        shape: A key of `SHAPES`.
        index: The same shape and index give the same picture.

    Returns:
        RGB, `DRAWN_SIDE` pixels square.
    """
    random = np.random.default_rng((DRAWN_SEED, list(SHAPES).index(shape), index))
    image = Image.new("RGB", (DRAWN_SIDE, DRAWN_SIDE), _rgb(random.integers(*PALE, 3)))
    colour = random.permutation([random.integers(*DARK), random.integers(*DARK), random.integers(*STRONG)])
    radius = random.uniform(0.28, 0.42) * DRAWN_SIDE
    centre = random.uniform(radius, DRAWN_SIDE - radius, 2)
    corners = SHAPES[shape](UPRIGHT + random.uniform(-TILT, TILT)) * radius + centre
    ImageDraw.Draw(image).polygon(corners.flatten().tolist(), fill=_rgb(colour))
    noisy = np.asarray(image, dtype=np.float64) + random.normal(0, 6, (DRAWN_SIDE, DRAWN_SIDE, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _rgb(values: np.ndarray) -> tuple[int, ...]:
    return tuple(values.tolist())


def _polygon(num_corners: int, turn: float) -> np.ndarray:
    """Corners (num_corners, 2) on the unit circle."""
    angles = turn + np.arange(num_corners) * 2 * np.pi / num_corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star(turn: float) -> np.ndarray:
    return _polygon(10, turn) * np.where(np.arange(10) % 2, 0.45, 1.0)[:, None]


def _square(turn: float) -> np.ndarray:
    return _polygon(4, turn + np.pi / 4)


SHAPES: dict[str, Callable[[float], np.ndarray]] = {
    "circle": partial(_polygon, 48),
    "square": _square,
    "star": _star,
    "triangle": partial(_polygon, 3),
}


def _png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@contextmanager
def _flowers(workspace: Workspace, on_progress: OnProgress | None) -> Iterator[Iterable[Incoming]]:
    with opened_tar(flowers_archive(workspace, FLOWERS_URL, FLOWERS_CHECKSUM, on_progress)) as pictures:
        yield pictures


def flowers_archive(workspace: Workspace, url: str, checksum: str, on_progress: OnProgress | None = None) -> Path:
    """Returns the file behind `url`: the one that is in `downloads` already, perhaps put there by hand, or a new one.

    Raises:
        DownloadError: It is not there and cannot be downloaded.
    """
    there = workspace.home / "downloads" / url.rsplit("/", 1)[-1]
    if there.exists() and matches(there, checksum):
        return there
    tell = (lambda done, total: on_progress(done, total, "downloading")) if on_progress else None
    return download(url, there, checksum=checksum, on_progress=tell)


@contextmanager
def opened_tar(archive: Path) -> Iterator[Iterable[Incoming]]:
    """Opens a checked tar of class folders for its JPEGs; nothing is unpacked onto the disk."""
    with tarfile.open(archive) as tar:
        yield _jpegs(tar)


def _jpegs(tar: tarfile.TarFile) -> Iterable[Incoming]:
    for member in tar:
        if member.isfile() and member.name.endswith(".jpg"):
            yield Incoming(member.name, partial(_read_member, tar, member))


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None, "only files are listed"
    return file.read()


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample(
            name="drawn",
            title=N_("Drawn shapes"),
            description=N_("Circles, squares, stars and triangles, drawn by this app. Made up, small and quick."),
            num_images=DRAWN_PER_CLASS * len(SHAPES),
            needs_network=False,
            licence="Apache-2.0",
            source="Headstart",
            opened=_shapes,
        ),
        Sample(
            name="digits",
            title=N_("Handwritten digits"),
            description=N_("The digits zero to nine as thirteen people wrote them, tiny and grey. Real handwriting."),
            num_images=1797,
            needs_network=False,
            licence="CC BY 4.0",
            source="E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, as in scikit-learn",
            opened=_digits,
        ),
        Sample(
            name="flowers",
            title=N_("Flowers"),
            description=N_("Photos of daisies, dandelions, roses, sunflowers and tulips. A download of 229 MB."),
            num_images=3670,
            needs_network=True,
            licence="CC BY 2.0",
            source="The TensorFlow Team; the photographers are named in LICENSE.txt of flower_photos.tgz",
            opened=_flowers,
        ),
    )
}
