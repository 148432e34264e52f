"""``gan-jax sample``."""

from pathlib import Path

import tyro

from gan_jax.cli.sources import require_count, require_seed
from gan_jax.inference.sampling import sample_images
from gan_jax.pictures.image_files import prepare_images_path, save_images
from gan_jax.storage.load import load_run


def sample(path: tyro.conf.Positional[Path], /, output: Path, num: int = 64, seed: int = 0) -> None:
    """Draw images from a trained generator.

    Example: gan-jax sample runs/gan --num 10000 --output samples.npz

    Args:
        path: A run's folder, or its weights.npz.
        output: .npz (arr_0, NHWC uint8, 3 channels), .png (one grid), or a new folder of PNGs.
        num: How many.
        seed: Decides the latents.
    """
    require_count("num", num)
    require_seed(seed)
    prepare_images_path(output)
    run = load_run(path)
    images = sample_images(run.config, run.generator, num, seed)
    save_images(output, images, f"{path.resolve().name}   step {int(run.state.step)}   seed {seed}")
    print(f"{num} generated images are in {output}")
