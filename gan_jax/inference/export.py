"""A trained generator as one file that JAX alone runs, on any machine."""

from collections.abc import Generator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
from jax import Array, export

from gan_jax.config import GanConfig
from gan_jax.nn.network import Variables
from gan_jax.training.forward import generate

PLATFORMS = ("cpu", "cuda", "tpu")

_FRAMES = "jax_traceback_in_locations_limit"  # of the Python stack, noted with every operation


def export_generator(config: GanConfig, generator: Variables, batch: int | None = None) -> bytes:
    """Serialize ``generate`` with its weights as constants: StableHLO, by ``jax.export``.

    Whoever has the bytes needs jax and flatbuffers, and nothing of this package::

        import jax, jax.export, pathlib
        generator = jax.export.deserialize(pathlib.Path("generator.jax").read_bytes())
        images = generator.call(jax.random.normal(jax.random.key(0), (64, 100)))

    There, ``call`` takes latents ``[b, latent_dim]`` float32 for any b of at least 1, and for a conditional generator
    labels ``[b]`` int32 after them, and returns images ``[b, height, width, channels]`` float32 in [-1, 1], in eval
    mode; other shapes, types and platforms are a ``ValueError``. ``in_avals`` tells the latents' shape. Each platform
    gets the convolutions that suit it. Versions of JAX at least half a year younger than this one read the bytes. Older
    ones may read them only if the batch is fixed: jax 0.10.2 reads what 0.12 wrote then, and not otherwise.

    Args:
      config: the networks' configuration.
      generator: the generator's state.
      batch: b, where it is to be fixed; by default the file takes any.

    Returns:
      The file's content, for ``PLATFORMS``; the same for the same weights, wherever and by whichever script it is made.

    Raises:
      flax.errors.ScopeParamShapeError: the generator is not of this configuration.
    """

    @jax.jit
    def generator_images(latents: Array, *labels: Array) -> Array:
        return generate(config, generator, latents, *labels)

    count = export.symbolic_shape("b")[0] if batch is None else batch
    latents = jax.ShapeDtypeStruct((count, config.latent_dim), jnp.float32)
    labels = [jax.ShapeDtypeStruct((count,), jnp.int32)] if config.conditional else []
    with _without_source_paths():
        return bytes(export.export(generator_images, platforms=PLATFORMS)(latents, *labels).serialize())


@contextmanager
def _without_source_paths() -> Generator[None]:
    """Keep the names of this machine's folders and of the calling script out of what is lowered."""
    limit = getattr(jax.config, _FRAMES)
    jax.config.update(_FRAMES, 0)
    try:
        yield
    finally:
        jax.config.update(_FRAMES, limit)
