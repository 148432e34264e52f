"""A network as a pair of pure functions, and how modules of Flax and of Equinox become one."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.fields import explain_fields

if TYPE_CHECKING:
    from flax import nnx

Variables = Mapping[str, Any]
"""What a network carries: any tree; ``variables["params"]`` learns, and a call in train mode may change the rest."""

Init = Callable[[GanConfig, Array], Variables]
Apply = Callable[..., tuple[Array, Variables]]


@explain_fields
class Network(NamedTuple):
    """One network, a generator or a discriminator, of any library."""

    init: Init
    """Takes ``(config, key)``; returns the variables, float32."""
    apply: Apply
    """Takes ``(config, variables, inputs, labels, *, train, key)``; returns the outputs and the next variables. ``key``
    is None where nothing is to be random, as in eval mode; ``labels`` may be None."""
    apply_batches: Callable[..., tuple[list[Array], Variables]] | None = None
    """Does the same for several batches in one pass, which goes over D's weights once; takes a list of inputs."""
    features: Callable[..., list[Array]] | None = None
    """Takes ``(config, variables, images, labels)``; returns what D's inner layers make of images in eval mode, each
    ``[images, height, width, channels]``. For ``gan-jax project``."""
    single_image_logits: bool = False
    """D's logit of an image depends on that image alone, in train mode too: R1 and R2 may then be taken from the loss's
    own pass through D, and a batch in parts."""
    single_latent_images: bool = False
    """G's image of a latent depends on that latent alone, in train mode too: a batch may then be taken in parts."""


def latents_like(config: GanConfig) -> Array:
    """One latent vector of zeros, which a generator is initialized with: ``[1, latent_dim]`` float32."""
    return jnp.zeros((1, config.latent_dim))


def images_like(config: GanConfig) -> Array:
    """One image of zeros as D is given it, or one pack: ``[1, height, width, packing * channels]`` float32."""
    *size, channels = config.image_shape
    return jnp.zeros((1, *size, config.packing * channels))


def from_linen(
    make: Callable[[GanConfig], linen.Module],
    example: Callable[[GanConfig], Array],
    features: Callable[[list[Array]], list[Array]] = list,
    **traits: Any,
) -> Network:
    """A network of a Flax Linen module.

    Args:
      make: returns the module, which is called with ``(inputs, labels, train)``. Collections other than ``params`` are
        its state; in train mode ``make_rng`` draws from the step's key.
      example: inputs to initialize it with, ``latents_like`` or ``images_like``.
      features: turns the outputs of its layers into those that ``Network.features`` returns.
      traits: other fields of ``Network``.

    Examples:
      >>> class Generator(linen.Module):
      ...     @linen.compact
      ...     def __call__(self, latents, labels, train):
      ...         return linen.Dense(784)(latents).reshape(-1, 28, 28, 1)
      >>> network = from_linen(lambda config: Generator(), latents_like)
      >>> variables = network.init(GanConfig(), jax.random.key(0))
      >>> images, _ = network.apply(GanConfig(), variables, jnp.zeros((2, 100)), None, train=False, key=None)
      >>> images.shape
      (2, 28, 28, 1)
    """

    def init(config: GanConfig, key: Array) -> Variables:
        return make(config).init(key, example(config), jnp.zeros((1,), jnp.int32), train=False)

    def apply(
        config: GanConfig, variables: Variables, inputs: Array, labels: Array | None, *, train: bool, key: Array | None
    ) -> tuple[Array, Variables]:
        return apply_linen(make(config), variables, inputs, labels, train=train, key=key)

    def see(config: GanConfig, variables: Variables, images: Array, labels: Array | None) -> list[Array]:
        _, seen = make(config).apply(
            variables, images, labels, train=False, capture_intermediates=True, mutable=["intermediates"]
        )
        layers = features(jax.tree.leaves(seen["intermediates"]))
        return [layer for layer in layers if layer.ndim == 4 and layer[0].size > 1]

    return Network(init, apply, features=see, **traits)


def apply_linen(
    module: linen.Module, variables: Variables, inputs: Array, labels: Array | None, *, train: bool, key: Array | None
) -> tuple[Array, Variables]:
    """Call a Linen module as ``Network.apply`` calls a network."""
    mutable = [name for name in variables if train and name != "params"]
    outputs, updated = module.apply(variables, inputs, labels, train=train, mutable=mutable, rngs=key)
    return outputs, {**variables, **updated}


def from_nnx(make: "Callable[[GanConfig, nnx.Rngs], nnx.Module]", **traits: Any) -> Network:
    """A network of a Flax NNX module.

    Args:
      make: returns the module, which is called with ``(inputs, labels, train, key)``. It keeps no random state of its
        own: what is random in a call comes from ``key``.
      traits: other fields of ``Network``.

    Raises:
      InputError: on ``init``: the module keeps random state.
    """
    from flax import nnx  # takes a while, and few need it

    def init(config: GanConfig, key: Array) -> Variables:
        _, params, random, rest = nnx.split(make(config, nnx.Rngs(key)), nnx.Param, nnx.RngState, ...)
        if jax.tree.leaves(random):
            raise InputError("the NNX module keeps random state; let it draw from the key that it is called with.")
        return {"params": nnx.to_pure_dict(params), "state": nnx.to_pure_dict(rest)}

    def apply(
        config: GanConfig, variables: Variables, inputs: Array, labels: Array | None, *, train: bool, key: Array | None
    ) -> tuple[Array, Variables]:
        shapes = nnx.eval_shape(lambda: make(config, nnx.Rngs(0)))
        graph, params, rest = nnx.split(shapes, nnx.Param, ...)
        nnx.replace_by_pure_dict(params, variables["params"])
        nnx.replace_by_pure_dict(rest, variables["state"])
        module: Any = nnx.merge(graph, params, rest)
        outputs = module(inputs, labels, train, key)
        state: Any = nnx.split(module, nnx.Param, ...)[2]
        return outputs, {**variables, "state": nnx.to_pure_dict(state)}

    return Network(init, apply, **traits)


def from_equinox(make: Callable[[GanConfig, Array], Any], **traits: Any) -> Network:
    """A network of an Equinox module; needs the package ``equinox``.

    Args:
      make: takes ``(config, key)`` and returns the module, which is called with ``(inputs, labels, train, key)`` on
        whole batches. Its arrays of floats learn; no call changes the others.
      traits: other fields of ``Network``.
    """
    import equinox

    def init(config: GanConfig, key: Array) -> Variables:
        params, rest = equinox.partition(equinox.filter(make(config, key), equinox.is_array), equinox.is_inexact_array)
        return {"params": params, "state": rest}

    def apply(
        config: GanConfig, variables: Variables, inputs: Array, labels: Array | None, *, train: bool, key: Array | None
    ) -> tuple[Array, Variables]:
        shapes = equinox.filter_eval_shape(make, config, jax.random.key(0))
        static = equinox.filter(shapes, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct), inverse=True)
        module = equinox.combine(variables["params"], variables["state"], static)
        return module(inputs, labels, train, key), variables

    return Network(init, apply, **traits)


def require_shape(what: str, outputs: Array, shape: Sequence[int]) -> Array:
    """Outputs, which must have a shape.

    Raises:
      InputError: they have another one.
    """
    if outputs.shape != tuple(shape):
        raise InputError(f"the {what} returns the shape {outputs.shape}; it must return {tuple(shape)}.")
    return outputs
