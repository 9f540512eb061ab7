import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from core.metadata import without_metadata
from core.pictures import working_copy

SECRET = b"SECRET"
GPS_TAG, MAKE_TAG = 0x8825, 0x010F


def photo(width: int = 40, height: int = 30) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


def exif() -> Image.Exif:
    made = Image.Exif()
    made[MAKE_TAG] = SECRET.decode()
    made.get_ifd(GPS_TAG)[29] = "2026:11:25"
    return made


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo().save(
        file, "JPEG", exif=exif(), comment=SECRET, icc_profile=profile, xmp=b"<x>SECRET</x>", dpi=(301, 301), **options
    )
    return file.getvalue()


def png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", SECRET.decode())
    text.add_text("Note", SECRET.decode() * 9, zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    photo().save(file, "PNG", pnginfo=text, exif=exif(), icc_profile=profile, dpi=(301, 301))
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


MADE = {
    "plain": jpeg(),
    "progressive": jpeg(progressive=True, subsampling=2),
    "optimised": jpeg(optimize=True, quality=30),
    "restarts": jpeg(restart_marker_blocks=1),
    "rgb": jpeg(keep_rgb=True),
    "png": png(),
}


@pytest.mark.parametrize("kind", MADE)
def test_pixels_stay_and_all_else_goes(kind):
    data = MADE[kind] + b"PK\3\4" + SECRET
    bare = without_metadata(data, "PNG" if kind == "png" else "JPEG")
    assert np.array_equal(pixels(bare), pixels(data))
    for word in (
        SECRET,
        b"Exif",
        b"ICC_PROFILE",
        b"ns.adobe.com",
        b"tEXt",
        b"zTXt",
        b"iCCP",
        b"eXIf",
        b"pHYs",
        b"PK\3\4",
    ):
        assert word not in bare
    assert bare.endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))
    image = Image.open(io.BytesIO(bare))
    assert not image.getexif() and not {"icc_profile", "comment", "xmp", "dpi"} & image.info.keys()


@pytest.mark.parametrize("kind", MADE)
def test_working_copy_is_the_bare_picture(kind):
    copy = working_copy(MADE[kind] + SECRET)
    assert copy.data == without_metadata(MADE[kind], "PNG" if kind == "png" else "JPEG")
    assert copy.thumbnail is None


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "TIFF"])
def test_copy_made_anew_has_no_metadata_either(form):
    made = exif()
    made[0x0112] = 3
    file = io.BytesIO()
    extra = {"comment": SECRET} if form == "JPEG" else {}
    photo().save(file, form, exif=made, **extra)
    copy = working_copy(file.getvalue())
    assert SECRET not in copy.data + (copy.thumbnail or b"")
    assert not Image.open(io.BytesIO(copy.data)).getexif()


@pytest.mark.parametrize("payload", [b"JFIF\0\1\1\0\0\1\0\1\x01\x01" + SECRET, b"JFXX\0" + SECRET])
def test_small_picture_inside_of_the_picture_goes(payload):
    data = MADE["plain"]
    data = data[:2] + struct.pack(">HH", 0xFFE0, len(payload) + 2) + payload + data[2:]
    assert SECRET not in without_metadata(data, "JPEG")


def test_colours_of_adobe_stay_and_what_hangs_on_them_goes():
    adobe = b"Adobe\0\x64\0\0\0\0\1"
    data = MADE["plain"]
    data = data[:2] + struct.pack(">HH", 0xFFEE, len(adobe + SECRET) + 2) + adobe + SECRET + data[2:]
    bare = without_metadata(data, "JPEG")
    assert adobe in bare and SECRET not in bare
    assert np.array_equal(pixels(bare), pixels(data))


@pytest.mark.parametrize("kind", ["plain", "png"])
def test_half_a_picture_is_no_order(kind):
    form = "PNG" if kind == "png" else "JPEG"
    for length in range(8, len(MADE[kind]) - 12, 97):
        assert without_metadata(MADE[kind][:length], form) is None


def test_unusual_order_is_encoded_anew():
    header = MADE["png"][8:33]
    longer = struct.pack(">I", 13 + len(SECRET)) + header[4:21] + SECRET
    longer += struct.pack(">I", zlib.crc32(longer[4:]))
    data = MADE["png"][:8] + longer + MADE["png"][33:]
    assert without_metadata(data, "PNG") is None
    copy = working_copy(data)
    assert copy.suffix == ".jpg" and SECRET not in copy.data
