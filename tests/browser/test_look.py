"""What the app looks like where only a browser knows: the theme, which changes without a word to the server."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

PAGE_MS = 30_000
LEAST_CONTRAST = 7  # WCAG's stricter limit for text; the name's two colours have more than 12, mixed up about 1.3
NAME_BEGINS = 0.3  # of the logo's width


def contrast_of_the_name(page: Page) -> float:
    """The contrast between what is behind the name in the logo and the letters, as WCAG measures it: 1 to 21."""
    shot = page.get_by_test_id("stSidebarLogo").screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")) / 255
    name = pixels[:, int(pixels.shape[1] * NAME_BEGINS) :]
    linear = np.where(name <= 0.04045, name / 12.92, ((name + 0.055) / 1.055) ** 2.4)
    light = linear @ np.array([0.2126, 0.7152, 0.0722]) + 0.05
    return float(light.max() / light.min())


@pytest.mark.parametrize(("before", "after"), [("dark", "light"), ("light", "dark")])
def test_the_name_stays_readable_when_the_theme_changes(page, before, after):
    page.emulate_media(color_scheme=before)
    page.goto("/")
    app = page.get_by_test_id("stApp")
    expect(app).to_have_css("color-scheme", before, timeout=PAGE_MS)
    expect(page.get_by_test_id("stSidebarLogo")).to_be_visible(timeout=PAGE_MS)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PAGE_MS)
    assert contrast_of_the_name(page) > LEAST_CONTRAST
    page.emulate_media(color_scheme=after)
    expect(app).to_have_css("color-scheme", after)
    assert contrast_of_the_name(page) > LEAST_CONTRAST
