# pyright: reportMissingImports=false, reportPrivateImportUsage=false
"""R3GAN's joint step in PyTorch (Huang et al. 2024), for comparison: the mathematics of ``gan_step`` on ``r3gan``.

Each of both updates has images and latents of its own. A loss and its penalty share D's forward pass, R1 and R2 are
differentiated twice, D's weights are frozen while G learns from it, and Adam and the average are fused operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from timing import Form
from torch import nn
from torch.nn import functional

SLOPE = 0.2


class _Block(nn.Module):
    """An identity beside a pointwise, a grouped 3x3 and a pointwise convolution, with biases at the activations."""

    def __init__(self, width: int, cardinality: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        self.widen = nn.Conv2d(width, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=cardinality)
        self.narrow = nn.Conv2d(inner, width, 1, bias=False)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, inputs: Any) -> Any:
        hidden = functional.leaky_relu(self.widen(inputs), SLOPE)
        return inputs + self.narrow(functional.leaky_relu(self.mix(hidden), SLOPE))


class _Resample(nn.Module):
    """Twice or half the size, by the lowpass filter [1, 3, 3, 1] along both axes."""

    def __init__(self, *, up: bool) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.up = up
        self.register_buffer("taps", ((4 if up else 1) * torch.outer(taps, taps))[None, None])

    def forward(self, images: Any) -> Any:
        batch, channels, *size = images.shape
        convolve = functional.conv_transpose2d if self.up else functional.conv2d
        # As one image a channel: as fast as a grouped convolution in either layout, and its gradients much faster.
        found = convolve(images.reshape(batch * channels, 1, *size), self.taps, stride=2, padding=1)
        found = found.view(batch, channels, *found.shape[2:])
        return found.contiguous(memory_format=torch.channels_last) if _is_last(images) else found


class _Generator(nn.Module):
    """Latents to images."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, size = config.stage_widths[0], config.image_shape[0]
        self.basis = nn.Parameter(torch.randn(width, 4, 4))
        self.mix = nn.Linear(config.latent_dim, width, bias=False)
        self.stages = nn.Sequential(*_blocks(config))
        while size > 4:
            self.stages.extend([_Resample(up=True), *_blocks(config)])
            size //= 2
        self.image = nn.Conv2d(width, config.image_shape[2], 1, bias=False)

    def forward(self, latents: Any) -> Any:
        hidden = self.basis * self.mix(latents)[:, :, None, None]
        if _is_last(self.image.weight):
            hidden = hidden.contiguous(memory_format=torch.channels_last)
        return self.image(self.stages(hidden))


class _Discriminator(nn.Module):
    """Images to logits."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, size = config.stage_widths[0], config.image_shape[0]
        self.image = nn.Conv2d(config.image_shape[2], width, 1, bias=False)
        self.stages = nn.Sequential(*_blocks(config))
        while size > 4:
            self.stages.extend([_Resample(up=False), *_blocks(config)])
            size //= 2
        self.basis = nn.Parameter(torch.randn(width, 4, 4) / 4)
        self.mix = nn.Linear(width, 1, bias=False)

    def forward(self, images: Any) -> Any:
        hidden = self.stages(self.image(images))
        return self.mix((hidden * self.basis).sum((2, 3)))[:, 0]


def _blocks(config: Any) -> list[_Block]:
    sizes = config.stage_widths[0], config.stage_cardinalities[0], config.expansion
    return [_Block(*sizes) for _ in range(config.stage_blocks[0])]


def _is_last(array: Any) -> bool:
    return array.is_contiguous(memory_format=torch.channels_last) and not array.is_contiguous()


class R3ganPeer:
    """Both networks, their optimizers and G's average; all stages have the first one's sizes.

    Args:
      config: with ``GanConfig``'s names; it has one batch for either update.
      images: ``[count, height, width, channels]`` uint8.
      channels_last: the layout of images and weights.
      device: of all tensors.
      precision: ``"bfloat16"`` has the networks' passes cast to it automatically.
      micro_batches: how many either update's batch is taken in.
    """

    def __init__(
        self,
        config: Any,
        images: np.ndarray,
        *,
        channels_last: bool,
        device: str = "cpu",
        precision: str = "float32",
        micro_batches: int = 1,
    ) -> None:
        self.config, self.device, self.precision, self.micro_batches = config, device, precision, micro_batches
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(device)
        self.generator, self.discriminator = _Generator(config).to(device), _Discriminator(config).to(device)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=self.format)  # pyright: ignore[reportCallIssue]
        options: Any = {"betas": (0.0, config.beta2), "fused": True, "capturable": device == "cuda"}
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), config.learning_rate, **options)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), config.learning_rate, **options)
        self.weights = [weight.detach() for weight in self.generator.parameters()]
        self.average = [weight.clone() for weight in self.weights]

    def step(self, rows: Any) -> tuple[Any, ...]:
        """D's update on the first half of the images, then G's on the second, each summed over its micro-batches."""
        halves = [half.chunk(self.micro_batches) for half in rows.chunk(2)]
        self.d_optimizer.zero_grad()
        d_loss = sum(self._learn_discriminator(part) for part in halves[0])
        self.d_optimizer.step()
        self.discriminator.requires_grad_(False)
        self.g_optimizer.zero_grad()
        g_loss = sum(self._learn_generator(part) for part in halves[1])
        self.g_optimizer.step()
        self.discriminator.requires_grad_(True)
        torch._foreach_lerp_(self.average, self.weights, 0.002)
        return d_loss, g_loss

    def form(self, order: np.ndarray) -> Form:
        """One turn: a step on each row of ``order``."""
        batches = torch.from_numpy(order.astype(np.int64)).to(self.device)

        def run() -> None:
            for rows in batches:
                self.step(rows)
            if self.device == "cuda":
                torch.cuda.synchronize()

        return Form(run, len(order))

    def _learn_discriminator(self, rows: Any) -> Any:
        with torch.no_grad():
            fakes = self._fakes(len(rows))
        both = [images.requires_grad_(True) for images in (self._reals(rows), fakes)]
        logits = [self._score(images) for images in both]
        loss = functional.softplus(logits[1] - logits[0]).mean()
        penalty = torch.zeros((), device=self.device)
        for images, scores in zip(both, logits, strict=True):
            (gradients,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
            penalty = penalty + gradients.square().sum((1, 2, 3)).mean() / 2
        weighted = (loss + self.config.penalty_weight * penalty) / self.micro_batches
        weighted.backward(inputs=list(self.discriminator.parameters()))
        return loss.detach() / self.micro_batches

    def _learn_generator(self, rows: Any) -> Any:
        scores = self._score(self._reals(rows)) - self._score(self._fakes(len(rows)))
        loss = functional.softplus(scores).mean() / self.micro_batches
        loss.backward()
        return loss.detach()

    def _fakes(self, count: int) -> Any:
        latents = torch.randn(count, self.config.latent_dim, device=self.device)
        with self._cast():
            return self.generator(latents).float()

    def _score(self, images: Any) -> Any:
        with self._cast():
            return self.discriminator(images).float()

    def _cast(self) -> Any:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16")

    def _reals(self, rows: Any) -> Any:
        return self.images[rows].float().div_(127.5).sub_(1).contiguous(memory_format=self.format)
