"""The trilinear form's three derivatives against ``lax.conv_general_dilated`` and autodiff."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close
from jax import lax

from gan_jax.nn import convolution, toom_cook
from gan_jax.nn.convolution import convolve, convolve_transpose

# batch, size, in, out, kernel, stride, padding: the networks' layers at 28 pixels, narrow, then odd ones.
IN_USE = [
    (3, 28, 1, 4, 4, 2, 1),
    (3, 14, 4, 8, 4, 2, 1),
    (3, 7, 8, 16, 3, 2, 1),
    (3, 4, 16, 1, 4, 1, 0),
    (3, 7, 4, 8, 1, 1, 0),
]
# Layers that multiply at points on the CPU: each of the forms in use, then others that qualify, of enough images.
AT_POINTS = [
    (128, 14, 16, 17, 4, 2, 1),
    (128, 7, 16, 18, 3, 2, 1),
    (128, 6, 16, 16, 3, 1, 1),
]
# Layers at the images, in use and others, some of whose inputs no output reads.
IN_PATCHES = [
    (3, 28, 1, 4, 4, 2, 1),
    (2, 32, 3, 4, 4, 2, 1),
    (2, 11, 1, 5, 4, 3, 2),
    (3, 8, 3, 5, 3, 2, 0),
]
random = np.random.default_rng(0)
OTHERS = [
    tuple(int(n) for n in (*random.integers(1, 4, 1), random.integers(6, 12), *random.integers(1, 6, 2), k, s, p))
    for k, s, p in [(2, 3, 0), (5, 3, 1)]
]
FEW = 4  # images, for which XLA's own gradients take a moment
AT_POINTS_OF_FEW = [(FEW, *case[1:]) for case in AT_POINTS]
CASES = IN_USE + AT_POINTS_OF_FEW + IN_PATCHES[1:] + OTHERS


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def few_are_many(monkeypatch):
    """A few images are enough for the form at points; no other test has convolutions of these shapes."""
    monkeypatch.setattr(toom_cook, "_FEWEST_IMAGES", {16: FEW})


@pytest.mark.parametrize("case", AT_POINTS, ids=str)
def test_these_layers_multiply_at_points_on_the_cpu_alone(case):
    assert_multiplies_at_points(case)


@pytest.mark.parametrize("case", AT_POINTS_OF_FEW, ids=str)
def test_these_layers_of_few_images_do_so_in_this_file(case, few_are_many):
    assert_multiplies_at_points(case)


@pytest.mark.parametrize("case", IN_PATCHES, ids=str)
def test_layers_at_the_images_are_products_over_patches_on_the_cpu_alone(case):
    operations = count_operations(case)
    assert operations("cpu") == (0, 3)
    assert operations("cuda") == operations("tpu") == (3, 0)


def test_patches_of_many_large_images_are_not_made():
    assert count_operations((128, 64, 3, 4, 4, 2, 1))("cpu") == (3, 0)


def assert_multiplies_at_points(case):
    operations = count_operations(case)
    convolutions, products = operations("cpu")
    assert convolutions == 0
    assert products > 3
    for platform in ("cuda", "tpu"):
        assert operations(platform) == (3, 0)


def count_operations(case):
    """Of a platform's program for both gradients: its convolutions and its products."""
    x, w, stride, padding = operands(case)

    def gradients(x, w):
        return jax.grad(lambda x, w: jnp.sum(convolve(x, w, stride, padding) ** 2), (0, 1))(x, w)

    def operations(platform):
        program = jax.export.export(jax.jit(gradients), platforms=[platform])(x, w).mlir_module()
        return program.count("stablehlo.convolution"), program.count("stablehlo.dot_general")

    return operations


def test_a_pointwise_kernels_gradient_is_a_product():
    x, w = draw(3, 7, 7, 4), draw(1, 1, 4, 8)
    gradient = jax.jit(jax.grad(lambda w: jnp.sum(convolve(x, w, 1, 0))))
    program = jax.export.export(gradient, platforms=["cpu"])(w).mlir_module()
    assert program.count("stablehlo.dot_general") == 1
    assert program.count("stablehlo.convolution") == 0


