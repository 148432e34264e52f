"""``gan-jax project``."""

from pathlib import Path

import tyro

from gan_jax.errors import InputError
from gan_jax.files import prepare_output

MOST_RESTARTS = 1000  # they are taken at once


def project(
    path: tyro.conf.Positional[Path],
    image: tyro.conf.Positional[Path],
    /,
    output: Path,
    restarts: int = 16,
    steps: int = 500,
    seed: int = 0,
    label: str | None = None,
    ema: bool = True,
) -> None:
    """Find the latent whose image is nearest to a given one, in pixels and in the discriminator's features.

    Example: gan-jax project runs/fashion_mnist shoe.png --output projection.png

    Writes the image, its projection and their difference as a picture, and the latent beside it.

    Args:
        path: A run's folder, or its weights.npz.
        image: An image file; its centre is cropped to a square and resized.
        output: The PNG; the latent goes into a .latent.npz of the same name.
        restarts: Latents to begin from; the best end counts.
        steps: Of Adam.
        seed: Decides where they begin.
        label: The class to look in, by its name or number; for a conditional run. All classes in turn by default.
        ema: Use the average of the generator's weights (EMA) where the run has one, and not those of the last step.
    """
    import numpy as np

    from gan_jax.array_files import save_arrays
    from gan_jax.cli.sources import choose_discriminator, choose_generator, choose_label, require_count, require_seed
    from gan_jax.config import require
    from gan_jax.data.image_files import read_image
    from gan_jax.inference.projection import project_image
    from gan_jax.pictures.grids import save_grid
    from gan_jax.storage.load import load_run
    from gan_jax.storage.run_json import read_settings

    require(1 <= restarts <= MOST_RESTARTS, "restarts", restarts, f"from 1 to {MOST_RESTARTS:,}")
    require_count("steps", steps)
    require_seed(seed)
    if output.suffix != ".png":
        raise InputError(f"{output} must end in .png; the latent goes into a .latent.npz of the same name.")
    latent = output.with_suffix(".latent.npz")
    if output.resolve() == image.resolve():
        raise InputError(f"{output} is the image itself; give another --output.")
    for file in (output, latent):
        prepare_output(file)
    run = load_run(path)
    class_label = choose_label(run, label)
    generator, name = choose_generator(run, ema)
    if run.config.makes_points:
        raise InputError(f"{path} makes points, which have no projection; give a run of images.")
    pixel_range = read_settings(run.record)[0].pixel_range if run.record else None
    pixels = read_image(image, run.config.image_shape, pixel_range)
    found = project_image(
        run.config,
        generator,
        choose_discriminator(run),
        pixels,
        restarts=restarts,
        steps=steps,
        seed=seed,
        label=class_label,
    )
    difference = np.abs(found.image.astype(int) - pixels).astype(np.uint8)
    save_grid(output, np.stack([pixels, found.image, difference]), "image, projection, difference", columns=3)
    chosen = {} if found.label is None else {"label": np.int32(found.label)}
    arrays = {"latent": found.latent, "image": found.image, "losses": found.losses, **chosen}
    save_arrays(latent, arrays)
    of_class = f" of class {run.class_names[found.label]}" if found.label is not None and run.class_names else ""
    print(f"The nearest image of the {name}{of_class} differs by {found.pixel_distance:.1f} of 255 (root mean square).")
    print(f"The picture is {output}, the latent is in {latent}")
