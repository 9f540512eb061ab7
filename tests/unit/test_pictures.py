import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from core import pictures
from core.pictures import NotAPictureError, TooManyPixelsError, UnreadablePictureError, decode, working_copy

RANDOM = np.random.default_rng(1)
RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(width: int = 40, height: int = 30) -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8))


def red_over_blue(width: int = 64, height: int = 32) -> Image.Image:
    image = Image.new("RGB", (width, height), "blue")
    image.paste("red", (0, 0, width, height // 2))
    return image


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[pictures.ORIENTATION_TAG] = orientation
    return made


def shown(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_decoded_picture_is_a_square_of_bytes():
    image = decode(encoded(noise(), "PNG"), 24)
    assert image.shape == (24, 24, 3)
    assert image.dtype == np.uint8


def test_file_its_bytes_and_an_open_file_decode_alike(tmp_path):
    path = tmp_path / "1.jpg"
    path.write_bytes(encoded(noise(300, 200), "JPEG"))
    images = [decode(source, 32) for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes()))]
    assert np.array_equal(images[0], images[1]) and np.array_equal(images[0], images[2])


def test_picture_of_the_right_size_keeps_its_pixels():
    image = noise(24, 24)
    assert np.array_equal(decode(encoded(image, "PNG"), 24), np.asarray(image))


def test_transparency_lies_on_white():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (decode(encoded(image, "PNG"), 8) == 255).all()


@pytest.mark.parametrize(
    "decoded", [lambda data: decode(data, 64), lambda data: np.asarray(shown(working_copy(data).data))]
)
def test_phone_orientation_is_respected(decoded):
    # Orientation 3: the camera was upside down, so people see blue over red.
    image = decoded(encoded(red_over_blue(), "JPEG", exif=exif(3)))
    assert image[2, 2].argmax() == 2
    assert image[-2, 2].argmax() == 0


def test_sixteen_bits_keep_their_greys():
    image = Image.fromarray(np.full((8, 8), 32896, dtype=np.uint16))
    assert (decode(encoded(image, "PNG"), 8) == 128).all()
    # JPEG may be one off.
    assert np.abs(np.asarray(shown(working_copy(encoded(image, "PNG")).data)).astype(int) - 128).max() <= 1


@pytest.mark.parametrize(("form", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png")])
def test_plain_small_picture_keeps_its_bytes(form, suffix):
    data = encoded(noise(), form)
    copy = working_copy(data)
    assert (copy.data, copy.suffix, copy.width, copy.height) == (data, suffix, 40, 30)


def exotic() -> dict[str, bytes]:
    rgb = noise()
    heif = io.BytesIO()
    pillow_heif.from_pillow(rgb).save(heif)
    return {
        "webp": encoded(rgb, "WEBP"),
        "bmp": encoded(rgb, "BMP"),
        "gif": encoded(rgb, "GIF", save_all=True, append_images=[noise()]),
        "tiff": encoded(rgb, "TIFF"),
        "heic": heif.getvalue(),
        "cmyk": encoded(rgb.convert("CMYK"), "JPEG"),
        "grey": encoded(rgb.convert("L"), "JPEG"),
        "palette": encoded(rgb.quantize(16), "PNG"),
        "transparent": encoded(Image.new("RGBA", (40, 30), (255, 0, 0, 90)), "PNG"),
        "mirrored": encoded(rgb, "JPEG", exif=exif(2)),
    }


EXOTIC = exotic()


@pytest.mark.parametrize("kind", EXOTIC)
def test_all_else_becomes_a_jpeg(kind):
    data = EXOTIC[kind]
    copy = working_copy(data)
    with shown(copy.data) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (40, 30))
    assert copy.suffix == ".jpg"
    # The copy is what the network sees; JPEG at 95 strays a little from what was given.
    assert np.abs(decode(copy.data, 8).astype(float) - decode(data, 8)).mean() < 6


def inks(profile: bytes) -> bytes:
    return encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95, icc_profile=profile)


@pytest.mark.parametrize("profile", [b"", b"garbage" * 40, ImageCms.ImageCmsProfile(pictures.SRGB).tobytes()])
def test_inks_without_a_profile_that_fits_become_plain_colours(profile):
    assert np.abs(decode(inks(profile), 8).astype(int) - RED).max() <= 3
    assert np.abs(np.asarray(shown(working_copy(inks(profile)).data)).astype(int) - RED).max() <= 4


def printer_of_grey() -> bytes:
    """The profile of a printer whose coloured inks all come out as the grey with L* = 50."""
    table = struct.pack(">4s4x4B9i", b"mft1", 4, 3, 2, 0, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lightness = [255, 0] + [128, 0] * 7  # without ink and with black, and so on for each mixture of the others
    grid = b"".join(bytes([value, 128, 128]) for value in lightness)
    table += bytes(range(256)) * 4 + grid + bytes(range(256)) * 3
    offset = 128 + 4 + 12
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x3i",
        offset + len(table),
        0x02100000,
        b"prtr",
        b"CMYK",
        b"Lab ",
        b"acsp",
        63190,
        65536,
        54061,
    )
    return header.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", offset, len(table)) + table


def test_inks_become_colours_by_their_profile():
    # L* = 50 is 119 in sRGB.
    data = inks(printer_of_grey())
    assert np.abs(decode(data, 8).astype(int) - 119).max() <= 3
    assert np.abs(np.asarray(shown(working_copy(data).data)).astype(int) - 119).max() <= 4


def test_first_frame_of_a_gif_is_taken():
    data = encoded(Image.new("RGB", (8, 8), RED), "GIF", save_all=True, append_images=[Image.new("RGB", (8, 8), WHITE)])
    assert decode(data, 8)[4, 4].tolist() == list(RED)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_large_picture_is_made_smaller_and_remembers_its_size(form):
    copy = working_copy(encoded(noise(2100, 1400), form))
    assert shown(copy.data).size == (1024, 683)
    assert (copy.width, copy.height) == (2100, 1400)


def test_photo_of_twelve_megapixels_is_decoded_at_a_quarter():
    with shown(encoded(Image.new("RGB", (4000, 3000)), "JPEG")) as image:
        image.draft(None, pictures._wanted_size(image.size))
        assert image.size == (1000, 750)


@pytest.mark.parametrize("data", [b"\0\0\0\x14ftypqt  ", b"RIFF\0\0\0\0AVI LIST", b"Bread"])
def test_film_is_not_a_damaged_picture(data):
    with pytest.raises(NotAPictureError):
        working_copy(data + b"\0" * 99)


def test_thumbnail_is_small_and_upright():
    copy = working_copy(encoded(red_over_blue(640, 320), "JPEG", exif=exif(6)))
    assert shown(copy.thumbnail).size == (96, 192)
    assert (copy.width, copy.height) == (320, 640)
    assert np.asarray(shown(copy.thumbnail))[96, -3].argmax() == 0


def test_thumbnail_of_a_thin_line_is_made():
    assert shown(working_copy(encoded(noise(3000, 1), "PNG")).thumbnail).size == (192, 1)


@pytest.mark.parametrize("read", [lambda data: decode(data, 8), working_copy])
@pytest.mark.parametrize(
    "data", [b"", b"notes", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n", b"PK\3\4"]
)
def test_other_files_are_not_pictures(read, data):
    with pytest.raises(NotAPictureError, match="is not a picture that Headstart reads"):
        read(data)


@pytest.mark.parametrize("read", [lambda data: decode(data, 8), working_copy])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_half_a_picture_is_damaged(read, form, share):
    data = encoded(noise(200, 150), form)
    with pytest.raises(UnreadablePictureError, match="damaged") as caught:
        read(data[: int(len(data) * share)])
    assert not isinstance(caught.value, NotAPictureError)


@pytest.mark.parametrize("make", [lambda file: file, lambda file: file.open("rb")])
def test_damaged_file_is_told_from_another_kind_of_file(tmp_path, make):
    file = tmp_path / "1.jpg"
    file.write_bytes(encoded(noise(), "JPEG")[:100])
    source = make(file)
    with pytest.raises(UnreadablePictureError) as caught:
        decode(source, 8)
    assert not isinstance(caught.value, NotAPictureError)
    if source is not file:
        source.close()


def test_missing_file_is_an_unreadable_picture(tmp_path):
    with pytest.raises(UnreadablePictureError):
        decode(tmp_path / "gone.jpg", 8)


def promised(width: int, height: int) -> bytes:
    """The beginning of a PNG of that size, with nothing behind it."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x01\0\0\0\0"
    chunk = len(header[4:]).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\1IDAT"


def test_too_many_pixels_are_refused_before_decoding():
    with pytest.raises(TooManyPixelsError, match="150 million pixels"):
        working_copy(promised(20_000, 10_000))
    with pytest.raises(TooManyPixelsError):
        decode(promised(20_000, 10_000), 8)


def test_the_limit_of_pixels_can_be_lower():
    with pytest.raises(TooManyPixelsError):
        working_copy(encoded(noise(), "PNG"), max_pixels=1000)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_pillow_only_warns_of_is_refused_too():
    # Pillow itself lets up to twice its limit through.
    with pytest.raises(TooManyPixelsError):
        decode(promised(20_000, 10_000), 8)


def test_what_pillow_itself_refuses_is_the_same_to_the_user():
    with pytest.raises(TooManyPixelsError):
        decode(promised(40_000, 10_000), 8)
