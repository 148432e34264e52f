"""``gan-jax interpolate``."""

from pathlib import Path

import tyro

from gan_jax.errors import InputError
from gan_jax.files import prepare_output


def interpolate(
    path: tyro.conf.Positional[Path],
    /,
    output: Path,
    rows: int = 6,
    columns: int = 10,
    seed: int = 0,
    label: str | None = None,
    ema: bool = True,
) -> None:
    """Walk from latent to latent along great circles: one picture, or a GIF that loops.

    Example: gan-jax interpolate runs/fashion_mnist --output walk.gif

    Args:
        path: A run's folder, or its weights.npz.
        output: .png (a row from each latent to the next, the last back to the first), or .gif (the same, in motion).
        rows: Latents on the way.
        columns: Images from one latent to the next.
        seed: Decides the latents: those of the first images of gan-jax sample.
        label: Of this class alone, by its name or number; for a conditional run. The classes in turn by default.
        ema: Use the average of the generator's weights (EMA) where the run has one, and not those of the last step.
    """
    import numpy as np

    from gan_jax.cli.sources import choose_generator, choose_label, require_count, require_seed
    from gan_jax.inference.sampling import interpolate_images
    from gan_jax.pictures.grids import require_picture, save_grid, save_loop
    from gan_jax.storage.load import load_run

    if output.suffix not in (".png", ".gif"):
        raise InputError(f"{output} must end in .png or .gif.")
    require_count("rows", rows, 2)
    require_count("columns", columns, 2)
    require_seed(seed)
    require_picture(rows * columns)
    prepare_output(output)
    run = load_run(path)
    generator, name = choose_generator(run, ema)
    images = interpolate_images(run.config, generator, rows, columns, seed, choose_label(run, label))
    if output.suffix == ".gif":
        save_loop(output, np.concatenate(images[:, :-1]))
    else:
        title = f"{path.resolve().name}   step {int(run.state.step)}   seed {seed}" + (f"   {label}" if label else "")
        save_grid(output, np.concatenate(images), title, columns, rows)
    print(f"The walk of the {name} is in {output}")