@pytest.mark.parametrize(("images", "dilations"), [(2, 1), (3, 0)])
def test_a_narrow_layers_adjoint_has_no_zeros_between_outputs_on_a_cpu(images, dilations):
    y, w = draw(images, 5, 5, 16), draw(4, 4, 12, 16)  # 192 pairs of channels: 64 for each of three images

    def dilated(platform):
        transpose = jax.jit(lambda y, w: convolve_transpose(y, w, 2, 1))
        return jax.export.export(transpose, platforms=[platform])(y, w).mlir_module().count("lhs_dilate = [2, 2]")

    assert dilated("cpu") == dilations
    assert dilated("cuda") == dilated("tpu") == 1


def reference(x, w, stride, padding):
    return lax.conv_general_dilated(
        x, w, (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def draw(*shape):
    return jnp.asarray(np.random.default_rng(sum(shape)).normal(size=shape))


def operands(case):
    batch, size, in_channels, out_channels, kernel, stride, padding = case
    x, w = draw(batch, size, size, in_channels), draw(kernel, kernel, in_channels, out_channels)
    return x, w, stride, padding


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolve_has_the_value_and_gradients_of_xlas_convolution(case):
    x, w, stride, padding = operands(case)
    size = (x.shape[1] + 2 * padding - w.shape[0]) // stride + 1

    @partial(jax.jit, static_argnums=0)
    def derivatives(convolution, x, w, y):
        outputs, pull_back = jax.vjp(lambda x, w: convolution(x, w, stride, padding), x, w)
        return outputs, pull_back(y)

    y = draw(len(x), size, size, w.shape[3])
    assert_close(derivatives(convolve, x, w, y), derivatives(reference, x, w, y))


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolve_transpose_is_the_adjoint(case):
    batch, _, in_channels, out_channels, kernel, stride, padding = case
    y, w = draw(batch, 5, 5, out_channels), draw(kernel, kernel, in_channels, out_channels)
    size = 4 * stride - 2 * padding + kernel
    x = draw(batch, size, size, in_channels)

    def adjoint(y, w, stride, padding):
        return jax.vjp(lambda x: reference(x, w, stride, padding), jnp.zeros_like(x))[1](y)[0]

    @partial(jax.jit, static_argnums=0)
    def derivatives(transpose, x, y, w):
        images, pull_back = jax.vjp(lambda y, w: transpose(y, w, stride, padding), y, w)
        return images, pull_back(x)

    assert_close(derivatives(convolve_transpose, x, y, w), derivatives(adjoint, x, y, w))


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("case", IN_USE[1:2] + AT_POINTS_OF_FEW[:1], ids=str)
def test_convolve_has_the_gradient_of_a_gradient(case):
    """A gradient penalty's gradient with respect to kernel and image, through every rule."""
    x, w, stride, padding = operands(case)

    def penalty(x, w, convolution):
        def loss(x, w):
            return jnp.sum(jnp.sin(convolution(x, w, stride, padding)))

        return sum(jnp.sum(gradient**2) for gradient in jax.grad(loss, (0, 1))(x, w))

    gradients = jax.jit(jax.grad(penalty, (0, 1)), static_argnums=2)
    assert_close(gradients(x, w, convolve), gradients(x, w, reference))


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("case", IN_USE[1:2] + AT_POINTS_OF_FEW[:1], ids=str)
def test_convolve_under_vmap_and_scan(case):
    x, w, stride, padding = operands(case)
    kernels = jnp.stack([w, 2 * w])

    def gradient(w):
        return jax.grad(lambda w: jnp.sum(convolve(x, w, stride, padding) ** 2))(w)

    expected = jax.jit(lambda kernels: jnp.stack([gradient(kernel) for kernel in kernels]))(kernels)
    assert_close(jax.jit(jax.vmap(gradient))(kernels), expected)
    scanned = jax.jit(lambda kernels: lax.scan(lambda carry, w: (carry, gradient(w)), 0, kernels)[1])(kernels)
    assert_close(scanned, expected)


def test_a_large_kernel_that_meets_the_images_in_one_place_gives_the_same(monkeypatch):
    x, w, stride, padding = operands((3, 4, 5, 6, 4, 1, 0))

    def derivatives(x, w, y):
        value, pull_back = jax.vjp(lambda x, w: convolve(x, w, stride, padding), x, w)
        return value, pull_back(y), convolve_transpose(y, w, stride, padding)

    y = draw(3, 1, 1, 6)
    expected = derivatives(x, w, y)
    monkeypatch.setattr(convolution, "_LARGE_KERNEL", 1)
    found = derivatives(x, w, y)
    assert_close(found, expected)
