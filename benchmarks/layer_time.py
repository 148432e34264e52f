"""Time each layer's convolution F, its adjoint T and its kernel's gradient W, inside a scan, as the step runs them.

The layers are the discriminator's; the generator has the same layers in reverse order. Each operation depends on the
scan's carry, so that XLA cannot move it out of the loop, and its whole result is used, so that XLA cannot drop a part.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import tyro
from jax import Array, lax
from machine import write_figures
from tables import layers_table
from timing import Form, race

from gan_jax import GanConfig
from gan_jax.nn import convolution
from gan_jax.nn.dcgan import dcgan_layers
from gan_jax.training import compiled


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    gan: GanConfig = dataclasses.field(default_factory=GanConfig)
    """Networks and batch."""
    rounds: int = 9
    """Turns of each form."""
    repeats: int = 10
    """Operations in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


Shapes = dict[str, tuple[int, ...]]

# How often a joint step runs each: G forward and backward, D on reals, D on fakes, and D once more for G.
# The first layer of D needs T once, for G; the last layer of G, its mirror image, likewise.
USES = {"F": (4, 4, 4, 3), "T": (2, 4, 4, 3), "W": (3, 3, 3, 2)}
STEM_USES = {"F": 0, "T": 1, "W": 1}


def main(settings: Settings) -> None:
    found = []
    for name, shapes, uses in layers(settings.gan):
        for operation, use in uses.items():
            forms = {kind: form(kind, operation, *shapes, settings.repeats) for kind in ("gan_jax", "native")}
            medians = {kind: timing.median for kind, timing in race(forms, settings.rounds).items()}
            found.append({"layer": name, "operation": operation, "times": use, **medians})
    print(layers_table(found))
    write_figures(settings, layers=found)


def layers(config: GanConfig) -> list[tuple[str, tuple[Shapes, int, int], dict[str, int]]]:
    """Each layer's name, the shapes of x, w and y with stride and padding, and how often a joint step runs it."""
    found = []
    size, _, channels = config.image_shape
    for index, (features, kernel, stride, padding, _) in enumerate(dcgan_layers(config)):
        outputs = (size + 2 * padding - kernel) // stride + 1
        shapes = layer_shapes(config.batch_size, size, channels, kernel, outputs, features)
        uses = {operation: counts[index] for operation, counts in USES.items()}
        found.append((f"{size}×{size}×{channels} to {outputs}×{outputs}×{features}", (shapes, stride, padding), uses))
        size, channels = outputs, features
    stem = layer_shapes(config.batch_size, 4, 4 * config.width, 4, 1, config.latent_dim)
    return [*found, (f"4×4×{4 * config.width} to latents", (stem, 1, 0), STEM_USES)]


def layer_shapes(batch: int, size: int, channels: int, kernel: int, outputs: int, features: int) -> Shapes:
    return {
        "x": (batch, size, size, channels),
        "w": (kernel, kernel, channels, features),
        "y": (batch, outputs, outputs, features),
    }


def form(kind: str, operation: str, shapes: Shapes, stride: int, padding: int, repeats: int) -> Form:
    """One turn: ``repeats`` times the same operation, in a scan."""
    geometry = convolution._Geometry(stride, padding, shapes["x"][1:3], shapes["w"][:2])
    names = {"F": "xw", "T": "yw", "W": "xy"}[operation]
    functions = {
        "gan_jax": (convolution._convolve, convolution._transpose, convolution._kernel_gradient),
        "native": (convolution._native_convolve, convolution._native_transpose, convolution._native_kernel_gradient),
    }
    function = dict(zip("FTW", functions[kind], strict=True))[operation]
    operands = [jax.random.normal(jax.random.key(i), shapes[name]) for i, name in enumerate(names)]
    compiled = compile_scan(lambda *arrays: function(geometry, *arrays), repeats)
    return Form(lambda: compiled(*operands).block_until_ready(), repeats)


def compile_scan(function: Callable[..., Array], repeats: int) -> Callable[..., Array]:
    def scan(first: Array, second: Array) -> Array:
        def body(carry: Array, _: None) -> tuple[Array, None]:
            return jnp.mean(function(first + carry, second)) * 1e-9, None

        return lax.scan(body, jnp.zeros(()), length=repeats)[0]

    return jax.jit(scan, compiler_options=compiled.compiler_options(jax.default_backend()))


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
