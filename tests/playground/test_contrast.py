"""Whether what is written on the pages can be read: WCAG 2.2's contrast, from the colours of their styles."""

import re
from importlib import resources

import pytest

from gan_jax.pictures.pages import render_page

PLAYGROUND = resources.files("gan_jax.playground").joinpath("web", "style.css").read_text(encoding="utf-8")
REPORT = render_page("run", {})
DARK = "@media (prefers-color-scheme: dark)"
TEXT, LINE = 4.5, 3  # the least, of 1.4.3 and of 1.4.11
PAIRS = {
    "playground": [("text", "ground", TEXT), ("soft", "ground", TEXT), ("accent", "ground", TEXT)]
    + [("on-accent", "accent", TEXT)]
    + [(name, "ground", LINE) for name in ("first", "second", "third", "brighter", "darker")],
    "report": [("text", "ground", TEXT), ("soft", "ground", TEXT), ("text", "code", TEXT)],
}


def colours(style, scheme):
    """The style's colours by name."""
    light, _, rest = style.partition(DARK)
    parts = light + rest.partition("}")[0] if scheme == "dark" else light
    return dict(re.findall(r"--([a-z-]+): #([0-9a-f]+);", parts))


def luminance(colour):
    channels = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    values = [int(channels[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_largest_contrast():
    assert contrast("000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)  # just too little for texts


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("page", "style"), [("playground", PLAYGROUND), ("report", REPORT)])
def test_every_colour_stands_out_from_its_ground(page, style, scheme):
    found = colours(style, scheme)
    weak = [(name, ground) for name, ground, least in PAIRS[page] if contrast(found[name], found[ground]) < least]
    assert weak == []
    assert colours(style, "light") != colours(style, "dark")


def test_texts_have_no_colour_of_a_line():
    shades = set(re.findall(r"[^-]color: var\(--([a-z-]+)\)", PLAYGROUND))
    assert shades <= {"text", "soft", "accent", "on-accent"}
