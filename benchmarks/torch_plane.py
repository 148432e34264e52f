# pyright: reportMissingImports=false, reportPrivateImportUsage=false
"""PyTorch's trainings in the plane: one at a time, and many at once through torch.func.vmap."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from gan_jax.plane import load_target


def product_rate(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """The best rate of a matrix product, or of a stack of them, here: operations per second."""
    network, other = torch.randn(first), torch.randn(second)
    operations = 2 * network.numel() * second[-1]
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        torch.matmul(network, other)
        best = max(best, operations / (time.perf_counter() - started))
    return best


def mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, outputs)
    )


def torch_form(compiled: bool = False) -> Callable[[int], None]:
    """One training, a step at a time."""
    generator, discriminator = mlp(2, 2), mlp(2, 1)
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (generator, discriminator)]
    loss, ones, zeros = nn.BCEWithLogitsLoss(), torch.ones(128, 1), torch.zeros(128, 1)
    points = torch.from_numpy(load_target("ring").points)
    judge = torch.compile(discriminator) if compiled else discriminator
    make = torch.compile(generator) if compiled else generator
    weights = list(generator.parameters())

    def run(count: int) -> None:
        for _ in range(count):
            reals = points[torch.randint(0, len(points), (128,))]
            fakes = make(torch.randn(128, 2))
            optimizers[1].zero_grad()
            (loss(judge(reals), ones) + loss(judge(fakes.detach()), zeros)).backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            loss(judge(fakes), ones).backward(inputs=weights)
            optimizers[0].step()

    return run


def torch_mapped(seeds: int) -> Callable[[int], None]:
    """All trainings at once: stacked weights, torch.func.vmap of gradients, Adam on the stacks."""
    generator, discriminator = mlp(2, 2), mlp(2, 1)
    stacks = [stack_module_state([mlp(2, outputs) for _ in range(seeds)])[0] for outputs in (2, 1)]
    stacks = [{name: value.detach().requires_grad_() for name, value in stack.items()} for stack in stacks]
    optimizers = [torch.optim.Adam(stack.values(), 2e-4, (0.5, 0.999)) for stack in stacks]
    points = torch.from_numpy(load_target("ring").points)
    soft = nn.functional.softplus

    def d_loss(judge: Any, reals: Any, fakes: Any) -> Any:
        real, fake = (functional_call(discriminator, judge, (network,)) for network in (reals, fakes))
        return soft(-real).mean() + soft(fake).mean()

    def g_loss(maker: Any, judge: Any, latents: Any) -> Any:
        fakes = functional_call(generator, maker, (latents,))
        return soft(-functional_call(discriminator, judge, (fakes,))).mean()

    make = vmap(lambda maker, latents: functional_call(generator, maker, (latents,)))
    d_gradient, g_gradient = vmap(grad(d_loss)), vmap(grad(g_loss))

    def update(index: int, gradients: dict[str, Any]) -> None:
        for name, value in stacks[index].items():
            value.grad = gradients[name]
        optimizers[index].step()

    def run(count: int) -> None:
        for _ in range(count):
            reals = points[torch.randint(0, len(points), (seeds, 128))]
            latents = torch.randn(seeds, 128, 2)
            maker, judge = ({name: value.detach() for name, value in stack.items()} for stack in stacks)
            update(1, d_gradient(judge, reals, make(maker, latents)))
            judge = {name: value.detach() for name, value in stacks[1].items()}
            update(0, g_gradient(maker, judge, latents))

    return run
