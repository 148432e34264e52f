"""``gan-jax reals``."""

from pathlib import Path
from typing import Literal

from gan_jax.cli.sources import require_count
from gan_jax.data.datasets import load_dataset
from gan_jax.pictures.grids import require_picture
from gan_jax.pictures.image_files import prepare_images_path, save_images


def reals(
    output: Path,
    dataset: str = "fashion_mnist",
    data_dir: Path | None = None,
    image_size: Literal[28, 32, 64] | None = None,
    num: int = 10_000,
    train: bool = False,
) -> None:
    """Write real images in the same forms, for tools that compare two sets.

    Example: gan-jax reals --num 10000 --output reals.npz

    Args:
        output: .npz (arr_0, NHWC uint8, 3 channels), .png (one grid), or a new folder of PNGs.
        dataset: As of gan-jax train: a name, or a folder, .zip or .npz of images.
        data_dir: A folder with the data set's published files.
        image_size: Crop the centres to squares and resize to so many pixels.
        num: The first so many.
        train: Training images in place of test images.
    """
    require_count("num", num)
    if output.suffix == ".png":
        require_picture(num)
    prepare_images_path(output)
    data = load_dataset(dataset, data_dir, image_size=image_size)
    images = (data.train_images if train else data.test_images)[:num]
    save_images(output, images, f"{data.name}   real")
    print(f"{len(images)} real images are in {output}")
