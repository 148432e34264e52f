"""A game of three networks: G against the mean of two discriminators (GMAN, Durugkar et al. 2017)."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from gan_jax import (
    GAMES,
    Game,
    apply_discriminator,
    apply_generator,
    apply_gradients,
    discriminator_loss,
    generator_loss,
    init_state,
    sample_latents,
)


class State(struct.PyTreeNode):
    step: Any
    generator: Any
    critics: tuple


def init(config, key):
    first, second = (init_state(config, one) for one in jax.random.split(key))
    return State(first.step, first.generator, (first.discriminator, second.discriminator))


def step(config, state, batch, key):
    latents = sample_latents(config, key)

    def make(params):
        variables = state.generator.with_params(params).variables
        return apply_generator(config, variables, latents, train=True)

    def update(critic, fakes):
        def loss(params):
            variables = critic.with_params(params).variables
            real_logits, variables = apply_discriminator(config, variables, batch.images, train=True)
            fake_logits, variables = apply_discriminator(config, variables, fakes, train=True)
            return discriminator_loss(real_logits, fake_logits), variables

        (value, variables), gradients = jax.value_and_grad(loss, has_aux=True)(critic.params)
        return apply_gradients(config, critic, gradients, variables), value

    critics, losses = zip(*(update(critic, make(state.generator.params)[0]) for critic in state.critics), strict=True)

    def loss(params):
        fakes, variables = make(params)
        logits = [apply_discriminator(config, critic.variables, fakes, train=True)[0] for critic in critics]
        return generator_loss(jnp.stack(logits).mean(axis=0)), variables

    (g_loss, variables), gradients = jax.value_and_grad(loss, has_aux=True)(state.generator.params)
    generator = apply_gradients(config, state.generator, gradients, variables)
    metrics = {"d_loss": sum(losses) / 2, "g_loss": g_loss, "difference": losses[0] - losses[1]}
    return State(state.step + 1, generator, critics), metrics


GAMES["three"] = Game(init, step, lambda config, state: state.generator.variables)
