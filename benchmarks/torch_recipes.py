# pyright: reportMissingImports=false, reportPrivateImportUsage=false
"""The joint step of each recipe in PyTorch, for comparison: the mathematics of ``gan_step``.

Each takes what is fastest in PyTorch: channels-last tensors, one forward pass for a loss and its penalty, D's weights
frozen while G learns from it, Adam and the average as fused operations, and no metric read back before the work is
done. Learning rates stay constant, which costs as much as a schedule.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from timing import Form
from torch import nn
from torch.nn.functional import relu, softplus
from torch.nn.utils.parametrizations import spectral_norm
from torch_peer import LEAKY_SLOPE, compile_network, init_weights, mean_score, networks

if TYPE_CHECKING:
    from gan_jax import GanConfig

EMBEDDING_SIZE = 32

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
      config: a recipe's.
      images: ``[count, height, width, channels]`` uint8.
      compiled: with ``torch.compile``, which cannot differentiate a penalty twice.
    """

    def __init__(self, config: GanConfig, images: np.ndarray, *, compiled: bool = False) -> None:
        self.config = config
        self.images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        generator, discriminator = recipe_networks(config)
        generator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        discriminator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.generator, self.discriminator = generator, discriminator
        betas, rate = (config.beta1, config.beta2), config.learning_rate
        self.g_optimizer = torch.optim.Adam(generator.parameters(), rate, betas, fused=True)
        d_rate = config.discriminator_learning_rate or rate
        self.d_optimizer = torch.optim.Adam(discriminator.parameters(), d_rate, betas, fused=True)
        self.weights = [tensor for tensor in generator.state_dict().values() if tensor.is_floating_point()]
        self.ema = [tensor.clone() for tensor in self.weights] if config.has_ema else []
        self.labels = torch.arange(config.batch_size) % config.num_classes
        prepare: Any = compile_network if compiled else lambda network: network
        self.generate, self.score = prepare(generator), prepare(discriminator)

    def step(self, rows: Any) -> tuple[Any, ...]:
        """All critic steps but the last, each with fakes of its own, and then both networks on one batch."""
        batches = rows.view(self.config.critic_steps, self.config.batch_size)
        for batch in batches[:-1]:
            with torch.no_grad():
                fakes = self._fakes()
            self._update_discriminator(self._reals(batch), fakes)
        reals, fakes = self._reals(batches[-1]), self._fakes()
        metrics = self._update_discriminator(reals, fakes.detach())
        self.discriminator.requires_grad_(False)
        loss = self._update_generator(reals.detach(), fakes)
        self.discriminator.requires_grad_(True)
        if self.ema:
            torch._foreach_lerp_(self.ema, self.weights, 0.002)
        return *metrics, loss

    def form(self, order: np.ndarray) -> Form:
        """One turn: a step on each row of ``order``."""
        batches = torch.from_numpy(order.astype(np.int64))

        def run() -> None:
            for rows in batches:
                self.step(rows)

        return Form(run, len(order))

    def _fakes(self) -> Any:
        latents = torch.randn(self.config.batch_size, self.config.latent_dim, 1, 1)
        return self.generate(latents, self.labels) if self.config.conditional else self.generate(latents)

    def _logits(self, images: Any) -> Any:
        if self.config.augmentations:
            images = augment(images)
        if self.config.packing > 1:
            count, channels, *size = images.shape
            images = images.reshape(count // self.config.packing, self.config.packing * channels, *size)
        return (self.score(images, self.labels) if self.config.conditional else self.score(images)).view(-1)

    def _reals(self, rows: Any) -> Any:
        reals = self.images[rows].float().div_(127.5).sub_(1)
        return reals.contiguous(memory_format=torch.channels_last)

    def _update_discriminator(self, reals: Any, fakes: Any) -> tuple[Any, ...]:
        penalties = self.config.penalties
        reals.requires_grad_("r1" in penalties)
        fakes.requires_grad_("r2" in penalties)
        self.d_optimizer.zero_grad()
        real_logits, fake_logits = self._logits(reals), self._logits(fakes)
        loss = D_LOSSES[self.config.objective](real_logits, fake_logits)
        penalty = torch.zeros(())
        if "r1" in penalties:
            penalty = penalty + _squared_gradients(real_logits, reals).mean() / 2
        if "r2" in penalties:
            penalty = penalty + _squared_gradients(fake_logits, fakes).mean() / 2
        if "gradient_penalty" in penalties:
            penalty = penalty + self._gradient_penalty(reals, fakes)
        # Without inputs, it would also compute the images' gradients where a penalty asked for them.
        (loss + self.config.penalty_weight * penalty).backward(inputs=list(self.discriminator.parameters()))
        self.d_optimizer.step()
        return loss.detach(), penalty.detach(), mean_score(real_logits), mean_score(fake_logits)

    def _gradient_penalty(self, reals: Any, fakes: Any) -> Any:
        mixing = torch.rand(len(reals), 1, 1, 1)
        mixed = (mixing * reals + (1 - mixing) * fakes).requires_grad_(True)
        return ((_squared_gradients(self._logits(mixed), mixed).sqrt() - 1) ** 2).mean()

    def _update_generator(self, reals: Any, fakes: Any) -> Any:
        self.g_optimizer.zero_grad()
        real_logits = self._logits(reals) if self.config.objective == "relativistic" else None
        loss = G_LOSSES[self.config.objective](real_logits, self._logits(fakes))
        loss.backward()
        self.g_optimizer.step()
        return loss.detach()


def _squared_gradients(logits: Any, images: Any) -> Any:
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.square().sum((1, 2, 3))


def augment(images: Any) -> Any:
    """Translation by an eighth and a cut-out square of half the size, drawn for each image, with index arithmetic."""
    count, _, height, width = images.shape
    rows, columns = (
        torch.arange(size) + torch.randint(-(size // 8), size // 8 + 1, (count, 1)) + 1 for size in (height, width)
    )
    rows, columns = rows.clamp(0, height + 1), columns.clamp(0, width + 1)
    padded = nn.functional.pad(images, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    moved = padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    inside = []
    for size in (height, width):
        start = torch.randint(0, size + 1, (count, 1)) - size // 4
        inside.append((torch.arange(size) >= start) & (torch.arange(size) < start + size // 2))
    cut = inside[0][:, :, None] & inside[1][:, None, :]
    return moved.masked_fill(cut[:, None], 0)


def recipe_networks(config: GanConfig) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator of a recipe."""
    if config.network not in ("dcgan", "infogan"):
        raise ValueError(
            f"there is no PyTorch form of network {config.network} here; choose recipes of dcgan or infogan."
        )
    if config.network == "infogan":
        return _infogan(config)
    generator, discriminator = networks(config)
    if config.packing > 1:
        *size, channels = config.image_shape
        discriminator = networks(dataclasses.replace(config, image_shape=(*size, config.packing * channels)))[1]
    if config.normalization != "batch":
        discriminator = _discriminator(config)
    if config.conditional:
        return _ConditionalGenerator(config), _ConditionalDiscriminator(config, discriminator)
    return generator, discriminator


def _discriminator(config: GanConfig) -> nn.Sequential:
    """DCGAN's discriminator without batch normalization, with biases."""
    wrap = spectral_norm if config.normalization == "spectral" else lambda layer: layer
    width, channels = config.width, config.image_shape[2]
    kernel = 3 if config.image_shape[0] == 28 else 4
    sizes = [(channels, width, 4), (width, 2 * width, 4), (2 * width, 4 * width, kernel)]
    layers: list[nn.Module] = []
    for inputs, outputs, size in sizes:
        convolution = nn.Conv2d(inputs, outputs, size, 2, 1)
        init_weights(convolution)
        layers += [wrap(convolution), nn.LeakyReLU(LEAKY_SLOPE, inplace=True)]
    last = nn.Conv2d(4 * width, 1, 4, 1, 0)
    init_weights(last)
    return nn.Sequential(*layers, wrap(last))


class _ConditionalGenerator(nn.Module):
    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.embed = nn.Embedding(config.num_classes, EMBEDDING_SIZE)
        larger = dataclasses.replace(config, latent_dim=config.latent_dim + EMBEDDING_SIZE)
        self.layers, _ = networks(larger)

    def forward(self, latents: Any, labels: Any) -> Any:
        return self.layers(torch.cat([latents, self.embed(labels)[:, :, None, None]], 1))


class _ConditionalDiscriminator(nn.Module):
    def __init__(self, config: GanConfig, layers: nn.Sequential) -> None:
        super().__init__()
        self.hidden, self.last = layers[:-1], layers[-1]
        embed = nn.Embedding(config.num_classes, 4 * config.width)
        self.embed = spectral_norm(embed) if config.normalization == "spectral" else embed

    def forward(self, images: Any, labels: Any) -> Any:
        features = self.hidden(images)
        return self.last(features).view(-1) + (self.embed(labels) * features.sum((2, 3))).sum(1)


def _infogan(config: GanConfig) -> tuple[nn.Module, nn.Module]:
    """Two convolutions and two dense layers, and the same backwards."""
    width, size = config.width, config.image_shape[0] // 4
    leaky = nn.LeakyReLU(LEAKY_SLOPE, inplace=True)
    generator = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(config.latent_dim, 16 * width, bias=False), nn.BatchNorm1d(16 * width), leaky),
        *(nn.Linear(16 * width, 2 * width * size**2, bias=False), nn.Unflatten(1, (2 * width, size, size))),
        *(nn.BatchNorm2d(2 * width), leaky),
        *(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), leaky),
        *(nn.ConvTranspose2d(width, config.image_shape[2], 4, 2, 1, bias=False), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Conv2d(config.image_shape[2], width, 4, 2, 1, bias=False), leaky),
        *(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), leaky, nn.Flatten()),
        *(nn.Linear(2 * width * size**2, 16 * width, bias=False), nn.BatchNorm1d(16 * width), leaky),
        nn.Linear(16 * width, 1, bias=False),
    )
    return generator, discriminator
