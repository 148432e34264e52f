"""``gan-jax export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from gan_jax.errors import InputError
from gan_jax.files import atomic_write, prepare_output

if TYPE_CHECKING:
    from gan_jax.inference.layouts import Which
    from gan_jax.storage.load import TrainedRun
    from gan_jax.training.state import Variables


def export(
    path: tyro.conf.Positional[Path],
    /,
    output: Path,
    format: Literal["stablehlo", "onnx", "safetensors", "pytorch"] = "stablehlo",
    batch: int | None = None,
    model: Literal["generator", "discriminator"] | None = None,
    ema: bool = True,
    layout: Literal["nhwc", "torch-fidelity"] = "nhwc",
) -> None:
    """Write networks for other programs: as StableHLO, which JAX alone runs, as ONNX, or as weights for PyTorch.

    Example: gan-jax export runs/fashion_mnist --output generator.jax

    Args:
        path: A run's folder, or its weights.npz.
        output: A file; jax.export.deserialize(its bytes).call(latents) gives images, or a runtime of ONNX does.
        format: stablehlo for CPU, CUDA and TPU; onnx; or the weights in the layout of R3GAN's authors or of PyTorch's
            DCGAN, as safetensors or for torch.load.
        batch: Latents in each call, of stablehlo; by default any number, which older versions of JAX cannot read.
        model: Which network, by default the generator; the discriminator not as stablehlo. Of weights both by default,
            under G. and D.
        ema: Use the average of the generator's weights (EMA) where the run has one, and not those of the last step.
        layout: nhwc, floats near [-1, 1], or torch-fidelity, which scores the file itself: uint8 NCHW in RGB, as onnx.
    """
    from gan_jax.cli.sources import choose_discriminator, choose_generator, require_count
    from gan_jax.inference.export import export_generator
    from gan_jax.inference.onnx_export import onnx_discriminator, onnx_generator
    from gan_jax.inference.weight_files import WRITERS
    from gan_jax.storage.load import load_run

    as_bytes = layout == "torch-fidelity"
    if as_bytes and (format != "onnx" or model == "discriminator"):
        raise InputError("--layout torch-fidelity is a generator's as ONNX; give --format onnx, or leave it out.")
    if model == "discriminator" and format == "stablehlo":
        raise InputError("the discriminator is not written as StableHLO; give --format onnx too.")
    if model == "discriminator" and not ema:
        raise InputError("--no-ema is about the generator; leave it out, or --model discriminator.")
    if batch is not None:
        if format != "stablehlo":
            others = "ONNX files take any number" if format == "onnx" else "weights have none"
            raise InputError(f"--batch is about StableHLO, and {others}; leave it out.")
        require_count("batch", batch, 1)
    prepare_output(output)
    run = load_run(path)
    generator, name = choose_generator(run, ema)
    if as_bytes and run.config.makes_points:
        raise InputError("--layout torch-fidelity is about images, and this generator makes points; leave it out.")
    described = _described(run, batch, as_bytes=as_bytes)
    if format in WRITERS:
        content, described = _weights(run, generator, model, format)
        name = {"discriminator": "discriminator", "generator": name, None: f"{name} and the discriminator"}[model]
    elif model == "discriminator":
        content, name = onnx_discriminator(run.config, choose_discriminator(run)), "discriminator"
        described = _described(run, batch, of_discriminator=True)
    elif format == "onnx":
        content = onnx_generator(run.config, generator, as_bytes=as_bytes)
    else:
        content = export_generator(run.config, generator, batch)
    with atomic_write(output) as temporary:
        temporary.write_bytes(content)
    print(f"The {name} {'are' if ' and ' in name else 'is'} in {output}: {described}")


def _described(run: "TrainedRun", batch: int | None, *, of_discriminator: bool = False, as_bytes: bool = False) -> str:
    """From what to what a network leads."""
    labels = " and labels [b]" if run.config.conditional else ""
    made = "points" if run.config.makes_points else "images"
    if of_discriminator:
        return f"{made} [b, {', '.join(map(str, run.config.image_shape))}]{labels} to logits [b]"
    form = f" [b, 3, {', '.join(map(str, run.config.image_shape[:2]))}] uint8" if as_bytes else ""
    return f"latents [{batch or 'b'}, {run.config.latent_dim}]{labels} to {made}{form}"


def _weights(run: "TrainedRun", generator: "Variables", model: "Which | None", format: str) -> tuple[bytes, str]:
    from gan_jax.cli.sources import choose_discriminator
    from gan_jax.inference.weight_files import WRITERS
    from gan_jax.runs.imports import exported_arrays

    networks: dict[Which, Variables] = {}
    if model != "discriminator":
        networks["generator"] = generator
    if model != "generator":
        networks["discriminator"] = choose_discriminator(run)
    arrays = exported_arrays(run.config, networks, run.record)
    return WRITERS[format](arrays), f"{len(arrays)} arrays, such as {next(iter(arrays))}"
