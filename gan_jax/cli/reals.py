"""``gan-jax reals``."""

from pathlib import Path
from typing import Annotated

from gan_jax.cli.shared_flags import NUM_IMAGES, READ_AS_THEY_ARE, Reading
from gan_jax.errors import InputError
from gan_jax.files import expand_home, prepare_output


def reals(
    output: Path,
    dataset: str = "fashion_mnist",
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
    num_images: Annotated[int, NUM_IMAGES] = 10_000,
    train: bool = False,
    seed: int = 0,
    features: str | None = None,
    feature_weights: Path | None = None,
) -> None:
    """Write real images in the same forms, for tools that compare two sets.

    Example: gan-jax reals --num-images 10000 --output reals.npz

    Args:
        output: .npz (arr_0, NHWC uint8, 3 channels), .png (one grid), or a new folder of PNGs.
        dataset: As of gan-jax train: a name, or a folder, .zip or .npz of images.
        data_dir: A folder with the data set's published files.
        reading: How the data set's image files are read.
        num_images: So many at random, of each class its share; all of them if there are no more.
        train: Training images in place of test images.
        seed: Decides which, and their order.
        features: Write mu and sigma of the images' features into an .npz, as pytorch-fid does; of inception, say.
        feature_weights: The weights of --features inception.
    """
    from gan_jax.cli.sources import require_count, require_seed
    from gan_jax.data.datasets import load_dataset
    from gan_jax.data.folders import is_path
    from gan_jax.data.image_set import listed
    from gan_jax.data.shares import sample_rows
    from gan_jax.evaluation import feature_statistics, load_features, save_statistics
    from gan_jax.evaluation.feature_network import cached_features
    from gan_jax.pictures.grids import require_picture
    from gan_jax.pictures.image_files import prepare_images_path, save_images

    require_count("num-images", num_images)
    require_seed(seed)
    if output.suffix == ".png":
        require_picture(num_images)
    if is_path(dataset) and output.is_file() and output.resolve().is_relative_to(expand_home(Path(dataset)).resolve()):
        raise InputError(f"{output} is one of the images that are read; give another --output.")
    if features:
        if output.suffix != ".npz":
            raise InputError(f"{output} must end in .npz, where --features writes mu and sigma.")
        prepare_output(output)
    else:
        prepare_images_path(output)
    data = load_dataset(dataset, data_dir, **reading.options)
    images, labels = (data.train_images, data.train_labels) if train else (data.test_images, data.test_labels)
    rows = sample_rows(labels, num_images, seed)
    if features:
        network = load_features(features, data, feature_weights)
        save_statistics(output, feature_statistics(cached_features(network, images[rows]).features))
        described = f"features {network.name} (sha256 {network.sha256[:12]})"
        print(f"The statistics of {len(rows)} real images are in {output}, {described}")
        return
    save_images(output, images[rows], f"{data.name}   real", labels=labels[rows] if data.class_names else None)
    print(f"{len(rows)} real images are in {output}")
    if data.class_names and output.suffix != ".png":
        print(f"The labels from 0 on are {listed(data.class_names)}")
