"""Image sets of one's own: folders, zips and .npz."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from gan_jax import InputError, load_dataset
from gan_jax.data import image_set
from gan_jax.data.folders import read_image_set
from gan_jax.data.image_files import converted, read_pixels

random = np.random.default_rng(0)


def picture(shape=(28, 28, 3)):
    return random.integers(0, 256, shape, np.uint8)


def write(path, pixels=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = picture() if pixels is None else pixels
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path, **options)
    return pixels


@pytest.fixture
def folder(tmp_path):
    """Thirty images in two classes, one of them a level deeper."""
    for index in range(15):
        write(tmp_path / "set" / "cats" / f"{index}.png")
        write(tmp_path / "set" / "dogs" / "big" / f"{index}.png")
    return tmp_path / "set"


def sorted_bytes(images):
    return sorted(image.tobytes() for image in images)


def test_the_first_folder_is_the_class(folder):
    dataset = load_dataset(str(folder))
    assert dataset.name == "set"
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.image_shape == (28, 28, 3)
    assert len(dataset.train_images) + len(dataset.test_images) == 30
    known = {
        np.asarray(Image.open(path)).tobytes(): path.relative_to(folder).parts[0] for path in folder.rglob("*.png")
    }
    for images, labels in ((dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)):
        assert len(images) == len(labels)
        assert [dataset.class_names[label] for label in labels] == [known[image.tobytes()] for image in images]


def test_a_zip_of_a_folder_is_the_folder(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, f"outer/{path.relative_to(folder)}")
        archive.writestr("outer/.DS_Store", "x")
        archive.writestr("__MACOSX/outer/cats/._1.png", "x")
    assert load_dataset(str(tmp_path / "set.zip")).content_hash == load_dataset(str(folder)).content_hash


def test_the_split_depends_on_the_pixels_alone(folder):
    before = load_dataset(str(folder))
    write(folder / "cats" / "copy.png", before.test_images[0])
    write(folder / "cats" / "other_copy.png", before.train_images[0])
    (folder / "cats" / "0.png").rename(folder / "cats" / "z.png")
    after = load_dataset(str(folder))
    assert set(sorted_bytes(before.test_images)) == set(sorted_bytes(after.test_images))
    assert len(after.test_images) == len(before.test_images) + 1


def test_folders_named_train_and_test_are_the_split(tmp_path):
    trained = [write(tmp_path / "train" / kind / f"{index}.png") for kind in "ab" for index in range(3)]
    tested = [write(tmp_path / "test" / kind / "0.png") for kind in "ab"]
    dataset = load_dataset(str(tmp_path))
    np.testing.assert_array_equal(dataset.train_images, trained)
    np.testing.assert_array_equal(dataset.test_images, tested)
    assert dataset.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.class_names == ("a", "b")


@pytest.mark.parametrize("place", ["{}.png", "one/{}.png", "deep/deeper/{}.png"])
def test_images_in_no_folder_or_in_one_have_no_classes(place, tmp_path):
    for index in range(20):
        write(tmp_path / "set" / place.format(index))
    dataset = load_dataset(str(tmp_path / "set"))
    assert dataset.class_names == ()
    assert not dataset.train_labels.any()


def test_grey_stays_grey_until_one_is_in_colour(tmp_path):
    grey = write(tmp_path / "set" / "0.png", picture((28, 28, 1)))
    for index in range(1, 20):
        write(tmp_path / "set" / f"{index}.png", picture((28, 28, 1)))
    assert load_dataset(str(tmp_path / "set")).image_shape == (28, 28, 1)
    write(tmp_path / "set" / "colour.jpg")
    dataset = load_dataset(str(tmp_path / "set"))
    assert dataset.image_shape == (28, 28, 3)
    everything = np.concatenate([dataset.train_images, dataset.test_images])
    assert grey.repeat(3, axis=-1).tobytes() in sorted_bytes(everything)


def test_centres_are_cropped_and_resized_with_antialiasing():
    stripes = np.zeros((64, 96, 1), np.uint8)
    stripes[::2] = 255
    small = converted(stripes[np.newaxis], 32)[0]
    assert small.shape == (32, 32, 1)
    assert abs(small[2:-2].astype(float) - 127.5).max() < 20  # without antialiasing it would be black or white
    halves = np.zeros((40, 120, 3), np.uint8)
    halves[:, 40:80] = 200
    assert (converted(halves[np.newaxis], 28) == 200).all()


def test_sizes_that_differ_ask_for_one(folder):
    write(folder / "cats" / "z.png", picture((40, 30, 3)))
    with pytest.raises(InputError, match=r"0\.png is 28×28 and .*z\.png is 30×40; give --image-size 28, 32 or 64"):
        load_dataset(str(folder))
    assert load_dataset(str(folder), image_size=32).image_shape == (32, 32, 3)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n but cut off"])
def test_a_broken_image_is_named_or_left_out_and_counted(content, folder, capsys):
    whole = load_dataset(str(folder)).content_hash
    (folder / "cats" / "broken.png").write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.png cannot be read .* --skip-broken leaves such files out, 1 here"):
        load_dataset(str(folder))
    assert load_dataset(str(folder), skip_broken=True).content_hash == whole
    assert "warning: 1 of 31 files" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_common_mode_becomes_bytes(mode, tmp_path):
    base = Image.fromarray(picture())
    image = Image.fromarray((picture((28, 28)).astype(np.uint16) << 8) + 5) if mode == "I;16" else base.convert(mode)
    path = tmp_path / f"image.{'tiff' if mode in ('CMYK', 'I;16') else 'png'}"
    image.save(path)
    pixels = read_pixels(path, "it")
    assert pixels.dtype == np.uint8
    assert pixels.shape == (28, 28, 1 if mode in ("1", "L", "LA", "I;16") else 3)
    if mode == "I;16":
        np.testing.assert_array_equal(pixels[..., 0], np.asarray(image) >> 8)


def test_transparent_places_become_white_and_pictures_are_turned(tmp_path):
    clear = np.zeros((28, 28, 4), np.uint8)
    clear[:14, :, 3] = 255
    Image.fromarray(clear).save(tmp_path / "clear.png")
    pixels = read_pixels(tmp_path / "clear.png", "it")
    assert (pixels[:14] == 0).all()
    assert (pixels[14:] == 255).all()
    turned = Image.fromarray(np.repeat(np.arange(28, dtype=np.uint8)[:, None], 28, axis=1))
    exif = turned.getexif()
    exif[0x0112] = 6  # turn by 90 degrees
    turned.save(tmp_path / "turned.png", exif=exif)
    assert read_pixels(tmp_path / "turned.png", "it")[0, :, 0].tolist() == list(range(27, -1, -1))


@pytest.mark.parametrize("names", [("images", "labels"), ("arr_0", "arr_1")])
def test_load_dataset_of_an_npz_splits_arrays_under_any_usual_name(names, tmp_path):
    arrays = picture((60, 28, 28, 3)), np.arange(60) % 3
    np.savez(tmp_path / "set.npz", **dict(zip(names, arrays, strict=True)))
    dataset = load_dataset(str(tmp_path / "set.npz"))
    assert len(dataset.train_images) + len(dataset.test_images) == 60
    assert dataset.class_names == ("0", "1", "2")


def test_load_dataset_of_an_npz_of_three_sets_with_labels_in_a_column(tmp_path, capsys):
    images, labels = picture((60, 28, 28)), np.arange(60)[:, None] % 2  # as MedMNIST has them
    sets = {"train": slice(40), "val": slice(40, 53), "test": slice(53, 60)}
    arrays = {
        f"{part}_{name}": of[at]
        for part, at in sets.items()
        for name, of in zip(("images", "labels"), (images, labels), strict=True)
    }
    np.savez(tmp_path / "set.npz", **arrays)
    dataset = load_dataset(str(tmp_path / "set.npz"))
    np.testing.assert_array_equal(dataset.train_images[..., 0], images[:40])
    np.testing.assert_array_equal(dataset.test_images[..., 0], images[53:])
    np.testing.assert_array_equal(dataset.test_labels, labels[53:, 0])
    assert "are left out: 13 in val_images" in capsys.readouterr().err
    assert "held out: test_images; images left out: 13 in val_images" in dataset.description
    np.savez(tmp_path / "two.npz", **{name: arrays[name] for name in arrays if "test" not in name})
    dataset = load_dataset(str(tmp_path / "two.npz"))
    np.testing.assert_array_equal(dataset.test_images[..., 0], images[40:53])
    assert "held out: val_images" in dataset.description
    np.savez(tmp_path / "few.npz", **{name: arrays[name] for name in ("train_images", "train_labels", "test_images")})
    with pytest.raises(InputError, match="train_labels and test_labels must both be there"):
        load_dataset(str(tmp_path / "few.npz"))


def test_load_dataset_of_an_npz_whose_labels_are_names(tmp_path):
    names = np.array(["owl", "cat 10", "cat 9"])[np.arange(60) % 3]
    images = picture((60, 28, 28))
    np.savez(tmp_path / "set.npz", images=images, labels=names)
    dataset = load_dataset(str(tmp_path / "set.npz"))
    assert dataset.class_names == ("cat 9", "cat 10", "owl")
    of_image = {image.tobytes(): name for image, name in zip(images, names, strict=True)}
    found = [dataset.class_names[kind] for kind in dataset.train_labels]
    assert found == [of_image[image.tobytes()] for image in dataset.train_images]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": picture((9, 28, 28))}, "has no array named images"),
        ({"images": np.zeros((9, 28, 28))}, r"images are float64 \[9, 28, 28, 1\]; they must be uint8"),
        ({"images": picture((9, 28, 28, 2))}, "they must be uint8"),
        ({"images": picture((9, 28, 28)), "labels": np.zeros(9)}, "labels are float64"),
        ({"images": picture((9, 28, 28)), "labels": np.zeros(8, int)}, r"they must be \[9\] integers"),
        ({"images": picture((1, 28, 28))}, "of the 1 images .* none is a test image"),
    ],
)
def test_an_npz_that_holds_something_else(arrays, message, tmp_path):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load_dataset(str(tmp_path / "set.npz"))


def test_paths_that_hold_no_images(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "bad.zip").write_text("x")
    (tmp_path / "bad.npz").write_text("x")
    for name, message in (
        ("empty", "holds no image files"),
        ("text.txt", "is no folder, .zip or .npz"),
        ("missing", "is not there"),
        ("bad.zip", "cannot be read"),
        ("bad.npz", "cannot be read as an .npz"),
    ):
        with pytest.raises(InputError, match=message):
            load_dataset(str(tmp_path / name))


def test_stored_images_are_the_same_read_later(folder, monkeypatch):
    resident = read_image_set(folder)
    stored = read_image_set(folder, image_set.Reading(stream=True))
    images = stored.train_images
    assert isinstance(images, image_set.StoredImages)
    assert images.shape == resident.train_images.shape
    np.testing.assert_array_equal(images, resident.train_images)
    rows = np.array([[3, 0], [1, 1]])
    np.testing.assert_array_equal(images[rows], resident.train_images[rows])
    np.testing.assert_array_equal(images[2], resident.train_images[2])
    np.testing.assert_array_equal(images[::5], resident.train_images[::5])
    np.testing.assert_array_equal(stored.test_images, resident.test_images)
    assert load_dataset(str(folder), stream=True).content_hash == load_dataset(str(folder)).content_hash
    monkeypatch.setattr("gan_jax.data.datasets.MOST_RESIDENT", 5)
    part = load_dataset(str(folder), stream=True).resident
    assert isinstance(part.train_images, np.ndarray)
    assert len(part.train_images) == len(part.train_labels) == 5
    for name in ("digits", str(folder / "x.npz")):
        np.savez(folder / "x.npz", images=picture((30, 28, 28)))
        with pytest.raises(InputError, match="train on it without --stream"):
            load_dataset(name, stream=True)


def test_load_dataset_of_12_bits_in_files_of_16_warns_and_takes_a_range(tmp_path, capsys):
    values = random.integers(0, 4096, (12, 28, 28)).astype(np.uint16)
    values[0, 0, 0] = 4095
    for index, pixels in enumerate(values):
        (tmp_path / "set").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "set" / f"{index}.{'png' if index % 2 else 'tiff'}")
    dark = load_dataset(str(tmp_path / "set"))
    assert max(dark.train_images.max(), dark.test_images.max()) == 15
    warning = capsys.readouterr().err
    assert "the brightest pixel in" in warning
    assert "is 4,095 of 65,535" in warning
    assert "give --pixel-range 0 4095" in warning
    load_dataset(str(tmp_path / "set"), pixel_range=(0, 65_535))
    assert "give --pixel-range a smaller value of white" in capsys.readouterr().err
    bright = load_dataset(str(tmp_path / "set"), pixel_range=(0, 4095))
    assert not capsys.readouterr().err
    expected = np.rint(values / 4095 * 255).astype(np.uint8)
    images = np.concatenate([bright.train_images, bright.test_images])
    assert sorted_bytes(images[..., 0]) == sorted_bytes(expected)


def test_pixel_range_maps_floats_and_bytes_of_files_and_arrays(tmp_path):
    for index in range(8):
        values = np.full((28, 28), index - 4, np.float32)
        values[0] = np.nan
        (tmp_path / "set").mkdir(exist_ok=True)
        Image.fromarray(values).save(tmp_path / "set" / f"{index}.tiff")
    found = read_image_set(tmp_path / "set", image_set.Reading(pixel_range=(-2, 2)))
    levels = {int(image[5, 5, 0]) for image in np.concatenate([found.train_images, found.test_images])}
    assert levels == {0, 64, 128, 191, 255}
    np.savez(tmp_path / "set.npz", images=random.integers(0, 1000, (20, 28, 28)).astype(np.uint16))
    with pytest.raises(InputError, match="or other numbers with --pixel-range LOW HIGH"):
        load_dataset(str(tmp_path / "set.npz"))
    assert load_dataset(str(tmp_path / "set.npz"), pixel_range=(0, 999)).train_images.max() == 255
    np.savez(tmp_path / "masks.npz", images=random.integers(0, 2, (20, 28, 28)).astype(bool))
    masks = load_dataset(str(tmp_path / "masks.npz"), pixel_range=(0, 1)).train_images
    assert np.unique(masks).tolist() == [0, 255]
    with pytest.raises(InputError, match="a higher one of white"):
        load_dataset(str(tmp_path / "set.npz"), pixel_range=(1, 1))


def test_load_dataset_of_grey_pixels_in_rgb_files_says_so_and_takes_channels(tmp_path):
    grey = [picture((28, 28, 1)) for _ in range(12)]
    for index, pixels in enumerate(grey):
        write(tmp_path / "set" / f"{index}.png", pixels.repeat(3, axis=-1))
    dataset = load_dataset(str(tmp_path / "set"))
    assert dataset.image_shape == (28, 28, 3)
    assert "though every pixel is grey: --channels 1 makes them grey" in dataset.description
    converted_set = load_dataset(str(tmp_path / "set"), channels=1)
    assert sorted_bytes(np.concatenate([converted_set.train_images, converted_set.test_images])) == sorted_bytes(grey)
    assert "though" not in converted_set.description
    assert "though" not in load_dataset(str(tmp_path / "set"), channels=3).description


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_those_asked_for_of_files_arrays_and_published_sets(channels, folder, tmp_path):
    np.savez(tmp_path / "set.npz", images=picture((40, 28, 28, 3)))
    for name in (str(folder), str(tmp_path / "set.npz"), "digits"):
        assert load_dataset(name, channels=channels).image_shape == (28, 28, channels)
    pixels = np.load(tmp_path / "set.npz")["images"]
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in pixels]
    if channels == 1:
        np.testing.assert_array_equal(converted(pixels, channels=1)[..., 0], expected)
