# pyright: reportMissingImports=false
"""The same networks and training steps in PyTorch, for comparison.

The plain form follows PyTorch's DCGAN tutorial. The best form computes nothing that is not used and takes what is
fastest in PyTorch: channels-last tensors, D's weights frozen while G learns from it, Adam as one fused operation, and
no metric read back before the work is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from timing import Form
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

if TYPE_CHECKING:  # what measures PyTorch's memory must not load JAX
    from collections.abc import Callable

    from gan_jax import GanConfig

LEAKY_SLOPE = 0.2


class Peer:
    """Both networks, their optimizers, and the three steps; a step takes the indices of a batch and trains on it."""

    def __init__(
        self, config: GanConfig, images: np.ndarray, *, best: bool, compiled: bool = False, device: str = "cpu"
    ) -> None:
        self.config, self.best, self.device = config, best, device
        self.images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(device)
        self.generator, self.discriminator = (network.to(device) for network in networks(config))
        if best:
            self.generator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
            self.discriminator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.g_optimizer, self.d_optimizer = self._adam(self.generator), self._adam(self.discriminator)
        self.ones = torch.ones(config.batch_size, device=device)
        self.zeros = torch.zeros(config.batch_size, device=device)
        prepare: Callable[[nn.Module], Callable[[Any], Any]] = compile_network if compiled else lambda network: network
        self.generate = self._in_precision(prepare(self.generator))
        self.score = self._in_precision(prepare(self.discriminator))

    def joint(self, rows: Any) -> tuple[Any, ...]:
        """D on reals and on fakes, then G on the updated D's score of the same fakes."""
        fakes = self.generate(self._latents())
        d_metrics = self._update_discriminator(rows, fakes.detach())
        self.discriminator.requires_grad_(not self.best)
        g_metrics = self._update_generator(fakes)
        self.discriminator.requires_grad_(True)
        return self._report(*d_metrics, *g_metrics)

    def generator_only(self, rows: Any) -> tuple[Any, ...]:
        """G against a constant D in eval mode."""
        del rows
        self.discriminator.eval().requires_grad_(False)
        return self._report(*self._update_generator(self.generate(self._latents())))

    def discriminator_only(self, rows: Any) -> tuple[Any, ...]:
        """D against a G whose weights stay constant."""
        with torch.no_grad():
            fakes = self.generate(self._latents())
        return self._report(*self._update_discriminator(rows, fakes))

    def form(self, kind: str, order: np.ndarray) -> Form:
        """One turn: a step of this kind on each row of ``order``."""
        step = {"joint": self.joint, "generator": self.generator_only, "discriminator": self.discriminator_only}[kind]
        batches = torch.from_numpy(order.astype(np.int64)).to(self.device)

        def run() -> None:
            for rows in batches:
                step(rows)
            self.wait()

        return Form(run, len(order))

    def wait(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        cuda = self.device == "cuda"
        betas = (self.config.beta1, 0.999)
        rate = self.config.learning_rate
        return torch.optim.Adam(
            network.parameters(), rate, betas, fused=self.best or None, capturable=self.best and cuda
        )

    def _in_precision(self, network: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if self.config.precision == "float32":
            return network

        def apply(inputs: Any) -> Any:
            with torch.autocast(self.device, torch.bfloat16):
                return network(inputs).float()

        return apply

    def _latents(self) -> Any:
        return torch.randn(self.config.batch_size, self.config.latent_dim, 1, 1, device=self.device)

    def _reals(self, rows: Any) -> Any:
        reals = self.images[rows].float().div_(127.5).sub_(1)
        return reals.contiguous(memory_format=torch.channels_last) if self.best else reals

    def _update_discriminator(self, rows: Any, fakes: Any) -> tuple[Any, ...]:
        self.d_optimizer.zero_grad()
        real_logits = self.score(self._reals(rows)).view(-1)
        real_loss = binary_cross_entropy_with_logits(real_logits, self.ones)
        real_loss.backward()
        fake_logits = self.score(fakes).view(-1)
        fake_loss = binary_cross_entropy_with_logits(fake_logits, self.zeros)
        fake_loss.backward()
        self.d_optimizer.step()
        return real_loss.detach() + fake_loss.detach(), mean_score(real_logits), mean_score(fake_logits)

    def _update_generator(self, fakes: Any) -> tuple[Any, ...]:
        self.g_optimizer.zero_grad()
        logits = self.score(fakes).view(-1)
        loss = binary_cross_entropy_with_logits(logits, self.ones)
        loss.backward()
        self.g_optimizer.step()
        return loss.detach(), mean_score(logits)

    def _report(self, *metrics: Any) -> tuple[Any, ...]:
        return metrics if self.best else tuple(metric.item() for metric in metrics)


def networks(config: GanConfig) -> tuple[nn.Sequential, nn.Sequential]:
    """The generator and the discriminator of ``gan_jax.nn.networks``, with DCGAN's initial weights."""
    down, channels, size = [], config.image_shape[2], config.image_shape[0]
    while size > 4:
        down.append((channels, config.channels(len(down)), 3 if size == 7 else 4))
        channels, size = down[-1][1], -(-size // 2)
    (colours, first, _), *inner = down
    generator = nn.Sequential(
        *_up(config.latent_dim, channels, 4, 1, 0),
        *(layer for small, large, kernel in reversed(inner) for layer in _up(large, small, kernel, 2, 1)),
        nn.ConvTranspose2d(first, colours, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(colours, first, 4, 2, 1, bias=False),
        nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
        *(layer for small, large, kernel in inner for layer in _down(small, large, kernel)),
        nn.Conv2d(channels, 1, 4, 1, 0, bias=False),
    )
    return generator.apply(init_weights), discriminator.apply(init_weights)


def _up(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _down(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, 2, 1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(LEAKY_SLOPE, inplace=True)]


def init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def compile_network(network: nn.Module) -> Callable[[Any], Any]:
    """Compile for these shapes alone; ``fullgraph`` makes it an error to fall back to eager."""
    torch._dynamo.config.recompile_limit = 64  # one compilation per network, mode, and frozen or learning weights
    return torch.compile(network, fullgraph=True, dynamic=False)


def mean_score(logits: Any) -> Any:
    return logits.detach().sigmoid().mean()


def set_threads(count: int) -> None:
    """Let PyTorch use this many threads, and flush denormal numbers to zero on the CPU, as XLA does."""
    torch.set_num_threads(count)
    torch.set_flush_denormal(True)
