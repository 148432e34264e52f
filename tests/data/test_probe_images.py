"""Image files that hold what they should not, and odd ones that are images all the same."""

import io
import os
import zlib

import numpy as np
import pytest
from damaged import EXAMPLES, chunk, mutated, png
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from gan_jax.data.image_files import UnreadableImageError, read_pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
PICTURE = Image.fromarray(PIXELS)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\nshowpage\n"


def encoded(picture=PICTURE, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read(content):
    return read_pixels(io.BytesIO(content), "it")


WRONG = {
    "nothing": (b"", "no image"),
    "text": (b"no picture at all", "no image"),
    "a script": (EPS, "no image"),
    "a header of 60,000 x 60,000": (png(60_000, 60_000), "exceeds limit"),
    "a header of 2^31 - 1": (png(2**31 - 1, 2**31 - 1), "exceeds limit"),
    "no pixels": (png(0, 28), ""),
    "a depth that nobody has": (png(28, 28, bits=77), ""),
    "less data than pixels": (png(28, 28, b"\0" * 100), "truncated"),
    "a cut JPEG": (encoded(kind="JPEG")[:-200], "truncated"),
    "a cut GIF": (encoded(kind="GIF")[:300], ""),
    "a cut WebP": (encoded(kind="WEBP", lossless=True)[:-500], ""),
    "a cut TIFF": (encoded(kind="TIFF")[:-300], ""),
    "32 bits": (encoded(Image.fromarray(np.full((28, 28), 70_000, np.int32)), "TIFF"), "more than 16 bits"),
    "numbers below 0": (encoded(Image.fromarray(np.full((28, 28), -1, np.int32)), "TIFF"), "more than 16 bits"),
    "a palette of hearsay": (png(28, 28, b"\0" * 29 * 28, colour=3), None),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_image_is_refused_in_a_line(case):
    content, complaint = WRONG[case]
    if complaint is None:
        assert read(content).dtype == np.uint8
        return
    with pytest.raises(UnreadableImageError, match=rf"it cannot be read as an image .*({complaint})") as error:
        read(content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["EPS", "ICO", "PDF"])
def test_formats_that_run_programs_or_hold_several_sizes_are_not_opened(kind):
    with pytest.raises(UnreadableImageError, match="no image"):
        read(encoded(kind=kind))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImageError, match=r"pipe\.png cannot be read .*it is no regular file"):
        read_pixels(tmp_path / "pipe.png", str(tmp_path / "pipe.png"))


OTHER = Image.fromarray(255 - PIXELS)
LONG = b"\0" * 2**22  # four times what Pillow would unpack


def png_with(kind, body, after=b"IHDR"):
    """The picture as a PNG with one more chunk, behind the first of a kind."""
    content = encoded()
    at = content.index(after)
    end = at + 8 + int.from_bytes(content[at - 4 : at], "big")
    return content[:end] + chunk(kind, body) + content[end:]


RIGHT = {
    "an animated GIF": (encoded(PICTURE.quantize(256), "GIF", save_all=True, append_images=[OTHER.quantize()]), 3),
    "an animated PNG": (encoded(save_all=True, append_images=[OTHER]), 3),
    "an animated WebP": (encoded(kind="WEBP", lossless=True, save_all=True, append_images=[OTHER]), 3),
    "a JPEG of several pictures": (
        encoded(kind="MPO", save_all=True, append_images=[OTHER], quality=100, subsampling=0),
        3,
    ),
    "a JPEG in CMYK": (encoded(PICTURE.convert("CMYK"), "JPEG", quality=100, subsampling=0), 3),
    "a PNG of bits": (encoded(PICTURE.convert("1")), 1),
    "a BMP": (encoded(kind="BMP"), 3),
    "a PPM": (encoded(kind="PPM"), 3),
    "a PNG in a file named otherwise": (encoded(), 3),
    "a PNG with a long text": (png_with(b"zTXt", b"a\0\0" + zlib.compress(LONG)), 3),
    "a PNG with a long text at its end": (png_with(b"zTXt", b"a\0\0" + zlib.compress(LONG), b"IDAT"), 3),
    "a PNG with a long international text": (png_with(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(LONG)), 3),
    "a PNG with a long profile": (png_with(b"iCCP", b"a\0\0" + zlib.compress(LONG)), 3),
    "a JPEG 2000": (encoded(kind="JPEG2000"), 3),
    "a TGA": (encoded(kind="TGA"), 3),
}

if features.check("avif"):
    RIGHT["an AVIF"] = encoded(kind="AVIF", quality=100, subsampling="4:4:4"), 3


@pytest.mark.parametrize("case", RIGHT)
def test_odd_images_are_their_first_picture(case):
    content, channels = RIGHT[case]
    pixels = read(content)
    assert pixels.shape == (28, 28, channels)
    other = np.asarray(OTHER if channels == 3 else OTHER.convert("1"), int) * (1 if channels == 3 else 255)
    target = np.asarray(PICTURE if channels == 3 else PICTURE.convert("1"), int) * (1 if channels == 3 else 255)
    assert abs(pixels.squeeze() - target).mean() < abs(pixels.squeeze() - other).mean() / 3


def test_exif_that_is_damaged_gives_the_picture_or_a_line():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06"
    content = encoded(kind="JPEG", exif=exif)
    for value in (0, 9, 255):
        changed = content.replace(turned, turned[:-1] + bytes([value]))
        assert changed != content
        assert read(changed).shape == (28, 28, 3)


KINDS = {kind: encoded(kind=kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP")}


@EXAMPLES
def test_a_damaged_image_is_read_or_refused(examples):
    @settings(max_examples=examples)
    @given(
        st.sampled_from(list(KINDS)),
        st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
        st.none() | st.integers(0, 3000),
    )
    def holds(kind, changes, cut):
        try:
            pixels = read(mutated(KINDS[kind], changes, cut))
        except UnreadableImageError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] in (1, 3)

    holds()
