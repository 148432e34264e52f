"""Every recipe's step as it is lowered for a GPU and for a TPU, without having one.

The programs are read as JAX hands them to XLA, with calls and the branches of the platform put in their places.
"""

import collections
import dataclasses
import itertools
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import Batch, gan_step, init_state, recipe, run_keys
from gan_jax.nn.convolution import convolve
from gan_jax.nn.networks import NETWORKS
from gan_jax.objectives.losses import OBJECTIVES
from gan_jax.objectives.penalties import EXPANDABLE

CONVOLUTION, PRODUCT, TRANSPOSE = (f"stablehlo.{name}" for name in ("convolution", "dot_general", "transpose"))
# What returns to the host, or calls what is no part of XLA.
HOST = {f"stablehlo.{name}" for name in ("custom_call", "infeed", "outfeed", "send", "recv")}
# Convolutions, dense layers, and pointwise ones among the convolutions; of D, and of G as well.
LAYERS = {"dcgan": (3, 1, 0), "infogan": (2, 2, 0), "r3gan": (12, 1, 9)}
IMAGES, KERNEL = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((8, 28, 28, 3), (4, 4, 3, 16)))
KINDS = list(itertools.product(("cuda", "tpu"), ("float32", "bfloat16")))
# Recipes that differ in network, normalization, penalty or critic steps, each for one platform in one precision.
NAMES = ("dcgan", "wgan-gp", "sn-hinge", "r3gan-dcgan", "r3gan", "lucic", "diffaugment", "conditional", "fast")
TESTED = list(zip(NAMES, itertools.cycle(KINDS)))


def programs(*precisions):
    """The programs in the precisions; make test has one for each platform and precision."""
    chosen = [
        pytest.param(name, *kind, marks=() if name in ("dcgan", "r3gan-dcgan") else pytest.mark.soak)
        for name, kind in TESTED
        if kind[1] in precisions
    ]
    return pytest.mark.parametrize(("name", "platform", "precision"), chosen)


class Operation:
    """An operation of the program; its operands are what made them, None for arguments and in loops."""

    def __init__(self, operation, operands):
        self.name, self.operands, self.users = operation.operation.name, operands, []
        self.attributes = operation.attributes
        self.inputs, self.outputs = ([value.type for value in some] for some in (operation.operands, operation.results))
        for operand in filter(None, operands):
            operand.users.append(self)

    @property
    def types(self):
        return {str(value.element_type) for value in (*self.inputs, *self.outputs)}


def read(module):
    """All operations of a module in order, as often as they are called; those of a loop's body once."""
    functions = {function.attributes["sym_name"].value: function for function in module.body.operations}
    found = []

    def go_through(block, made):
        for operation in block.operations:
            name, operands = operation.operation.name, [made[value] for value in operation.operands]
            if name in ("stablehlo.return", "func.return"):
                return operands
            if name == "func.call":
                (called,) = functions[operation.attributes["callee"].value].regions[0].blocks
                results = go_through(called, dict(zip(called.arguments, operands, strict=True)))
            elif name in ("stablehlo.case", "stablehlo.while"):  # a case of platforms has one branch
                for region in operation.regions:
                    results = go_through(region.blocks[0], made | dict.fromkeys(region.blocks[0].arguments))
            else:
                found.append(Operation(operation, operands))
                results = [found[-1]] * len(operation.results)
            made.update(zip(operation.results, results, strict=True))
        raise AssertionError("a block returns")

    (entry,) = functions["main"].regions[0].blocks
    go_through(entry, dict.fromkeys(entry.arguments))
    return found


@cache
def trace(config):
    config, keys = config.at(0, 100), run_keys(0)
    state = jax.eval_shape(partial(init_state, config), keys.init)
    images = jax.ShapeDtypeStruct((config.images_per_step, *config.image_shape), jnp.float32)
    labels = jax.ShapeDtypeStruct(images.shape[:1], jnp.int32) if config.conditional else None
    return jax.jit(gan_step).trace(config, state, Batch(images, labels), keys.step)


@cache
def lower(config, platform):
    return read_for(platform, trace(config))


def read_for(platform, traced):
    return read(traced.lower(lowering_platforms=(platform,)).compiler_ir("stablehlo"))


def configured(name, precision):
    return dataclasses.replace(recipe(name), precision=precision)


def named(name, operations):
    return [operation for operation in operations if operation.name == name]


def layer_products(config):
    """How many convolutions and how many matrix products the layers of a step need, a critic step's loop read once.

    Forward, to the kernel and to the inputs are one each, but for a network's own inputs. A penalty goes forward, back,
    to the kernels, and forward again with the gradient's gradient; dense layers next to the logits lack the first and
    the last. R1 and R2 lack the first two, which are the loss's, and take the loss to the images. To a pointwise kernel
    is a matrix product.
    """
    convolutions, dense, pointwise = LAYERS[config.network]
    paired = OBJECTIVES[config.objective].sees_reals
    passes = 1 if NETWORKS[config.network].discriminator.apply_batches else 2  # of D over reals and fakes
    of_g = 3 * convolutions, 3 * dense - (not config.conditional)  # of the inputs, the class's embedding learns
    of_d = passes * (3 * convolutions - 1), passes * 3 * dense
    through_d = (2 + paired) * convolutions, (2 + paired) * dense
    expanded = set(config.penalties) <= set(EXPANDABLE)
    penalty = (2 * convolutions + 1, 2 * dense - 1) if expanded else (4 * convolutions, 4 * dense - 2)
    penalties = len(config.penalties) * np.array(penalty)
    if config.generator_batch == "own":  # G runs forward for D too
        of_g = of_g[0] + convolutions, of_g[1] + dense
    kernels = (1 + passes + len(config.penalties)) * pointwise
    found = np.array(of_g) + of_d + through_d + penalties + (-kernels, kernels)
    if config.critic_steps > 1:  # Wasserstein's gradient needs no logits, and nothing reports them
        found += np.array([convolutions, dense]) + of_d + penalties - (0, 2)
    return tuple(found)


