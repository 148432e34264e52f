import dataclasses
import gzip
import hashlib
import os
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan_jax import Dataset, InputError, load_dataset
from gan_jax.data import datasets, downloads, published
from gan_jax.data.image_set import StoredImages

STEMS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
FULL = Path(os.environ.get("GAN_JAX_FASHION_MNIST", Path(__file__).parents[3] / "shared" / "fashion-mnist"))


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    return [
        random.integers(0, 256, (12, 28, 28), np.uint8),
        random.integers(0, 10, 12).astype(np.uint8),
        random.integers(0, 256, (5, 28, 28), np.uint8),
        random.integers(0, 10, 5).astype(np.uint8),
    ]


@pytest.fixture
def folder(arrays, tmp_path):
    """The four files, two of them gzipped, one in its dotted spelling."""
    folder = tmp_path / "idx"
    folder.mkdir()
    for stem, array in zip(STEMS, arrays, strict=True):
        zipped = "images" in stem
        path = folder / (f"{stem}.gz" if zipped else stem)
        path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    (folder / STEMS[3]).rename(folder / "t10k-labels.idx1-ubyte")
    return folder


def assert_holds(dataset, arrays):
    for ours, written in zip(
        (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels), arrays, strict=True
    ):
        np.testing.assert_array_equal(ours, written[..., None] if written.ndim == 3 else written)


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "kmnist"])
def test_a_folder_of_idx_files_is_used_as_it_is(name, folder, arrays):
    dataset = load_dataset(name, folder)
    assert_holds(dataset, arrays)
    assert dataset.train_images.dtype == np.uint8
    assert dataset.image_shape == (28, 28, 1)
    assert len(dataset.class_names) == 10
    assert load_dataset(name, str(folder)).content_hash == dataset.content_hash


def test_the_hash_tells_the_content(folder, arrays):
    before = load_dataset("mnist", folder).content_hash
    labels = arrays[1].copy()
    labels[7] = (labels[7] + 1) % 10
    (folder / STEMS[1]).write_bytes(idx(labels))
    assert load_dataset("mnist", folder).content_hash != before


