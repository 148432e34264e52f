"""``gan-jax sample``."""

from pathlib import Path
from typing import Annotated

import tyro

from gan_jax.cli.shared_flags import NUM_IMAGES

_COLUMNS = 8  # of a grid with a row for each class


def sample(
    path: tyro.conf.Positional[Path],
    /,
    output: Path,
    num_images: Annotated[int | None, NUM_IMAGES] = None,
    seed: int = 0,
    label: str | None = None,
    truncation: float = 1.0,
    ema: bool = True,
) -> None:
    """Draw images from a trained generator.

    Example: gan-jax sample runs/fashion_mnist --num-images 10000 --output samples.npz

    Args:
        path: A run's folder, or its weights.npz.
        output: .npz (arr_0, NHWC uint8, 3 channels), .png (one grid), or a new folder of PNGs; of a conditional run
            with the labels, as arr_1 or in dataset.json.
        num_images: How many; 64 by default, or in a grid of a conditional run 8 of each class, a row each.
        seed: Decides the latents.
        label: Of this class alone, by its name or number; for a conditional run. The classes in turn by default.
        truncation: Multiply the latents by this psi, from 0 to 1: below 1, images are more typical and less varied.
        ema: Use the average of the generator's weights (EMA) where the run has one, and not those of the last step.
    """
    import numpy as np

    from gan_jax.cli.sources import choose_generator, choose_label, require_count, require_seed
    from gan_jax.config import require
    from gan_jax.data.image_set import listed
    from gan_jax.inference.sampling import sample_images
    from gan_jax.pictures.grids import require_picture
    from gan_jax.pictures.image_files import prepare_images_path, save_images
    from gan_jax.storage.load import load_run

    require_count("num-images", 1 if num_images is None else num_images)
    require_seed(seed)
    require(0 <= truncation <= 1, "truncation", truncation, "from 0 to 1")
    if output.suffix == ".png":
        require_picture(num_images or 1)
    prepare_images_path(output)
    run = load_run(path)
    generator, name = choose_generator(run, ema)
    chosen = choose_label(run, label)
    row_per_class = run.config.conditional and output.suffix == ".png" and num_images is None and chosen is None
    if row_per_class:
        labels = np.repeat(run.config.trained_classes, _COLUMNS)
        num_images = len(labels)
    else:
        num_images = 64 if num_images is None else num_images
        labels = None if chosen is None else np.full(num_images, chosen, np.int32)
        if labels is None and run.config.conditional:
            labels = np.resize(run.config.trained_classes, num_images)
    images = sample_images(run.config, generator, num_images, seed, labels, truncation)
    title = f"{path.resolve().name}   step {int(run.state.step)}   seed {seed}" + (f"   {label}" if label else "")
    save_images(output, images, title, _COLUMNS if row_per_class else None, labels)
    print(f"{num_images} images of the {name} are in {output}")
    if run.class_names and row_per_class:
        print(f"The rows are {listed([run.class_names[known] for known in run.config.trained_classes])}")
    elif run.class_names and output.suffix != ".png":
        print(f"The labels from 0 on are {listed(run.class_names)}")
