"""Limits: what is taken in at a time, each with a setting of its own."""

import os
from dataclasses import dataclass

from core.errors import AppError
from core.pictures import MAX_PIXELS
from core.text import N_

MEGABYTE = 1024**2
GIGABYTE = 1024**3
MILLION = 1_000_000
FREE_BYTES_KEPT = 200 * MEGABYTE  # of the disk, beyond what is brought


class LimitError(AppError):
    """A setting is not a number, or one that no computer bears."""

    sentence = N_(
        "{variable} is “{value}”, but it must be a whole number from 1 to {most}. Change it and start Headstart again."
    )


@dataclass(frozen=True)
class Limits:
    """What is taken in at a time, so that no file can fill the memory or the disk.

    Attributes:
        file_bytes: Of one file.
        pixels: Of one picture.
        num_files: In one folder or zip.
        unpacked_bytes: Of all files of a zip together.
        zip_ratio: Unpacked to packed size of one file; photos hardly shrink, deflate's utmost is about 1,000.
    """

    file_bytes: int = 50 * MEGABYTE
    pixels: int = MAX_PIXELS
    num_files: int = 200_000
    unpacked_bytes: int = 20 * GIGABYTE
    zip_ratio: int = 200

    @classmethod
    def from_environment(cls) -> "Limits":
        """Returns the limits that the settings ask for; what they leave open is as above.

        Raises:
            LimitError: A setting is not a number that can be meant.
        """
        asked = {setting.limit: _asked(setting) for setting in SETTINGS if os.environ.get(setting.variable)}
        return cls(**asked)


@dataclass(frozen=True)
class Setting:
    """An environment variable for a limit.

    Attributes:
        variable: Its name.
        limit: The name of the attribute of `Limits`, empty for none of these.
        unit: How much 1 is.
        most: The largest number that it may be.
    """

    variable: str
    limit: str
    unit: int
    most: int


SETTINGS = (
    Setting("HEADSTART_MAX_FILE_MB", "file_bytes", MEGABYTE, 2_000),
    Setting("HEADSTART_MAX_MEGAPIXELS", "pixels", MILLION, 2 * MAX_PIXELS // MILLION),  # Pillow refuses more
    Setting("HEADSTART_MAX_FILES", "num_files", 1, 10 * MILLION),
    Setting("HEADSTART_MAX_UNPACKED_GB", "unpacked_bytes", GIGABYTE, 100_000),
    Setting("HEADSTART_MAX_ZIP_RATIO", "zip_ratio", 1, 1_000),
)
MEMORY = Setting("HEADSTART_MEMORY_MB", "", MEGABYTE, 100 * MILLION)


def asked_memory_bytes() -> int | None:
    """Returns how much memory a training may take at most, None where the setting leaves that open.

    Raises:
        LimitError: The setting is not a number that can be meant.
    """
    return _asked(MEMORY) if os.environ.get(MEMORY.variable) else None


def _asked(setting: Setting) -> int:
    text = os.environ[setting.variable]
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= setting.most:
        raise LimitError(variable=setting.variable, value=text, most=setting.most)
    return number * setting.unit
