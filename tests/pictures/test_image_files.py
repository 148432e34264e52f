import json

import numpy as np
import pytest
from PIL import Image

from gan_jax import GanConfig, InputError, init_state, run_keys, sample_images
from gan_jax.pictures.image_files import load_images, save_images

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 28, 28, 1), np.uint8)


def test_an_archive_has_arr_0_in_three_channels(tmp_path):
    save_images(tmp_path / "samples.npz", IMAGES, "")
    with np.load(tmp_path / "samples.npz") as archive:
        assert list(archive) == ["arr_0"]
        np.testing.assert_array_equal(archive["arr_0"], IMAGES.repeat(3, axis=3))
    np.testing.assert_array_equal(load_images(tmp_path / "samples.npz"), IMAGES.repeat(3, axis=3))


def test_load_images_of_sets_for_training_and_tests_takes_all(tmp_path):
    path, labels = tmp_path / "set.npz", np.zeros(10, int)
    np.savez(path, train_images=IMAGES[:7], train_labels=labels[:7], test_images=IMAGES[7:], test_labels=labels[7:])
    np.testing.assert_array_equal(load_images(path), IMAGES)
    np.savez(path, train_images=IMAGES, train_labels=labels)
    np.testing.assert_array_equal(load_images(path), IMAGES)
    np.savez(path, train_images=IMAGES, test_images=IMAGES[:, :20])
    with pytest.raises(InputError, match="name those to be scored arr_0"):
        load_images(path)


def test_labels_are_written_beside_the_images(tmp_path):
    labels = np.arange(10, dtype=np.int32) % 3
    save_images(tmp_path / "samples.npz", IMAGES, "", labels=labels)
    with np.load(tmp_path / "samples.npz") as archive:
        np.testing.assert_array_equal(archive["arr_1"], labels)
    save_images(tmp_path / "pictures", IMAGES, "", labels=labels)
    told = json.loads((tmp_path / "pictures" / "dataset.json").read_text())["labels"]
    assert told == [[f"{index:06d}.png", index % 3] for index in range(10)]


def test_a_folder_has_a_picture_an_image(tmp_path):
    save_images(tmp_path / "pictures", IMAGES, "")
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == [f"{index:06d}.png" for index in range(10)]
    with Image.open(tmp_path / "pictures" / "000007.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), IMAGES[7].repeat(3, axis=2))
    with pytest.raises(InputError, match="is a folder that holds something"):
        save_images(tmp_path / "pictures", IMAGES, "")


def test_the_first_of_many_samples_are_those_of_few():
    config = GanConfig(latent_dim=4, width=2)
    generator = init_state(config, run_keys(0).init).generator.variables
    many = sample_images(config, generator, 260)
    assert many.shape == (260, 28, 28, 1)
    assert many.dtype == np.uint8
    np.testing.assert_array_equal(sample_images(config, generator, 3), many[:3])
    assert (sample_images(config, generator, 3, seed=1) != many[:3]).any()
    assert len(np.unique(many.reshape(260, -1), axis=0)) == 260
