"""Any image set that TensorFlow Datasets has prepared for random access."""

import hashlib
import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.data.image_files import converted
from gan_jax.data.image_set import AS_IT_IS, ONE_IN_SIX, ImageSet, Reading, StoredImages, are_for_tests
from gan_jax.data.published import PUBLISHED
from gan_jax.errors import InputError
from gan_jax.files import first_line

_TEST_SPLITS = ("test", "validation")


class _Source(NamedTuple):
    """A split, by places."""

    images: Any
    labels: Any  # the same, whose images are not decoded


def read_records(name: str, data_dir: Path | None = None, reading: Reading = AS_IT_IS) -> ImageSet:
    """Read a data set of TFDS that has an ``image`` feature, as array records; it is prepared where it is not yet.

    Its splits are ``train``, and ``test`` or ``validation``; where there is none of these, ``are_for_tests`` decides.
    Its classes are those of a feature ``label``.

    Args:
      name: of the data set in TFDS, such as ``stl10``.
      data_dir: TFDS's folder of prepared sets; by default its own (``TFDS_DATA_DIR``).
      reading: with ``stream``, training images stay on disk; they are read when they are used.

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
    held_out = f"held out: the split {test_split}" if test_split else ONE_IN_SIX
    return _image_set(sources, names, reading)._replace(notes=(held_out,))


def _image_set(sources: list[_Source], class_names: tuple[str, ...], reading: Reading) -> ImageSet:
    """The set of a source for training, and perhaps one for tests."""
    shape = _image_at(sources[0], 0, reading).shape

    def image_at(source: _Source, place: int) -> np.ndarray:
        image = _image_at(source, place, reading)
        if image.shape != shape or shape[0] != shape[1]:
            sizes = " and ".join(dict.fromkeys((str(list(shape)), str(list(image.shape)))))
            raise InputError(f"there are images of {sizes}; give --image-size 28, 32 or 64, which crops and resizes.")
        return image

    def chosen(source: _Source, places: np.ndarray) -> tuple[StoredImages, np.ndarray]:
        stored = StoredImages(lambda place: image_at(source, int(places[place])), len(places), shape)
        labels = [source.labels[int(place)]["label"] if class_names else 0 for place in places]
        return stored, np.array(labels, np.int32)

    places = [np.arange(len(source.images)) for source in sources]
    if len(sources) == 1:
        images = (np.ascontiguousarray(image_at(sources[0], place)) for place in range(len(places[0])))
        is_test = are_for_tests([hashlib.sha256(image.data).digest() for image in images])
        sources, places = [sources[0]] * 2, [np.flatnonzero(~is_test), np.flatnonzero(is_test)]
    if not all(map(len, places)):
        raise InputError("the data set has no training or no test images; choose another.")
    (train_images, train_labels), (test_images, test_labels) = map(chosen, sources, places)
    kept = train_images if reading.stream else train_images[:]
    return ImageSet(kept, train_labels, test_images[:], test_labels, class_names)


def _image_at(source: _Source, place: int, reading: Reading) -> np.ndarray:
    image = np.asarray(source.images[place]["image"])
    if image.dtype != np.uint8 and reading.pixel_range is None:
        raise InputError(f"the images are {image.dtype}, not uint8; --pixel-range LOW HIGH says what is black, white.")
    return converted(image[np.newaxis], **reading.of_pixels)[0]
