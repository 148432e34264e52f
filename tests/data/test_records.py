"""Any set of TensorFlow Datasets that is prepared for random access."""

import io
import logging
import warnings

import numpy as np
import pytest
from PIL import Image

from gan_jax import InputError, load_dataset
from gan_jax.data import records
from gan_jax.data.image_set import Reading

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.util import DownloadError


def images_of(split, count, size):
    return np.random.default_rng(len(split)).integers(0, 256, (count, size, size + 4, 3), np.uint8)


def encoded(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    file.seek(0)
    return file


def prepare(folder, name, splits, *, image="image", label=True, file_format="array_record"):
    """Write a set as TFDS writes it, without TensorFlow."""

    def info(self):
        features = {image: tfds.features.Image(shape=(None, None, 3))}
        if label:
            features["label"] = tfds.features.ClassLabel(names=["no", "yes"])
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def examples(self, split):
        for index, pixels in enumerate(images_of(split, splits[split], 32)):
            yield index, {image: encoded(pixels)} | ({"label": index % 2} if label else {})

    methods = {
        "VERSION": tfds.core.Version("1.0.0"),
        "_info": info,
        "_split_generators": lambda self, manager: {split: examples(self, split) for split in splits},
        "_generate_examples": examples,
        "__module__": __name__,
    }
    builder = type(name, (tfds.core.GeneratorBasedBuilder,), methods)(data_dir=folder, file_format=file_format)
    builder.download_and_prepare()


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("absl").setLevel(logging.ERROR)


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise DownloadError("Failed to get url https://example.org/a.zip. HTTP code: 503.")

    monkeypatch.setattr(tfds, "builder", fail)
    with pytest.raises(InputError, match=r"stl10 cannot be downloaded \(.*503"):
        load_dataset("stl10", tmp_path)


def test_pixels_of_another_type_are_refused():
    for kind in (np.float32, np.uint16):
        images = [{"image": np.full((28, 28, 1), 300, kind)}] * 9
        source = records._Source(images, [{"label": 0}] * 9)
        with pytest.raises(InputError, match="not uint8; --pixel-range LOW HIGH says what"):
            records._image_set([source, source], (), Reading())
        found = records._image_set([source, source], (), Reading(pixel_range=(0, 600)))
        assert (found.train_images == 128).all()


def test_splits_and_classes_are_those_of_the_set(tmp_path):
    prepare(tmp_path, "WithTests", {"train": 9, "test": 5})
    dataset = load_dataset("with_tests", tmp_path, image_size=32)
    assert dataset.train_images.shape == (9, 32, 32, 3)
    assert dataset.test_images.shape == (5, 32, 32, 3)
    assert dataset.class_names == ("no", "yes")
    cropped = images_of("train", 9, 32)[:, :, 2:-2]
    of_image = {image.tobytes(): index % 2 for index, image in enumerate(cropped)}
    assert [of_image[image.tobytes()] for image in dataset.train_images] == dataset.train_labels.tolist()
    stored = load_dataset("with_tests", tmp_path, image_size=32, stream=True)
    assert not isinstance(stored.train_images, np.ndarray)
    assert stored.content_hash == dataset.content_hash


def test_without_tests_or_classes_the_pixels_decide(tmp_path):
    prepare(tmp_path, "TrainAlone", {"train": 40}, label=False)
    dataset = load_dataset("train_alone", tmp_path, image_size=28)
    assert dataset.class_names == ()
    assert len(dataset.train_images) + len(dataset.test_images) == 40
    assert len(dataset.test_images) > 0


def test_sets_that_cannot_be_used_say_why(tmp_path):
    prepare(tmp_path, "Pictures", {"train": 3}, image="picture")
    with pytest.raises(InputError, match="pictures has no feature named image"):
        load_dataset("pictures", tmp_path)
    prepare(tmp_path, "Oblongs", {"train": 3, "test": 3})
    with pytest.raises(InputError, match=r"there are images of \[32, 36, 3\]; give --image-size"):
        load_dataset("oblongs", tmp_path)
    with pytest.raises(InputError, match="unknown data set 'no_such_set': choose one of fashion_mnist"):
        load_dataset("no_such_set", tmp_path)


def test_where_tensorflow_is_needed_it_says_so(tmp_path, monkeypatch):
    def needs_tensorflow(self, **options):
        raise ImportError("No module named 'tensorflow'")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", needs_tensorflow)
    with pytest.raises(InputError, match=r"with a library that is not here .*tensorflow.*; prepare it where"):
        load_dataset("beans", tmp_path)


def test_a_format_without_random_access_says_so(tmp_path, monkeypatch):
    prepare(tmp_path, "Sequential", {"train": 3})

    def refuse(self, split):
        raise NotImplementedError("not supported")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "as_data_source", refuse)
    with pytest.raises(InputError, match="in a format without random access; prepare it in another folder"):
        load_dataset("sequential", tmp_path)
