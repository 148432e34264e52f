import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import Batch, GanConfig, batch_fakes, discriminator_step, gan_step, generator_step, init_state
from gan_jax.training import steps

CONFIG = GanConfig(image_shape=(16, 16, 1), latent_dim=4, width=3, batch_size=4, initializer="he")


def fresh_key():
    """The same key each time, unused each time."""
    return jax.random.key(3)


STEPS = (gan_step, generator_step, discriminator_step)


@pytest.fixture(scope="module")
def state():
    return init_state(CONFIG, jax.random.key(1))


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(2), (4, 16, 16, 1), minval=-1)


def identical(tree, other) -> bool:
    return all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), tree, other)))


def unlike(tree, other) -> bool:
    """Whether no array of the one tree is the other's."""
    return not any(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), tree, other)))


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_a_pure_function_that_keeps_its_arguments(step, state, images):
    before = jax.tree.map(np.array, state)
    first, second = step(CONFIG, state, Batch(images), fresh_key()), step(CONFIG, state, Batch(images), fresh_key())
    assert identical(first, second)
    assert identical(before, state)
    assert first[0].step == state.step + 1
    assert not identical(first[1], step(CONFIG, state, Batch(images), jax.random.key(4))[1])


def test_a_joint_step_trains_both_networks(state, images):
    after, metrics = gan_step(CONFIG, state, Batch(images), fresh_key())
    assert unlike(state.generator.params, after.generator.params)
    assert unlike(state.discriminator.params, after.discriminator.params)
    assert unlike(state.generator.variables["batch_stats"], after.generator.variables["batch_stats"])
    assert unlike(state.discriminator.variables["batch_stats"], after.discriminator.variables["batch_stats"])
    assert metrics["d_g_z2"] < metrics["d_g_z1"]  # D's update lowered its score of the very fakes it learned from
    assert all(jnp.shape(value) == () and jnp.isfinite(value) for value in jax.tree.leaves(metrics))


def test_a_joint_step_runs_the_generator_forward_once(state, images, monkeypatch):
    calls = []

    def counted(*args, **kwargs):
        calls.append(kwargs["train"])
        return apply_generator(*args, **kwargs)

    apply_generator = steps.apply_generator
    monkeypatch.setattr(steps, "apply_generator", counted)
    jax.eval_shape(lambda *arguments: gan_step.__wrapped__(*arguments), CONFIG, state, Batch(images), fresh_key())
    assert calls == [True]


def test_the_discriminator_is_constant_in_a_generator_step(state, images):
    after, metrics = generator_step(CONFIG, state, Batch(images), fresh_key())
    assert identical(state.discriminator, after.discriminator)
    assert unlike(state.generator.params, after.generator.params)
    assert metrics["g_loss"] >= -jnp.log(metrics["d_g_z2"]) - 1e-5  # Jensen


def test_the_generators_weights_are_constant_in_a_discriminator_step(state, images):
    after, _ = discriminator_step(CONFIG, state, Batch(images), fresh_key())
    assert identical(state.generator.params, after.generator.params)
    assert identical(state.generator.opt_state, after.generator.opt_state)
    assert unlike(state.discriminator.params, after.discriminator.params)


def test_the_joint_steps_halves_see_the_same_fakes(state, images):
    """With the images themselves as fakes D cannot tell the two apart, whatever its weights."""
    fakes = batch_fakes(CONFIG, state, fresh_key())
    _, metrics = gan_step(CONFIG, state, Batch(fakes), fresh_key())
    assert metrics["d_x"] == pytest.approx(float(metrics["d_g_z1"]), rel=1e-4)


@pytest.mark.parametrize("step", [gan_step, discriminator_step])
@pytest.mark.parametrize("shape", [(3, 16, 16, 1), (4, 28, 28, 1), (4, 16, 16, 3), (4, 16, 16)], ids=str)
def test_images_that_are_not_of_the_configuration_are_refused(step, shape, state):
    with pytest.raises(ValueError, match=r"the configuration says \(4, 16, 16, 1\)"):
        step(CONFIG, state, Batch(jnp.zeros(shape)), fresh_key())


@pytest.mark.soak
def test_bfloat16_is_for_the_layers_alone(state, images):
    half = dataclasses.replace(CONFIG, precision="bfloat16")
    after, metrics = gan_step(half, state, Batch(images), fresh_key())
    dtypes = {leaf.dtype for leaf in jax.tree.leaves((after, metrics))}
    assert dtypes == {jnp.dtype("float32"), jnp.dtype("int32")}
    exact = gan_step(CONFIG, state, Batch(images), fresh_key())[1]
    for name, rough in metrics.items():
        fine = exact[name]
        assert rough != fine
        assert rough == pytest.approx(float(fine), rel=0.2 if "gradient" in name else 0.05)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_compiles_once_per_config(step, state, images):
    traced = jax.jit(chex.assert_max_traces(step.__wrapped__, n=1))
    after, _ = traced(CONFIG, state, Batch(images), fresh_key())
    traced(GanConfig(**vars(CONFIG)), after, Batch(images), fresh_key())