def flipped(content):
    return content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 0xFF]) + content[len(content) // 2 + 1 :]


@pytest.mark.parametrize(
    ("name", "spoil", "complaint"),
    [  # of the file's bytes and of the array that it should hold
        (f"{STEMS[0]}.gz", lambda content, _: content[:-20], r"train-images.*truncated or damaged gzip"),
        (f"{STEMS[2]}.gz", lambda content, _: flipped(content), r"t10k-images.*truncated or damaged gzip"),
        (f"{STEMS[0]}.gz", lambda _, array: idx(array[:, 0, 0]), r"train-images.*starts with 00000801 instead of 0000"),
        (f"{STEMS[0]}.gz", lambda _, array: idx(array[:, :14]), r"train-images.*12×14×28, not images of 28×28"),
        (STEMS[1], lambda _, array: idx(array[:-1]), r"train-labels.*holds 11 labels for the 12 images"),
        (STEMS[1], lambda content, _: content[:-1], r"train-labels.*has 19 bytes where its header says 20"),
        (STEMS[1], lambda content, _: content + b"\0", r"train-labels.*has 21 bytes where its header says 20"),
        (STEMS[1], lambda content, _: content[:6], r"train-labels.*ends inside its header"),
        (STEMS[1], lambda content, _: b"", r"train-labels.*starts with nothing"),
        (STEMS[1], lambda _, array: idx(array + 10), r"train-labels.*outside 0 to 9"),
        (f"{STEMS[2]}.gz", None, r"no t10k-images-idx3-ubyte; expected are"),
    ],
)
def test_each_bad_file_gets_a_line_of_its_own(name, spoil, complaint, folder, arrays):
    path = folder / name
    if spoil:
        path.write_bytes(spoil(path.read_bytes(), dict(zip(STEMS, arrays, strict=True))[path.stem]))
    else:
        path.unlink()
    with pytest.raises(InputError, match=complaint) as error:
        load_dataset("mnist", folder)
    assert "\n" not in str(error.value)


def test_bad_names_and_folders(tmp_path):
    with pytest.raises(
        InputError, match="unknown data set 'cifar': choose one of fashion_mnist, mnist, kmnist, cifar10"
    ):
        load_dataset("cifar")
    with pytest.raises(InputError, match=r"nowhere: no such folder; expected one with train-images"):
        load_dataset("mnist", tmp_path / "nowhere")
    with pytest.raises(InputError, match="digits is embedded"):
        load_dataset("digits", tmp_path)
    for place in (("~no_such_user/images",), ("fashion_mnist", Path("~no_such_user"))):
        with pytest.raises(InputError, match="has no home folder"):
            load_dataset(*place)


def test_a_folder_of_a_known_name_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert len(load_dataset("digits").train_images) == 1500
    assert capsys.readouterr().err == (
        "warning: digits is taken as the data set of that name, not as the folder here; give ./digits for the folder\n"
    )
    with pytest.raises(InputError, match="holds no image files"):
        load_dataset("./digits")


def test_many_images_on_disk_are_looked_at_by_a_sample_of_every_class(monkeypatch):
    monkeypatch.setattr(datasets, "MOST_RESIDENT", 50)
    labels = np.arange(100) % 2
    stored = StoredImages(lambda place: np.full((1, 1, 1), place, np.uint8), 100, (1, 1, 1))
    resident = Dataset("turns", stored, labels, stored[:8], labels[:8], ("a", "b")).resident
    assert np.bincount(resident.train_labels).tolist() == [25, 25]
    np.testing.assert_array_equal(resident.train_images.ravel() % 2, resident.train_labels)


def test_digits_are_those_of_scikit_learn():
    pixels, labels = load_digits(return_X_y=True)
    with np.load(Path(published.__file__).parent / "digits.npz") as stored:
        np.testing.assert_array_equal(stored["pixels"].reshape(-1, 64), pixels)
        np.testing.assert_array_equal(stored["labels"], labels)


class Server:
    """A web proxy that answers every request for one of its URLs from memory."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):  # noqa: N805
                self.requests.append(handler.path)
                content = contents.get(handler.path)
                handler.send_response(200 if content is not None else 404)
                handler.end_headers()
                handler.wfile.write(content or b"")

            def log_message(handler, *arguments):  # noqa: N805
                pass

        self.requests: list[str] = []
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def contents(arrays, tmp_path, monkeypatch):
    """What the published URLs would send, small; the registry is told its checksums, the cache is a new folder."""
    real = {url: info for url, info in downloads._registered("fashion_mnist").items() if url.endswith(".gz")}
    by_name = {f"{stem}.gz": gzip.compress(idx(array), mtime=0) for stem, array in zip(STEMS, arrays, strict=True)}
    contents = {url: by_name[info.filename] for url, info in real.items()}
    small = {
        url: type(info)(
            size=len(contents[url]), checksum=hashlib.sha256(contents[url]).hexdigest(), filename=info.filename
        )
        for url, info in real.items()
    }
    monkeypatch.setattr(downloads, "_registered", lambda name: small)
    monkeypatch.setattr("tensorflow_datasets.core.constants.get_default_data_dir", lambda **_: str(tmp_path / "tfds"))
    return contents


@pytest.fixture
def server(contents, monkeypatch):
    server = Server(contents)
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(variable, server.url)
    yield server
    server.close()


def cached(tmp_path):
    return sorted(path for path in (tmp_path / "tfds").rglob("*") if path.is_file())


def test_a_download_is_verified_cached_and_used_without_network_until_it_is_damaged(server, arrays, tmp_path):
    assert_holds(load_dataset("fashion_mnist"), arrays)
    assert len(cached(tmp_path)) == 4
    asked = len(server.requests)
    assert_holds(load_dataset("fashion_mnist"), arrays)
    assert len(server.requests) == asked
    path = next(path for path in cached(tmp_path) if "train-images" in path.name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert_holds(load_dataset("fashion_mnist"), arrays)
    assert path.read_bytes() == content


def test_wrong_bytes_are_refused_and_leave_nothing(server, contents, tmp_path):
    url = next(url for url in contents if "t10k-labels" in url)
    contents[url] += b"\0"
    with pytest.raises(InputError, match=r"t10k-labels.*sent other bytes than the published ones") as error:
        load_dataset("fashion_mnist")
    assert "\n" not in str(error.value)
    assert not any("t10k-labels" in path.name for path in cached(tmp_path))
    assert len(cached(tmp_path)) == 3


def test_no_network_is_told_and_not_tried_again(server, tmp_path):
    server.close()
    server.close = lambda: None
    with pytest.raises(InputError, match=r"cannot download.*--data-dir DIR.*--dataset digits") as error:
        load_dataset("fashion_mnist")
    assert "\n" not in str(error.value)
    assert not cached(tmp_path)


def test_a_silent_server_is_told_within_ten_seconds(contents, monkeypatch):
    import socket

    assert downloads._PROBE_SECONDS < 10
    monkeypatch.setattr(downloads, "_PROBE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for variable in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(InputError, match="cannot download"):
            load_dataset("fashion_mnist")


@pytest.mark.skipif(not FULL.is_dir(), reason="GAN_JAX_FASHION_MNIST names no folder with the full data set")
def test_the_full_set():
    dataset = load_dataset("fashion_mnist", FULL)
    assert dataset.train_images.shape == (60000, 28, 28, 1)
    assert dataset.test_images.shape == (10000, 28, 28, 1)
    assert np.bincount(dataset.train_labels).tolist() == [6000] * 10
    assert dataset.train_images.mean() == pytest.approx(72.9, abs=0.5)


IMAGES = np.zeros((6, 28, 28, 1), np.uint8)
MADE = Dataset("made", IMAGES, [0, 1, 2, 0, 1, 2], IMAGES[:2], np.array([2, 1], np.int64), ("a", "b", "c"))


def test_labels_that_are_made_in_python_become_int32_and_tell_the_same_digest():
    assert MADE.train_labels.dtype == MADE.test_labels.dtype == np.int32
    same = dataclasses.replace(MADE, train_labels=np.array([0, 1, 2, 0, 1, 2], np.uint8))
    assert same.content_hash == MADE.content_hash


def test_a_set_stays_as_it_was_made():
    images, labels = IMAGES.copy(), np.zeros(6, np.int32)
    made = Dataset("made", images, labels, images[:2], labels[:2], ("a", "b"))
    for own in (images, labels):
        own += 1
    for array in (made.train_images, made.train_labels, made.test_images, made.test_labels):
        assert not array.any()
        with pytest.raises(ValueError, match="read-only"):
            array += 1
    assert Dataset("again", made.train_images, labels, images, labels, ("a", "b")).train_images is made.train_images


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"train_labels": np.array([0, 1, 2, 0, 1, 3])}, r"train_labels are from 0 to 3; they must be from 0 to 2"),
        ({"test_labels": np.array([-1, 1])}, r"test_labels are from -1 to 1"),
        ({"train_labels": np.zeros(5, np.int32)}, r"int32 \[5\]; they must be whole numbers \[6\], one for each image"),
        ({"train_labels": np.zeros((6, 1), np.int32)}, r"int32 \[6, 1\]"),
        ({"train_labels": np.zeros(6, np.float32)}, r"train_labels are float32 \[6\]; they must be whole numbers"),
        ({"train_labels": np.zeros(6, bool)}, "train_labels are bool"),
        ({"test_labels": None}, "test_labels are object"),
        ({"train_images": IMAGES / np.float32(255)}, "train_images are float32.*they must be uint8"),
        ({"train_images": IMAGES[..., 0]}, r"train_images are uint8 \[6, 28, 28\]"),
        ({"train_images": IMAGES.tolist()}, "train_images are list"),
        ({"train_images": IMAGES[..., [0, 0]]}, r"train_images are uint8 \[6, 28, 28, 2\]; .* 1 or 3\]"),
        ({"test_images": IMAGES[:2, :27, :27]}, r"test_images are uint8 \[2, 27, 27, 1\].*of one size"),
    ],
)
def test_what_is_no_image_set_is_refused_when_it_is_made(values, complaint):
    with pytest.raises(InputError, match=complaint):
        dataclasses.replace(MADE, **values)
