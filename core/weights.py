"""Pretrained weights: downloaded into Keras' cache folder, or taken from a file that somebody brings."""

import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

import h5py

from core import backbones
from core.backbones import Backbone
from core.download import OnProgress, disk_problem, download, matches, values_of
from core.errors import AppError
from core.text import N_


class WrongWeightsFileError(AppError):
    """The file that was brought is not the one that the backbone needs."""

    sentence = N_("This is not the file {file} that {backbone} needs. Download it from {url} and choose it here.")


def fetch_weights(backbone: Backbone, on_progress: OnProgress | None = None) -> Path:
    """Downloads a backbone's weights unless they are there, and returns where they are.

    Raises:
        DownloadError: They cannot be had; the sentence says what to download, from where, and into which folder.
    """
    path = backbones.weights_path(backbone)
    weights = backbone.weights
    if weights is None or path.exists():
        return path
    return download(
        weights.url,
        path,
        checksum=weights.checksum,
        is_right=lambda file: _is_right(file, backbone),
        on_progress=on_progress,
    )


def accept_weights(backbone: Backbone, file: BinaryIO) -> Path:
    """Takes a weights file that was downloaded elsewhere, checks it, and puts it into Keras' cache folder.

    Args:
        backbone: A row with published weights.
        file: The open file.

    Raises:
        WrongWeightsFileError: It is another file, or damaged.
        DownloadError: It does not fit on the disk, or the folder is closed to us.
    """
    path = backbones.weights_path(backbone)
    weights = backbone.weights
    if weights is None:
        return path
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.brought")
    try:
        _copy(file, part)
    except OSError as error:
        raise (disk_problem(error, values_of(weights.url, path)) or error) from error
    if not _is_right(part, backbone):
        part.unlink()
        raise WrongWeightsFileError(file=weights.file, backbone=backbone.title, url=weights.url)
    return part.replace(path)


def _copy(file: BinaryIO, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as opened:
        shutil.copyfileobj(file, opened)


def _is_right(file: Path, backbone: Backbone) -> bool:
    if backbone.weights and backbone.weights.checksum:
        return matches(file, backbone.weights.checksum)
    return num_parameters(file) == backbone.parameters


def num_parameters(file: Path) -> int:
    """Counts the numbers that Keras would read from a weights file (`.h5`); 0 when it is no such file, or damaged."""
    try:
        with h5py.File(file) as opened:
            layers = opened if "layer_names" in opened.attrs else opened["model_weights"]
            return sum(_num_in_layer(layers[name]) for name in layers.attrs["layer_names"])
    except (OSError, KeyError, RuntimeError, ValueError, AttributeError):
        return 0  # h5py raises any of these on a file that is none, is cut, or holds other things


def _num_in_layer(layer: h5py.Group) -> int:
    return sum(layer[name].size for name in layer.attrs["weight_names"])
