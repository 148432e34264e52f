"""Any image set that TensorFlow Datasets has prepared for random access."""

import hashlib
import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.data.image_files import fit
from gan_jax.data.image_set import ImageSet, StoredImages, is_for_tests
from gan_jax.data.published import PUBLISHED
from gan_jax.errors import InputError
from gan_jax.files import first_line

_TEST_SPLITS = ("test", "validation")


class _Source(NamedTuple):
    """A split, by places."""

    images: Any
    labels: Any  # the same, whose images are not decoded


def read_records(
    name: str, data_dir: Path | None = None, image_size: int | None = None, stream: bool = False
) -> ImageSet:
    """Read a data set of TFDS that has an ``image`` feature, as array records; it is prepared where it is not yet.

    Its splits are ``train``, and ``test`` or ``validation``; where there is none of these, ``is_for_tests`` decides.
    Its classes are those of a feature ``label``.

    Args:
      name: of the data set in TFDS, such as ``stl10``.
      data_dir: TFDS's folder of prepared sets; by default its own (``TFDS_DATA_DIR``).
      image_size: crop centres and resize to so many pixels.
      stream: keep training images on disk; they are read when they are used.

    Raises:
      InputError: TFDS does not know the name, cannot prepare it here, or it has no images with random access.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
    from tensorflow_datasets.core.download.util import DownloadError
    from tensorflow_datasets.core.registered import DatasetNotFoundError

    logging.getLogger("absl").setLevel(logging.ERROR)  # it recommends OpenCV
    try:
        builder = tfds.builder(name, data_dir=data_dir, file_format="array_record")
        builder.download_and_prepare()
        splits: Any = builder.info.splits
        test_split = next((split for split in _TEST_SPLITS if split in splits), None)
        as_data_source: Any = builder.as_data_source
        undecoded = {"image": tfds.decode.SkipDecoding()}
        sources = [
            _Source(as_data_source(split=split), as_data_source(split=split, decoders=undecoded))
            for split in ("train", test_split)
            if split
        ]
    except DatasetNotFoundError:
        raise InputError(
            f"unknown data set {name!r}: choose one of {', '.join(PUBLISHED)}, a folder, .zip or .npz of images, or a "
            f"name that TensorFlow Datasets knows"
        ) from None
    except ImportError as error:
        raise InputError(
            f"TensorFlow Datasets prepares {name} with a library that is not here ({error}); prepare it where that is "
            f"installed, with tfds build {name} --file_format=array_record, and set TFDS_DATA_DIR."
        ) from error
    except NotImplementedError as error:
        raise InputError(
            f"{name} is prepared in a format without random access; prepare it in another folder, with tfds build "
            f"{name} --file_format=array_record, and set TFDS_DATA_DIR."
        ) from error
    except (DownloadError, NonMatchingChecksumError) as error:
        raise InputError(f"{name} cannot be downloaded ({first_line(error)}); try again later.") from error
    except (AssertionError, KeyError, TypeError, ValueError, OSError) as error:  # of a name, version or configuration
        raise InputError(
            f"TensorFlow Datasets cannot read {name!r} ({first_line(error)}); choose one of "
            f"{', '.join(PUBLISHED)}, or a folder, .zip or .npz of images."
        ) from error
    features: Any = builder.info.features
    if "image" not in features:
        raise InputError(f"{name} has no feature named image; choose another data set.")
    names = tuple(getattr(features["label"], "names", None) or ()) if "label" in features else ()
    return _image_set(sources, names, image_size, stream)


def _image_set(sources: list[_Source], class_names: tuple[str, ...], image_size: int | None, stream: bool) -> ImageSet:
    """The set of a source for training, and perhaps one for tests."""
    shape = _image_at(sources[0], 0, image_size).shape

    def image_at(source: _Source, place: int) -> np.ndarray:
        image = _image_at(source, place, image_size)
        if image.shape != shape or shape[0] != shape[1]:
            sizes = " and ".join(dict.fromkeys((str(list(shape)), str(list(image.shape)))))
            raise InputError(f"there are images of {sizes}; give --image-size 28, 32 or 64, which crops and resizes.")
        return image

    def chosen(source: _Source, places: np.ndarray) -> tuple[StoredImages, np.ndarray]:
        stored = StoredImages(lambda place: image_at(source, int(places[place])), len(places), shape)
        kinds = [source.labels[int(place)]["label"] if class_names else 0 for place in places]
        return stored, np.array(kinds, np.int32)

    places = [np.arange(len(source.images)) for source in sources]
    if len(sources) == 1:
        digests = (
            hashlib.sha256(np.ascontiguousarray(image_at(sources[0], place)).data) for place in range(len(places[0]))
        )
        is_test = np.array([is_for_tests(digest.digest()) for digest in digests])
        sources, places = [sources[0]] * 2, [np.flatnonzero(~is_test), np.flatnonzero(is_test)]
    if not all(map(len, places)):
        raise InputError("the data set has no training or no test images; choose another.")
    (train_images, train_labels), (test_images, test_labels) = map(chosen, sources, places)
    return ImageSet(train_images if stream else train_images[:], train_labels, test_images[:], test_labels, class_names)


def _image_at(source: _Source, place: int, image_size: int | None) -> np.ndarray:
    image = np.asarray(source.images[place]["image"])
    if image.dtype != np.uint8:
        raise InputError(f"the images are {image.dtype}; they must be uint8, 0 to 255: convert the data set.")
    return image if image_size is None else fit(image[np.newaxis], image_size)[0]
