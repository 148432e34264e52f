"""Images that are read ahead of the training."""

import dataclasses
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from waiting import PATIENCE

from gan_jax import GanConfig, InputError, ResidentImages, run_keys
from gan_jax.data.image_set import StoredImages
from gan_jax.training.batches import Batch
from gan_jax.training.streamed import StreamedImages

IMAGES = np.random.default_rng(0).integers(0, 256, (23, 28, 28, 1), np.uint8)
CONFIG = GanConfig(width=2, latent_dim=3, batch_size=4)


def stored(read=None):
    return StoredImages(read or (lambda place: IMAGES[place]), len(IMAGES), IMAGES.shape[1:])


def test_it_has_the_resident_images_batches_in_any_order_of_asking():
    keys, labels = run_keys(3), np.arange(23, dtype=np.int32) % 3
    config = dataclasses.replace(CONFIG, conditional=True, num_classes=3)
    resident = ResidentImages(config, Batch(IMAGES, labels), keys)
    stream = StreamedImages(config, Batch(stored(), labels), keys)
    assert stream.steps_per_epoch == resident.steps_per_epoch == 5
    for asked in ((0, 0, 2), (0, 2, 5), (1, 0, 5), (1, 0, 5), (7, 3, 4), (0, 1, 2)):
        for streamed, wanted in zip(stream.batches(*asked), resident.batches(*asked), strict=True):
            np.testing.assert_array_equal(streamed, wanted)


def test_batches_are_read_before_they_are_asked_for():
    read, enough = set(), threading.Event()

    def note(place):
        read.add(threading.get_ident())
        seen.append(place)
        if len(seen) > 40:
            enough.set()
        return IMAGES[place]

    seen: list[int] = []
    stream = StreamedImages(CONFIG, Batch(stored(note)), run_keys(0))
    stream.batches(0, 0, 1)
    assert enough.wait(PATIENCE)
    assert threading.get_ident() not in read


@pytest.mark.parametrize(
    "other",
    [IMAGES[0] ^ 1, np.repeat(IMAGES[0], 3, axis=2), IMAGES[0].reshape(14, 56, 1)],
    ids=["pixel", "rgb", "size"],
)
def test_an_image_that_is_another_one_by_then_ends_the_training(other):
    changed = {}
    images = stored(lambda place: changed.get(place, IMAGES[place]))
    np.testing.assert_array_equal(images[:], IMAGES)  # as the digest of a data set reads them
    changed.update(dict.fromkeys(range(len(IMAGES)), other))
    stream = StreamedImages(CONFIG, Batch(images), run_keys(0))
    with pytest.raises(InputError, match=r"image \d+ is another image than at the start; restore it"):
        stream.batches(0, 0, 5)


def test_the_first_of_two_readings_counts_whichever_thread_it_is_in():
    colours = iter(range(40))
    images = StoredImages(lambda place: np.full((2, 2, 1), next(colours), np.uint8), 1, (2, 2, 1))
    with ThreadPoolExecutor(20) as threads:
        read = [threads.submit(images.__getitem__, 0) for _ in range(40)]
    assert sum(future.exception() is None for future in read) == 1


def test_without_grain_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(InputError, match=r"--stream needs Grain .*; install gan_jax\[stream\]"):
        StreamedImages(CONFIG, Batch(stored()), run_keys(0))
