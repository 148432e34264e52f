"""What a user adds to the package, with its public names alone."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import (
    AUGMENTATIONS,
    NETWORKS,
    OBJECTIVES,
    PENALTIES,
    GanConfig,
    Network,
    Objective,
    gan_step,
    generate,
    init_state,
    load_dataset,
    run_keys,
    sample_latents,
    train_epoch,
)


class OwnGenerator(nn.Module):
    config: GanConfig

    @nn.compact
    def __call__(self, latents, labels, train):
        hidden = nn.relu(nn.Dense(self.config.width)(latents))
        return jnp.tanh(nn.Dense(28 * 28)(hidden)).reshape(-1, 28, 28, 1)


class OwnDiscriminator(nn.Module):
    config: GanConfig

    @nn.compact
    def __call__(self, images, labels, train):
        hidden = nn.leaky_relu(nn.Dense(self.config.width)(images.reshape(len(images), -1)))
        return nn.Dense(1)(hidden)[:, 0]


def exponential_discriminator(real_logits, fake_logits, real_weight=1.0, fake_weight=1.0):
    return real_weight * jnp.exp(-real_logits).mean() + fake_weight * jnp.exp(fake_logits).mean()


def exponential_generator(fake_logits):
    return jnp.exp(-fake_logits).mean()


def small_logits(critic, reals, fakes, key):
    return (critic(reals) ** 2).mean()


def dimmed(key, images):
    return images * jax.random.uniform(key, (len(images), 1, 1, 1), minval=0.5)


def test_an_objective_a_penalty_an_augmentation_and_a_network_of_ones_own(monkeypatch):
    monkeypatch.setitem(OBJECTIVES, "exponential", Objective(exponential_discriminator, exponential_generator))
    monkeypatch.setitem(PENALTIES, "small_logits", small_logits)
    monkeypatch.setitem(AUGMENTATIONS, "dimmed", dimmed)
    monkeypatch.setitem(NETWORKS, "own", Network(OwnGenerator, OwnDiscriminator))
    config = GanConfig(
        network="own",
        normalization="none",
        objective="exponential",
        penalties=("small_logits",),
        penalty_weight=0.1,
        augmentations=("dimmed",),
        latent_dim=4,
        width=8,
        batch_size=100,
    )
    images, keys = jnp.asarray(load_dataset("digits").train_images), run_keys(0)
    start = init_state(config, keys.init)
    state, metrics = train_epoch(config, gan_step, start, images, keys)
    assert state.step == 15
    assert np.isfinite(metrics.d_loss).all()
    assert (metrics.penalty > 0).all()
    latents = sample_latents(config, jax.random.key(1), 3)
    before, after = (generate(config, one.generator, latents) for one in (start, state))
    assert not np.allclose(before, after)
    assert metrics.d_x[-1] > metrics.d_x[0]
