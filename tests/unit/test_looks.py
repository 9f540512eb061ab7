import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.looks import Look, looks_of


def look_of(image: Image.Image) -> Look:
    return looks_of([image])[0]


def scene(side: int) -> Image.Image:
    """A scene like a photo: shapes of all sizes, alike at whatever size it is shown."""
    random = np.random.default_rng(3)
    waves = np.fft.fftfreq(1024)
    distance = np.hypot(waves[:, None], waves)
    distance[0, 0] = 1
    spectrum = np.fft.fft2(random.normal(size=(1024, 1024))) / distance
    values = np.fft.ifft2(spectrum).real
    values = np.clip(128 + 50 * values / values.std(), 0, 255).astype(np.uint8)
    return Image.fromarray(values).convert("RGB").resize((side, side), Image.Resampling.BOX)


def test_a_small_and_a_large_picture_of_a_scene_look_alike():
    small, large = look_of(scene(64)), look_of(scene(1024))
    assert small.brightness == pytest.approx(large.brightness, abs=0.01)
    # Making a picture small takes its finest part away, which holds some of the contrast.
    assert small.contrast == pytest.approx(large.contrast, abs=0.05)
    assert small.sharpness == pytest.approx(large.sharpness, rel=0.25)


@pytest.mark.parametrize(("side", "radius"), [(512, 4), (1024, 8), (512, 10), (512, 20), (512, 40)])
def test_a_blurred_picture_is_told_from_a_sharp_one(side, radius):
    blurred = scene(side).filter(ImageFilter.GaussianBlur(radius))
    assert look_of(blurred).sharpness < look_of(scene(side)).sharpness / 2


def test_what_jpeg_leaves_of_a_blurred_picture_is_not_taken_for_details():
    written = io.BytesIO()
    scene(512).filter(ImageFilter.GaussianBlur(20)).save(written, "JPEG", quality=75)
    assert look_of(Image.open(written)).sharpness < 0.1


def test_a_dark_picture_is_as_sharp_as_before():
    dark, bright = look_of(scene(256).point(lambda value: value * 0.12)), look_of(scene(256))
    assert dark.brightness == pytest.approx(0.12 * bright.brightness, rel=0.1)  # whole values are rounded down
    assert dark.sharpness == pytest.approx(bright.sharpness, rel=0.2)


def test_a_picture_of_one_colour_has_no_contrast():
    look = look_of(Image.new("RGB", (300, 200), (255, 0, 90)))
    assert look.contrast == pytest.approx(0, abs=0.002)  # sums of squares in single precision
    assert look.sharpness == 0


def test_colours_of_the_same_brightness_are_a_contrast():
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20] = (255, 0, 0)
    pixels[20:] = (0, 130, 0)
    assert look_of(Image.fromarray(pixels)).contrast > 0.9


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (1, 3000), (5000, 2)])
def test_a_sliver_has_a_look_too(size):
    look = look_of(Image.new("RGB", size, "white"))
    assert (look.brightness, look.sharpness) == (1, 0)


def test_black_and_white_are_the_ends():
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:, 32:] = 255
    look = look_of(Image.fromarray(halves))
    assert look.contrast == pytest.approx(1, abs=0.01)
    assert look.brightness == pytest.approx(0.5, abs=0.01)
    assert look_of(Image.new("RGB", (64, 64))).brightness == 0
