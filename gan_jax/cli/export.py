"""``gan-jax export``."""

from pathlib import Path

import tyro

from gan_jax.cli.sources import choose_generator, prepare_output
from gan_jax.files import atomic_write
from gan_jax.inference.export import export_generator
from gan_jax.storage.load import load_run


def export(path: tyro.conf.Positional[Path], /, output: Path, raw: bool = False) -> None:
    """Write a generator as StableHLO, which JAX alone runs on CPU, CUDA and TPU.

    Example: gan-jax export runs/gan --output generator.jax

    Args:
        path: A run's folder, or its weights.npz.
        output: A file; jax.export.deserialize(its bytes).call(latents) gives images.
        raw: Use the generator as it was after the last step where the run has an average of it.
    """
    prepare_output(output)
    run = load_run(path)
    generator, name = choose_generator(run, raw)
    with atomic_write(output) as temporary:
        temporary.write_bytes(export_generator(run.config, generator))
    labels = " and labels [b]" if run.config.conditional else ""
    print(f"The {name} is in {output}: latents [b, {run.config.latent_dim}]{labels} to images")
