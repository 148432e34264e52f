"""What the steps report: one ``NamedTuple`` for each, whose fields are the metrics' names everywhere."""

from typing import NamedTuple

from jax import Array


class GanMetrics(NamedTuple):
    """What a joint step reports; each ``[]`` float32."""

    d_loss: Array  # nats under the objectives with a logistic loss
    g_loss: Array  # likewise
    d_x: Array  # mean D(x), in [0, 1]
    d_g_z1: Array  # mean D(G(z)) before D's update
    d_g_z2: Array  # mean D(G(z)) of the same fakes after D's update
    d_gradient_norm: Array  # Euclidean, over all of D's parameters
    g_gradient_norm: Array  # Euclidean, over all of G's parameters
    fake_spread: Array  # image_spread of the fakes, in [0, 1]


class PenalizedGanMetrics(NamedTuple):
    """What a joint step with penalties reports: ``GanMetrics``, and the penalty."""

    d_loss: Array
    g_loss: Array
    d_x: Array
    d_g_z1: Array
    d_g_z2: Array
    d_gradient_norm: Array
    g_gradient_norm: Array
    fake_spread: Array
    penalty: Array  # the sum of the penalties times their weight; not in d_loss


class GeneratorMetrics(NamedTuple):
    """What a generator step reports; each ``[]`` float32."""

    g_loss: Array  # nats under the objectives with a logistic loss
    d_g_z2: Array  # mean D(G(z)), in [0, 1]
    g_gradient_norm: Array
    fake_spread: Array


class DiscriminatorMetrics(NamedTuple):
    """What a discriminator step reports; each ``[]`` float32."""

    d_loss: Array  # nats under the objectives with a logistic loss
    d_x: Array  # mean D(x), in [0, 1]
    d_g_z1: Array  # mean D(G(z)) before D's update
    d_gradient_norm: Array
    fake_spread: Array


class PenalizedDiscriminatorMetrics(NamedTuple):
    """What a discriminator step with penalties reports: ``DiscriminatorMetrics``, and the penalty."""

    d_loss: Array
    d_x: Array
    d_g_z1: Array
    d_gradient_norm: Array
    fake_spread: Array
    penalty: Array  # the sum of the penalties times their weight; not in d_loss
