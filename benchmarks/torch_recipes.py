# pyright: reportMissingImports=false
"""The joint step of each recipe in PyTorch, for comparison: the mathematics of ``gan_step``, DCGAN's layers.

Each takes what is fastest in PyTorch: channels-last tensors, one forward pass for a loss and its penalty, D's weights
frozen while G learns from it, Adam and the average as fused operations, and no metric read back before the work is
done. Learning rates stay constant, which costs as much as a schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from timing import Form
from torch import nn
from torch.nn.functional import relu, softplus
from torch.nn.utils.parametrizations import spectral_norm
from torch_peer import LEAKY_SLOPE, _compiled, _init, networks

if TYPE_CHECKING:
    from gan_jax import GanConfig

D_LOSSES = {
    "non_saturating": lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
    "least_squares": lambda real, fake: ((real - 1) ** 2).mean() + (fake**2).mean(),
    "hinge": lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
    "wasserstein": lambda real, fake: fake.mean() - real.mean(),
    "relativistic": lambda real, fake: softplus(fake - real).mean(),
}
G_LOSSES = {
    "non_saturating": lambda real, fake: softplus(-fake).mean(),
    "least_squares": lambda real, fake: ((fake - 1) ** 2).mean(),
    "hinge": lambda real, fake: -fake.mean(),
    "wasserstein": lambda real, fake: -fake.mean(),
    "relativistic": lambda real, fake: softplus(real - fake).mean(),
}


class RecipePeer:
    """Both networks, their optimizers and G's average; ``step`` takes the indices of a step's images.

    Args:
      config: a recipe with DCGAN's layers, without classes and augmentation.
      images: ``[count, height, width, channels]`` uint8.
      compiled: with ``torch.compile``, which cannot differentiate a penalty twice.
    """

    def __init__(self, config: GanConfig, images: np.ndarray, *, compiled: bool = False) -> None:
        self.config = config
        self.images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        generator, discriminator = networks(config)
        discriminator = discriminator if config.normalization == "batch" else _discriminator(config)
        generator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        discriminator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.generator, self.discriminator = generator, discriminator
        betas, rate = (config.beta1, config.beta2), config.learning_rate
        self.g_optimizer = torch.optim.Adam(generator.parameters(), rate, betas, fused=True)
        d_rate = config.discriminator_learning_rate or rate
        self.d_optimizer = torch.optim.Adam(discriminator.parameters(), d_rate, betas, fused=True)
        self.weights = [tensor for tensor in generator.state_dict().values() if tensor.is_floating_point()]
        self.average = [tensor.clone() for tensor in self.weights] if config.has_average else []
        prepare: Any = _compiled if compiled else lambda network: network
        self.generate, self.score = prepare(generator), prepare(discriminator)

    def step(self, rows: Any) -> tuple[Any, ...]:
        """All critic steps but the last, each with fakes of its own, and then both networks on one batch."""
        batches = rows.view(self.config.critic_steps, self.config.batch_size)
        for batch in batches[:-1]:
            with torch.no_grad():
                fakes = self.generate(self._latents())
            self._update_discriminator(self._reals(batch), fakes)
        reals, fakes = self._reals(batches[-1]), self.generate(self._latents())
        metrics = self._update_discriminator(reals, fakes.detach())
        self.discriminator.requires_grad_(False)
        loss = self._update_generator(reals.detach(), fakes)
        self.discriminator.requires_grad_(True)
        if self.average:
            torch._foreach_lerp_(self.average, self.weights, 0.002)
        return *metrics, loss

    def form(self, order: np.ndarray) -> Form:
        """One turn: a step on each row of ``order``."""
        batches = torch.from_numpy(order.astype(np.int64))

        def run() -> None:
            for rows in batches:
                self.step(rows)

        return Form(run, len(order))

    def _latents(self) -> Any:
        return torch.randn(self.config.batch_size, self.config.latent_dim, 1, 1)

    def _reals(self, rows: Any) -> Any:
        reals = self.images[rows].float().div_(127.5).sub_(1)
        return reals.contiguous(memory_format=torch.channels_last)

    def _update_discriminator(self, reals: Any, fakes: Any) -> tuple[Any, ...]:
        penalties = self.config.penalties
        reals.requires_grad_("r1" in penalties)
        fakes.requires_grad_("r2" in penalties)
        self.d_optimizer.zero_grad()
        real_logits, fake_logits = self.score(reals).view(-1), self.score(fakes).view(-1)
        loss = D_LOSSES[self.config.objective](real_logits, fake_logits)
        penalty = torch.zeros(())
        if "r1" in penalties:
            penalty = penalty + _squared_gradients(real_logits, reals).mean() / 2
        if "r2" in penalties:
            penalty = penalty + _squared_gradients(fake_logits, fakes).mean() / 2
        if "gradient_penalty" in penalties:
            penalty = penalty + self._gradient_penalty(reals, fakes)
        (loss + self.config.penalty_weight * penalty).backward()
        self.d_optimizer.step()
        return loss.detach(), penalty.detach(), _mean_score(real_logits), _mean_score(fake_logits)

    def _gradient_penalty(self, reals: Any, fakes: Any) -> Any:
        mixing = torch.rand(len(reals), 1, 1, 1)
        mixed = (mixing * reals + (1 - mixing) * fakes).requires_grad_(True)
        return ((_squared_gradients(self.score(mixed).view(-1), mixed).sqrt() - 1) ** 2).mean()

    def _update_generator(self, reals: Any, fakes: Any) -> Any:
        self.g_optimizer.zero_grad()
        real_logits = self.score(reals).view(-1) if self.config.objective == "relativistic" else None
        loss = G_LOSSES[self.config.objective](real_logits, self.score(fakes).view(-1))
        loss.backward()
        self.g_optimizer.step()
        return loss.detach()


def _squared_gradients(logits: Any, images: Any) -> Any:
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.square().sum((1, 2, 3))


def _mean_score(logits: Any) -> Any:
    return logits.detach().sigmoid().mean()


def _discriminator(config: GanConfig) -> nn.Sequential:
    """The discriminator without batch normalization, with biases."""
    wrap = spectral_norm if config.normalization == "spectral" else lambda layer: layer
    width, channels = config.width, config.image_shape[2]
    kernel = 3 if config.image_shape[0] == 28 else 4
    sizes = [(channels, width, 4), (width, 2 * width, 4), (2 * width, 4 * width, kernel)]
    layers: list[nn.Module] = []
    for inputs, outputs, size in sizes:
        convolution = nn.Conv2d(inputs, outputs, size, 2, 1)
        _init(convolution)
        layers += [wrap(convolution), nn.LeakyReLU(LEAKY_SLOPE)]
    last = nn.Conv2d(4 * width, 1, 4, 1, 0)
    _init(last)
    return nn.Sequential(*layers, wrap(last))
