"""CIFAR-10 and SVHN, from files of their form."""

import io
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from gan_jax import InputError, load_dataset

random = np.random.default_rng(0)
BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def cifar_batch(count):
    images, labels = random.integers(0, 256, (count, 32, 32, 3), np.uint8), random.integers(0, 10, count)
    rows = np.concatenate([labels[:, None].astype(np.uint8), images.transpose(0, 3, 1, 2).reshape(count, -1)], axis=1)
    return images, labels, rows.tobytes()


def archive_of(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("packed", [True, False], ids=["archive", "unpacked"])
def test_cifar10_is_read_in_the_order_of_its_batches(packed, tmp_path):
    batches = [cifar_batch(count) for count in (4, 3, 2, 1, 5, 6)]
    contents = dict(zip(BATCHES, (content for *_, content in batches), strict=True))
    if packed:
        backwards = dict(reversed(contents.items())) | {"batches.meta.txt": b"airplane"}
        (tmp_path / "cifar-10-binary.tar.gz").write_bytes(archive_of(backwards))
    else:
        (tmp_path / "cifar-10-batches-bin").mkdir()
        for name, content in contents.items():
            (tmp_path / "cifar-10-batches-bin" / name).write_bytes(content)
    dataset = load_dataset("cifar10", tmp_path)
    np.testing.assert_array_equal(dataset.train_images, np.concatenate([images for images, *_ in batches[:5]]))
    np.testing.assert_array_equal(dataset.train_labels, np.concatenate([labels for _, labels, _ in batches[:5]]))
    np.testing.assert_array_equal(dataset.test_images, batches[5][0])
    assert dataset.class_names[:2] == ("airplane", "automobile")
    assert load_dataset("cifar10", tmp_path, image_size=64).image_shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "is no archive of CIFAR-10's binary version"),
        (archive_of({"data_batch_1.bin": b"x"}), "is no archive of CIFAR-10's binary version"),
        (archive_of(dict.fromkeys(BATCHES, b"short")), "holds a batch of 5 bytes"),
        (archive_of(dict.fromkeys(BATCHES, bytes([12]) + bytes(3072))), "holds the label 12"),
    ],
    ids=["no archive", "one batch", "short batches", "another label"],  # an archive holds the time
)
def test_cifar10_that_is_damaged(content, message, tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_dataset("cifar10", tmp_path)


def test_svhns_ten_is_the_digit_zero(tmp_path):
    images = random.integers(0, 256, (7, 32, 32, 3), np.uint8)
    labels = np.array([10, 1, 2, 9, 10, 5, 6], np.uint8)
    for name, rows in (("train", slice(0, 4)), ("test", slice(4, 7))):
        content = {"X": images[rows].transpose(1, 2, 3, 0), "y": labels[rows, None]}
        savemat(tmp_path / f"{name}_32x32.mat", content)
    dataset = load_dataset("svhn_cropped", tmp_path)
    np.testing.assert_array_equal(dataset.train_images, images[:4])
    np.testing.assert_array_equal(dataset.test_images, images[4:])
    assert dataset.train_labels.tolist() == [0, 1, 2, 9]


@pytest.mark.parametrize("name", ["cifar10", "svhn_cropped"])
def test_missing_files_are_named(name, tmp_path):
    with pytest.raises(InputError, match=r"expected a folder with (cifar-10-binary|train_32x32)"):
        load_dataset(name, tmp_path)


def test_the_registry_has_the_files_that_are_read():
    from gan_jax.data.downloads import _registered
    from gan_jax.data.published import _FILES

    for name, published in _FILES.items():
        registered = {info.filename for info in _registered(name).values()}
        assert set(published.files) <= registered
