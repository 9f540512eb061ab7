"""The zip that a trained model goes home in: the model, its labels, a small program, what that needs, and a README."""

import hashlib
import os
import re
import tempfile
import unicodedata
import zipfile
from importlib.metadata import version
from pathlib import Path
from string import Template

from core.config import RunConfig
from core.predict import NoModelYetError
from core.readme import write_readme
from core.text import _

MODEL_FILE = "model.keras"
PACKAGES = ("tensorflow", "keras", "pillow", "numpy")
PROGRAM = Path(__file__).parent / "templates" / "predict.py.txt"
MAX_NAME_LENGTH = 60


def zip_name(title: str, kind: str = "model") -> str:
    """Returns a file name for a zip that every operating system takes, whatever the model or the project is called."""
    words = re.sub(r"\W+", "-", unicodedata.normalize("NFC", title)).strip("-_")
    return f"{words[:MAX_NAME_LENGTH].rstrip('-_') or 'headstart'}-{kind}.zip"


def package_zip(run_folder: Path, destination: Path, title: str) -> Path:
    """Packs what is needed to use a run's model without Headstart, in the present reader's language.

    A zip that is already there and holds the same is left as it is.

    Args:
        run_folder: The folder of a run that has a model.
        destination: The zip's path; its folder is made where missing.
        title: What the model is called in its README.

    Returns:
        `destination`.

    Raises:
        NoModelYetError: The run has no model.
        NoResultsYetError: The run has no predictions.
    """
    model = run_folder / MODEL_FILE
    if not model.exists():
        raise NoModelYetError()
    config = RunConfig.from_json((run_folder / "config.json").read_text(encoding="utf-8"))
    texts = {
        "README.md": write_readme(run_folder, title),
        "labels.txt": "".join(" ".join(label.split()) + "\n" for label in config.labels),
        "predict.py": _program(config.image_size),
        "requirements.txt": "".join(f"{package}=={version(package)}\n" for package in PACKAGES),
    }
    stamp = _stamp(model, texts)
    if _stamp_inside(destination) != stamp:
        _write_whole(destination, model, texts, stamp)
    return destination


def _program(image_size: int) -> str:
    """The program for at home; words go in as Python literals, so that no translation can break it."""
    words = {
        "usage": _("Name at least one picture, such as: python predict.py picture.jpg"),
        "unreadable": _("this picture cannot be read:"),
    }
    literals = {name: ascii(word) for name, word in words.items()}
    return Template(PROGRAM.read_text(encoding="utf-8")).substitute(literals, size=image_size)


def _stamp(model: Path, texts: dict[str, str]) -> bytes:
    """Changes whenever the zip's contents would: with the model, the title, the language, the installed versions."""
    about = model.stat()
    digest = hashlib.sha256(f"{about.st_mtime_ns} {about.st_size}".encode())
    for name, text in texts.items():
        digest.update(f"\0{name}\0{text}".encode())
    return digest.hexdigest().encode()


def _stamp_inside(path: Path) -> bytes | None:
    try:
        with zipfile.ZipFile(path) as packed:
            return packed.comment
    except (FileNotFoundError, zipfile.BadZipFile):
        return None


def _write_whole(destination: Path, model: Path, texts: dict[str, str], stamp: bytes) -> None:
    """Writes beside `destination` and puts it in place at once, so that nobody ever downloads half a zip."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=destination.parent, prefix=".packing-", suffix=".zip")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.comment = stamp
            # Trained weights hardly shrink; packing them would only take time.
            packed.write(model, MODEL_FILE, compress_type=zipfile.ZIP_STORED)
            for name, text in texts.items():
                packed.writestr(name, text)
        Path(beside).replace(destination)
    finally:
        Path(beside).unlink(missing_ok=True)
