"""Pictures: the one way they are decoded, and the small copies that a project keeps."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from core.errors import AppError
from core.metadata import without_metadata
from core.text import N_

pillow_heif.register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "HEIF")
SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".bmp",
    ".dib",
    ".gif",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
)
KEPT_AS_IT_IS = {"JPEG": ".jpg", "PNG": ".png"}
MAX_PIXELS = 150_000_000
LONGEST_SIDE = 1024  # more than any backbone of the catalog looks at
# libjpeg may shrink while it decodes, to a half, a quarter or an eighth. A little under the longest side will do: then
# the 4,000 pixels of a 12-megapixel photo become 1,000 and not first 2,000.
SMALLEST_SHARE = 7 / 8
JPEG_QUALITY = 95
THUMBNAIL_SIDE = 192
THUMBNAIL_QUALITY = 85
ORIENTATION_TAG = 0x0112
UPRIGHT, TURNED, ON_ITS_SIDE = 1, range(2, 9), range(5, 9)  # values of that tag
DEEP_TO_EIGHT_BITS = 257  # 65,535 becomes 255
BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|II[*+]\0|MM\0[*+]|RIFF....WEBP|BM....\0{4}|....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL
)
SRGB = ImageCms.createProfile("sRGB")

# Pillow itself refuses what is twice as large, should a format say its size only late.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class UnreadablePictureError(AppError):
    """The bytes begin like a picture and do not go on like one."""

    sentence = N_(
        "This picture cannot be read: it is damaged or incomplete. Open it in another program, save it anew, and add "
        "it again."
    )


class NotAPictureError(UnreadablePictureError):
    """The bytes are something else."""

    sentence = N_(
        "This file is not a picture that Headstart reads. It reads JPEG, PNG, WebP, BMP, GIF, TIFF and HEIC: save it "
        "as one of these and add it again."
    )


class TooManyPixelsError(UnreadablePictureError):
    """Decoding it would fill the memory."""

    sentence = N_(
        "This picture has more than {limit_megapixels} million pixels. Make it smaller in another program and add it "
        "again."
    )


@dataclass(frozen=True)
class WorkingCopy:
    """What a project keeps of a picture.

    Attributes:
        data: The picture's own bytes without metadata, or those of a JPEG made from it; the longest side is at most
            `LONGEST_SIDE`.
        suffix: `.jpg` or `.png`, as the bytes are.
        thumbnail: A JPEG whose longest side is `THUMBNAIL_SIDE`; None for a picture that is no larger itself.
        width: Of the original as people see it, in pixels.
        height: The same.
        small: The picture of the thumbnail, upright and RGB.
    """

    data: bytes
    suffix: str
    thumbnail: bytes | None
    width: int
    height: int
    small: Image.Image


def decode(source: Path | bytes | BinaryIO, image_size: int) -> np.ndarray:
    """Decodes a picture for a network: the same way in training, in prediction and in the program taken home.

    Large JPEGs are shrunk while they are decoded; the picture is turned upright, laid on white where it is
    transparent, and stretched to a square.

    Args:
        source: A file, its bytes, or an open file.
        image_size: Side of the square, in pixels.

    Returns:
        uint8 (image_size, image_size, 3), RGB.

    Raises:
        UnreadablePictureError: It is not a picture, damaged, or far too large.
    """
    with _opened(source, MAX_PIXELS) as image:
        image.draft("RGB", (image_size, image_size))
        ImageOps.exif_transpose(image, in_place=True)
        upright = _as_rgb(image)
        return np.asarray(upright.resize((image_size, image_size), Image.Resampling.BILINEAR))


def working_copy(data: bytes, *, max_pixels: int = MAX_PIXELS) -> WorkingCopy:
    """Checks a picture by decoding it whole, and makes the copy and the thumbnail that a project keeps.

    An upright RGB picture that is JPEG or PNG and small enough keeps its bytes, except those that say something else
    than its pixels; all else becomes a JPEG.

    Raises:
        UnreadablePictureError: It is not a picture, damaged, or far too large.
    """
    with _opened(data, max_pixels) as image:
        orientation = image.getexif().get(ORIENTATION_TAG, UPRIGHT)
        suffix = None if orientation in TURNED else _kept_suffix(image)
        kept = without_metadata(data, str(image.format)) if suffix else None
        width, height = reversed(image.size) if orientation in ON_ITS_SIDE else image.size
        image.draft(None, _wanted_size(image.size))
        image.load()  # whole, which is the check
        if orientation in TURNED:
            ImageOps.exif_transpose(image, in_place=True)
        upright = _as_rgb(image)
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BICUBIC)
        made = kept or _jpeg(upright, JPEG_QUALITY)
        is_tiny = max(upright.size) <= THUMBNAIL_SIDE
        upright.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC)
        thumbnail = None if is_tiny else _jpeg(upright, THUMBNAIL_QUALITY)
        suffix = suffix if suffix and kept else ".jpg"
        return WorkingCopy(made, suffix, thumbnail, width, height, upright)


@contextmanager
def _opened(source: Path | bytes | BinaryIO, max_pixels: int) -> Iterator[Image.Image]:
    """Opens a picture; whatever Pillow says against it while the block runs becomes one of our sentences."""
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    too_many = TooManyPixelsError(limit_megapixels=round(max_pixels / 1_000_000))
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise too_many
            yield image
    except (AppError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many from error
    except UnidentifiedImageError as error:
        raise UnreadablePictureError() if _begins_like_one(source) else NotAPictureError() from error
    except Exception as error:
        # On damaged bytes Pillow's decoders raise whatever they stumble over, from OSError to struct.error.
        raise UnreadablePictureError() from error


def _begins_like_one(source: Path | bytes | BinaryIO) -> bool:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _begins_like_one(file.read(16))
    if not isinstance(source, bytes):
        source.seek(0)
        source = source.read(16)
    return BEGINNINGS.match(source) is not None


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":  # more than 8 bits a channel; Pillow itself would cut them off at 255
        values = np.asarray(image)
        values = values // DEEP_TO_EIGHT_BITS if values.max() > 255 else values
        image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode == "CMYK":
        return _print_as_rgb(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _print_as_rgb(image: Image.Image) -> Image.Image:
    """Turns the inks of a printer into colours by the profile of that printer, roughly where there is none that works.

    Source: ICC.1:2022, profile connection.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        made = ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB")
    except (KeyError, TypeError, OSError, ImageCms.PyCMSError):
        made = None
    return made or image.convert("RGB")


def _kept_suffix(image: Image.Image) -> str | None:
    """The suffix under which an upright picture may keep its bytes, None when it needs a copy."""
    plain = image.mode == "RGB" and not image.has_transparency_data
    small = max(image.size) <= LONGEST_SIDE
    return KEPT_AS_IT_IS.get(image.format or "") if plain and small else None


def _wanted_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size that libjpeg must not go below."""
    scale = min(1.0, SMALLEST_SHARE * LONGEST_SIDE / max(size))
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    written = io.BytesIO()
    # Colours as fine as brightness; and Pillow would carry over the comment of the picture that this was made from.
    image.save(written, "JPEG", quality=quality, subsampling=0, comment=b"")
    return written.getvalue()