def other_products(config):
    """Matrix products beside the layers': four to estimate a spectral norm and two back, and two to move images."""
    spectral = config.normalization == "spectral"
    estimated = spectral * (sum(LAYERS[config.network][:2]) + config.conditional)  # three times, twice of them to learn
    moved = 4 * ("translation" in config.augmentations)
    return estimated * (3 * 4 + 2 * 2) + moved * 2


@programs("float32", "bfloat16")
def test_a_step_has_the_products_of_its_layers_and_no_others_and_stays_on_the_device(name, platform, precision):
    config = configured(name, precision)
    operations = lower(config, platform)
    convolutions, products = layer_products(config)
    assert len(named(CONVOLUTION, operations)) == convolutions
    assert len(named(PRODUCT, operations)) == products + other_products(config)
    assert config.conditional or not named("stablehlo.gather", operations)
    assert not HOST & {operation.name for operation in operations}
    if precision == "float32":
        types = {kind for operation in operations for kind in operation.types}
        assert {kind for kind in types if "f" in kind} == {"f32"}


def test_what_returns_to_the_host_is_seen():
    def talkative(images):
        jax.debug.callback(print, images.mean())
        return images

    operations = read_for("cpu", jax.jit(talkative).trace(IMAGES))
    assert HOST & {operation.name for operation in operations} == {"stablehlo.custom_call"}


def only_relabels(operation):
    """Whether an operation leaves the order of the numbers to the layout: no axis but those of one entry changes."""
    before, after = (
        [size for size in value.shape if size > 1] for value in (operation.inputs[0], operation.outputs[0])
    )
    if operation.name == "stablehlo.reshape":
        return before == after
    return operation.name in (TRANSPOSE, "stablehlo.reverse", "stablehlo.convert")


def moves(transpose):
    axes = [axis for axis in transpose.attributes["permutation"] if transpose.inputs[0].shape[axis] > 1]
    return axes != sorted(axes)


def is_made_by_a_product(operation):
    if operation is None or operation.name in (CONVOLUTION, PRODUCT):
        return operation is not None
    return only_relabels(operation) and is_made_by_a_product(operation.operands[0])


def is_for_products_alone(operation):
    return bool(operation.users) and all(
        user.name in (CONVOLUTION, PRODUCT) or (only_relabels(user) and is_for_products_alone(user))
        for user in operation.users
    )


def copies(operations):
    """Shapes of what is transposed on its own: XLA gives convolutions and products operands and results in any order
    of axes, so that a transpose beside one of them costs nothing."""
    return [
        tuple(transpose.inputs[0].shape)
        for transpose in named(TRANSPOSE, operations)
        if moves(transpose) and not is_made_by_a_product(transpose.operands[0]) and not is_for_products_alone(transpose)
    ]


@programs("float32", "bfloat16")
def test_every_transpose_is_part_of_a_convolution_or_product(name, platform, precision):
    """But for the one that deals a step's images out to its updates, so that each stays on its device, and for those of
    grouped convolutions' small kernels, whose inputs and outputs change places within each group."""
    config = configured(name, precision)
    dealt = [(config.batch_size, config.batches_per_step, *config.image_shape)] * (config.batches_per_step > 1)
    images = [shape for shape in copies(lower(config, platform)) if len(shape) != 5 or shape[:2] != (3, 3)]
    assert images == dealt


@pytest.mark.parametrize(
    ("function", "copied"),
    [
        (lambda images, kernel: jnp.tanh(images.swapaxes(1, 3)), [IMAGES.shape]),
        (lambda images, kernel: convolve(jnp.tanh(images.swapaxes(1, 2)), kernel, 2, 1), [IMAGES.shape]),
        (lambda images, kernel: convolve(images.swapaxes(1, 2), kernel, 2, 1), []),
        (lambda images, kernel: jnp.tanh(convolve(images, kernel, 2, 1).swapaxes(1, 2)), []),
        (lambda images, kernel: jnp.tanh(images[..., :1].swapaxes(2, 3)), []),
    ],
)
def test_a_transpose_is_seen_where_no_product_is_beside_it(function, copied):
    assert copies(read_for("cuda", jax.jit(function).trace(IMAGES, KERNEL))) == copied


@programs("bfloat16")
def test_bfloat16_is_the_type_of_the_layers_products_alone(name, platform, precision):
    config = configured(name, precision)
    operations = lower(config, platform)
    assert all(convolution.types == {"bf16"} for convolution in named(CONVOLUTION, operations))
    products = collections.Counter(frozenset(product.types) for product in named(PRODUCT, operations))
    expected = {frozenset({"bf16"}): layer_products(config)[1], frozenset({"f32"}): other_products(config)}
    assert products == {types: count for types, count in expected.items() if count}
    assert all(root.types == {"f32"} for root in named("stablehlo.sqrt", operations))  # Adam's
    traced = trace(config)  # parameters, statistics and Adam's moments, before the step and after it
    kept = [leaf.dtype for leaf in jax.tree.leaves((traced.args_info, traced.out_info))]
    assert {kind for kind in kept if jnp.issubdtype(kind, jnp.floating)} == {jnp.dtype("float32")}
