"""``gan-jax import``."""

from pathlib import Path

import tyro


def import_(
    path: tyro.conf.Positional[Path],
    /,
    output_dir: Path,
    discriminator: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Make a run's folder from another program's weights, for the commands that take a run.

    Example: gan-jax import r3gan.safetensors --output-dir runs/r3gan

    It knows R3GAN's weights under its authors' names, and a DCGAN's under those of nn.Sequential.

    Args:
        path: A .safetensors, .npz, .pt or .pth file of both networks, under G. and D., or of the generator alone.
        output_dir: The run's folder.
        discriminator: The discriminator's file, where it is another.
        overwrite: Replace the run that is in the folder.
    """
    from gan_jax.runs.imports import import_run

    config, sources = import_run(path, output_dir, discriminator, overwrite=overwrite)
    shape = ", ".join(map(str, config.image_shape))
    labels = f" and labels of {config.num_classes} classes" if config.conditional else ""
    for network, source in sources.items():
        print(f"The {network} is from {source}")
    print(f"{output_dir} has network {config.network}: latents [b, {config.latent_dim}]{labels} to images [b, {shape}]")
    print(f"Next: gan-jax sample {output_dir} --output grid.png")
