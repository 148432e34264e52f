"""The configuration of another program's networks, from the shapes of their arrays."""

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from gan_jax.config import GanConfig
from gan_jax.recipes import recipe


class Shapes:
    """The shapes of a network's arrays in a file, by their names there."""

    def __init__(self, which: str, arrays: Mapping[str, np.ndarray]) -> None:
        self._which, self._arrays = which, arrays

    def of(self, name: str, axes: int) -> tuple[int, ...]:
        """An array's shape, which has so many axes, none of them empty.

        Raises:
          ValueError: there is no such array, or it has another shape.
        """
        if name not in self._arrays:
            raise ValueError(f"the {self._which}'s {name} is missing")
        shape = self._arrays[name].shape
        if len(shape) != axes or 0 in shape:
            raise ValueError(f"the {self._which}'s {name} is {shape} and must have {axes} axes")
        return shape

    def count(self, pattern: str) -> int:
        """How many different texts the group of a pattern matches at the names' beginnings."""
        return len({found[1] for name in self._arrays if (found := re.match(pattern, name))})


def r3gan_config(generator: Shapes, discriminator: Shapes) -> GanConfig:
    """R3GAN's stages, and the objective and optimizer of recipe ``r3gan``.

    Raises:
      ValueError: an array that tells something is missing, or has another number of axes.
    """
    count = min(generator.count(r"MainLayers\.(\d+)\."), 12)  # images of more than 12 stages are refused anyway
    layers = [f"MainLayers.{index}.Layers" for index in range(count)]
    inner = [generator.of(f"{layer}.1.LinearLayer1.Layer.weight", 4)[:2] for layer in layers]
    in_group = [generator.of(f"{layer}.1.LinearLayer2.Layer.weight", 4)[1] for layer in layers]
    smallest = generator.of("MainLayers.0.Layers.0.Basis", 3)[1]
    latents = generator.of("MainLayers.0.Layers.0.LinearLayer.weight", 2)[1]
    classes = generator.of("EmbeddingLayer.weight", 2) if generator.count("(EmbeddingLayer)") else None
    size = smallest * 2 ** (count - 1)
    return dataclasses.replace(
        recipe("r3gan"),
        schedules=(),
        ema_half_life=None,
        max_channels=None,
        image_shape=(size, size, generator.of("AggregationLayer.Layer.weight", 4)[0]),
        latent_dim=latents - classes[0] if classes else latents,
        conditional=classes is not None,
        num_classes=classes[1] if classes else GanConfig.num_classes,
        stage_widths=tuple(width for _, width in inner),
        stage_cardinalities=tuple(max(1, all_of // part) for (all_of, _), part in zip(inner, in_group, strict=True)),
        stage_blocks=tuple(generator.count(rf"{re.escape(layer)}\.(\d+)\.LinearLayer1") for layer in layers),
        expansion=max(1, inner[0][0] // inner[0][1]),
    )


def sequential_config(generator: Shapes, discriminator: Shapes) -> GanConfig:
    """DCGAN's widths and image size, and otherwise the default configuration.

    Raises:
      ValueError: as ``r3gan_config``.
    """
    normalized = discriminator.count(r"\d+\.(running_mean)") > 0
    count = 1 + generator.count(r"(\d+)\.running_mean")
    kernels = [generator.of(f"{3 * index}.weight", 4) for index in range(count)]
    widths = [kernel[0] for kernel in kernels[:0:-1]]
    places = [max(0, 3 * index - 1) if normalized else 2 * index for index in range(count - 1)]
    others = [discriminator.of(f"{place}.weight", 4)[0] for place in places]
    if not widths:
        raise ValueError("the generator has no batch normalization")
    size = 7 * 2 ** (count - 2) if kernels[1][2] == 3 else 4 * 2 ** (count - 1)
    doubled = all(own == each[0] * 2**at for each in (widths, others) for at, own in enumerate(each))
    return GanConfig(
        image_shape=(size, size, kernels[-1][1]),
        latent_dim=kernels[0][0],
        width=widths[0],
        discriminator_width=None if others[0] == widths[0] else others[0],
        max_channels=None if doubled else max(widths + others),
        normalization="batch" if normalized else "none",
    )
