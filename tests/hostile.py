"""Hostile and damaged input, one function a kind, with what is to be said of it; None stands for: it is taken in."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"
MANY = 70_000
RANDOM = np.random.default_rng(7)


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        name: What it is.
        make: Returns its bytes.
        said: For each file of it, words of the reason, None where the file is taken in.
    """

    name: str
    make: Callable[[], bytes]
    said: dict[str, str | None]


FILES: list[Kind] = []
ZIPS: list[Kind] = []


def file(file_name: str, said: str | None):
    """Notes a function that makes one file of the class `x`."""

    def note(make: Callable[[], bytes]) -> Callable[[], bytes]:
        FILES.append(Kind(make.__name__, make, {f"x/{file_name}": said}))
        return make

    return note


def packed(said: dict[str, str | None]):
    """Notes a function that makes a zip."""

    def note(make: Callable[[], bytes]) -> Callable[[], bytes]:
        ZIPS.append(Kind(make.__name__, make, said))
        return make

    return note


def photo(form: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    noise = Image.fromarray(RANDOM.integers(0, 256, (24, 32, 3), np.uint8)).convert(mode)
    written = io.BytesIO()
    noise.save(written, form, **options)
    return written.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(kind: bytes, content: bytes) -> bytes:
    data = photo()
    return data[:33] + chunk(kind, content) + data[33:]


def promise(width: int, height: int, size_bytes: int = 2000) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG_START + header + chunk(b"IDAT", zlib.compress(b"\0" * 10**6))[:size_bytes]


DAMAGED, NO_PICTURE, PIXELS = "damaged or incomplete", "is not a picture", "million pixels"


@file("empty.jpg", "empty")
def an_empty_file() -> bytes:
    return b""


@file("notes.jpg", NO_PICTURE)
def text_with_the_ending_of_a_picture() -> bytes:
    return b"Notes on cats and dogs\n" * 20


@file("half.jpg", DAMAGED)
def half_a_jpeg() -> bytes:
    data = photo("JPEG")
    return data[: len(data) // 2]


@file("huge.png", PIXELS)
def sixty_thousand_pixels_square_in_two_kilobytes() -> bytes:
    return promise(60_000, 60_000)


@file("huge.tif", PIXELS)
def a_tiff_that_says_it_is_huge() -> bytes:
    tags = [(256, 60_000), (257, 60_000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 60_000), (279, 9)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4


@file("thin.png", DAMAGED)
def a_picture_without_width() -> bytes:
    return promise(0, 10)


@file("bomb.png", DAMAGED)
def a_profile_that_swells() -> bytes:
    return with_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 80 * 1024**2, 9))


@file("words.png", DAMAGED)
def a_text_that_swells() -> bytes:
    return with_chunk(b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 80 * 1024**2, 9))


@file("film.mov.jpg", NO_PICTURE)
def a_film() -> bytes:
    return b"\0\0\0\x14ftypqt  " + b"\0" * 500


@file("drawing.svg", NO_PICTURE)
def a_drawing_with_a_script() -> bytes:
    return b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@file("program.jpg", NO_PICTURE)
def postscript() -> bytes:
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"


@file("inner.zip", "packed file")
def a_zip_in_the_folder() -> bytes:
    return zip_of({"a.png": photo()})


@file("hidden.jpg", NO_PICTURE)
def a_zip_with_the_ending_of_a_picture() -> bytes:
    return zip_of({"a.png": photo()})


@file("both.jpg", None)
def a_picture_that_is_a_zip_too() -> bytes:
    return photo("JPEG") + zip_of({"a.png": photo()})


@file("trailing.png", None)
def a_picture_with_a_page_behind_it() -> bytes:
    return photo() + b"<script>alert(1)</script>"


@file("aux.jpg", None)
def a_device_name_of_another_system() -> bytes:
    return photo("JPEG")


@file("n" * 240 + ".png", None)
def a_very_long_name() -> bytes:
    return photo()


@file("moving.gif", None)
def a_moving_picture() -> bytes:
    return photo("GIF", save_all=True, append_images=[Image.new("RGB", (32, 24), "red")] * 5)


@file("phone.heic", None)
def a_photo_of_a_phone() -> bytes:
    written = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(written)
    return written.getvalue()


@file("print.jpg", None)
def inks_of_a_printer() -> bytes:
    return photo("JPEG", "CMYK")


@file("print2.jpg", None)
def inks_with_a_profile_that_is_none() -> bytes:
    return photo("JPEG", "CMYK", icc_profile=b"garbage" * 50)


@file("rgb.jpg", None)
def a_profile_that_is_none() -> bytes:
    return photo("JPEG", icc_profile=b"garbage" * 50)


@file("deep.png", None)
def sixteen_bits() -> bytes:
    written = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 65536, (24, 32), np.uint16)).save(written, "PNG")
    return written.getvalue()


@file("clear.png", None)
def a_palette_with_transparency() -> bytes:
    return photo("PNG", "P", transparency=0)


@file("turned.jpg", None)
def a_photo_lying_on_its_side_with_its_place() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[29] = "2026:11:25"
    return photo("JPEG", exif=exif)


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return written.getvalue()


def good(method: int = zipfile.ZIP_DEFLATED, **more: bytes) -> bytes:
    return zip_of({"good/1.png": photo(), "good/2.png": photo(), **more}, method)


def patched(data: bytes, offset: int, form: str, value: int) -> bytes:
    """Changes a field of the last entry of a zip's directory."""
    at = data.rindex(b"PK\1\2") + offset
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


