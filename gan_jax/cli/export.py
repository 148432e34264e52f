"""``gan-jax export``."""

from pathlib import Path
from typing import Literal

import tyro

from gan_jax.cli.sources import choose_discriminator, choose_generator, require_count
from gan_jax.errors import InputError
from gan_jax.files import atomic_write, prepare_output
from gan_jax.inference.export import export_generator
from gan_jax.inference.onnx_export import onnx_discriminator, onnx_generator
from gan_jax.storage.load import load_run


def export(
    path: tyro.conf.Positional[Path],
    /,
    output: Path,
    format: Literal["stablehlo", "onnx"] = "stablehlo",
    batch: int | None = None,
    model: Literal["generator", "discriminator"] = "generator",
    ema: bool = True,
    layout: Literal["nhwc", "torch-fidelity"] = "nhwc",
) -> None:
    """Write a network for other programs: as StableHLO, which JAX alone runs, or as ONNX.

    Example: gan-jax export runs/fashion_mnist --output generator.jax

    Args:
        path: A run's folder, or its weights.npz.
        output: A file; jax.export.deserialize(its bytes).call(latents) gives images, or a runtime of ONNX does.
        format: stablehlo for CPU, CUDA and TPU, or onnx.
        batch: Latents in each call, of stablehlo; by default any number, which older versions of JAX cannot read.
        model: Which network; the discriminator as onnx alone.
        ema: Use the average of the generator's weights (EMA) where the run has one, and not those of the last step.
        layout: nhwc, floats near [-1, 1], or torch-fidelity, which scores the file itself: uint8 NCHW in RGB, as onnx.
    """
    as_bytes = layout == "torch-fidelity"
    if as_bytes and (format != "onnx" or model != "generator"):
        raise InputError("--layout torch-fidelity is a generator's as ONNX; give --format onnx, or leave it out.")
    if model == "discriminator" and format != "onnx":
        raise InputError("the discriminator is written as ONNX alone; give --format onnx too.")
    if model == "discriminator" and not ema:
        raise InputError("--no-ema is about the generator; leave it out, or --model discriminator.")
    if batch is not None:
        if format == "onnx":
            raise InputError("--batch is about StableHLO, and ONNX files take any number; leave it out.")
        require_count("batch", batch, 1)
    prepare_output(output)
    run = load_run(path)
    generator, name = choose_generator(run, ema)
    if as_bytes and run.config.makes_points:
        raise InputError("--layout torch-fidelity is about images, and this generator makes points; leave it out.")
    labels = " and labels [b]" if run.config.conditional else ""
    made = "points" if run.config.makes_points else "images"
    form = f" [b, 3, {', '.join(map(str, run.config.image_shape[:2]))}] uint8" if as_bytes else ""
    described = f"latents [{batch or 'b'}, {run.config.latent_dim}]{labels} to {made}{form}"
    if model == "discriminator":
        content, name = onnx_discriminator(run.config, choose_discriminator(run)), "discriminator"
        described = f"{made} [b, {', '.join(map(str, run.config.image_shape))}]{labels} to logits [b]"
    elif format == "onnx":
        content = onnx_generator(run.config, generator, as_bytes=as_bytes)
    else:
        content = export_generator(run.config, generator, batch)
    with atomic_write(output) as temporary:
        temporary.write_bytes(content)
    print(f"The {name} is in {output}: {described}")