GOOD: dict[str, str | None] = {"good/1.png": None, "good/2.png": None}


@packed({**GOOD, "x/bomb.bmp": "times as large"})
def a_bomb_by_ratio() -> bytes:
    return good(**{"x/bomb.bmp": b"\0" * 8 * 1024**2})


@packed({**GOOD, "x/large.bmp": "larger than 50 MB"})
def a_bomb_by_size() -> bytes:
    parts = b"".join(RANDOM.bytes(1024**2 // 16) + b"\0" * (1024**2 * 15 // 16) for _ in range(51))
    return good(**{"x/large.bmp": parts})


@packed({**GOOD, "x/a.bmp": "packed in a way"})
def a_bomb_that_lies_about_its_size() -> bytes:
    data = zip_of({"good/1.png": photo(), "good/2.png": photo()})
    written = io.BytesIO(data)
    with zipfile.ZipFile(written, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x/a.bmp", b"\0" * 64 * 1024**2)
    return patched(written.getvalue(), 24, "<I", 1000)


@packed({**GOOD, "x/inner.zip": "packed file"})
def a_zip_in_the_zip() -> bytes:
    return good(**{"x/inner.zip": zip_of({"a.png": photo()})})


@packed(
    {**GOOD, "/etc/1.png": "leads out", "../1.png": "leads out", "C:/1.png": "leads out", "good/../../2.png": "out"}
)
def names_that_lead_out() -> bytes:
    names = ["/etc/1.png", "../1.png", "C:\\1.png", "good/../../2.png"]
    return good(**{name: photo() for name in names})


@packed({**GOOD, "x/1.png": "link"})
def a_link() -> bytes:
    return patched(good(**{"x/1.png": b"/etc/passwd"}), 38, "<I", 0o120777 << 16)


@packed({**GOOD, "x/1.png": "password"})
def an_encrypted_file() -> bytes:
    return patched(good(**{"x/1.png": photo()}), 8, "<H", 1)


@packed({**GOOD, "x/a.png": None, "x/A.png": None, "X/a.png": None})
def names_that_differ_in_capitals() -> bytes:
    return good(**{"x/a.png": photo(), "x/A.png": photo(), "X/a.png": photo()})


@packed({**GOOD, "caf\u00e9/1.png": None, "cafe/1.png": None})
def names_in_two_forms() -> bytes:
    return good(**{"caf\u00e9/1.png": photo(), "cafe\u0301/1.png": photo(), "cafe/1.png": photo()})


@packed({**GOOD, "x/" + "n" * 300 + ".png": None})
def a_name_of_three_hundred_letters() -> bytes:
    return good(**{"x/" + "n" * 300 + ".png": photo()})


@packed({**GOOD, "xy/12.png": None})
def names_with_control_characters() -> bytes:
    return good(**{"x\x1b\u202ey/1\n\u200b2.png": photo()})


@packed({**GOOD, "CON/1.png": None, "x/aux.jpg": None, "NUL/LPT1.png": None})
def device_names() -> bytes:
    return good(**{"CON/1.png": photo(), "x/aux.jpg": photo("JPEG"), "NUL/LPT1.png": photo()})


@packed({**GOOD, "x/1.png": None})
def backslashes_of_windows() -> bytes:
    return good(**{"x\\": b"", "x\\1.png": photo()})


@packed({**GOOD, "x/1.png": None})
def steps_that_lead_nowhere() -> bytes:
    return good(**{"./x//./1.png": photo()})


@packed({**GOOD, "ñandú/1.png": None})
def a_zip_of_a_mac() -> bytes:
    mark = "n" * len("ñandú".encode())
    data = good(**{f"{mark}/1.png": photo(), "__MACOSX/x/._1.png": b"fork", "x/.DS_Store": b"fork"})
    return data.replace(mark.encode(), "ñandú".encode())


@packed({**GOOD, "x/1.png": "damaged inside the zip"})
def a_place_beyond_the_end() -> bytes:
    return patched(good(**{"x/1.png": photo()}), 42, "<I", 0xFFFFFFF0)


@packed({**GOOD, "x/1.png": "damaged inside the zip"})
def a_sum_that_is_wrong() -> bytes:
    return patched(good(**{"x/1.png": photo()}), 16, "<I", 1)


@packed({**GOOD, "x/1.png": "shares its bytes", "x/2.png": "damaged inside the zip"})
def files_that_share_their_bytes() -> bytes:
    data = good(**{"x/1.png": photo(), "x/2.png": RANDOM.bytes(999)})
    (place,) = struct.unpack_from("<I", data, data.rindex(b"PK\1\2", 0, data.rindex(b"PK\1\2")) + 42)
    return patched(data, 42, "<I", place + 10)


def seventy_thousand_empty_files() -> bytes:
    return good(zipfile.ZIP_STORED, **{f"x/{number}.png": b"" for number in range(MANY)})


BROKEN: dict[str, Callable[[], bytes]] = {
    "cut in the directory": lambda: good()[:-40],
    "cut in a file": lambda: good()[:600],
    "a directory that says it is huge": lambda: good()[:-10] + struct.pack("<IIH", 0xFFFFFFF0, 0, 0),
    "a place of 64 bits that is none": lambda: (
        good()[:-22] + b"PK\6\7" + struct.pack("<IQI", 0, 2**63 + 5, 1) + b"PK\5\6" + b"\0" * 4 + b"\xff" * 12 + b"\0\0"
    ),
    "no zip at all": lambda: b"PK but no zip" * 9,
}
