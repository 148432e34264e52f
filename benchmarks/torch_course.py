# pyright: reportMissingImports=false
"""The course's training in PyTorch as a program of its own, which ``whole_run.py`` times beside gan_jax's.

It prints the means of every 100 steps, and after every epoch draws the same 64 latents and saves a checkpoint. The
images lie in memory as one tensor, which is faster than a loader with workers. Imports no JAX.
"""

import argparse
import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from timing import thread_count
from torch_peer import Peer, set_threads

LOG_EVERY = 100
METRICS = ("d_loss", "d_x", "d_g_z1", "g_loss", "d_g_z2")
CONFIG: Any = SimpleNamespace(
    image_shape=(28, 28, 1),
    latent_dim=100,
    width=64,
    batch_size=128,
    learning_rate=2e-4,
    beta1=0.5,
    precision="float32",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--best", action="store_true", help="PyTorch's fastest form of the step")
    arguments = parser.parse_args()
    set_threads(thread_count())
    torch.manual_seed(0)
    images = read_images(arguments.data_dir / "train-images-idx3-ubyte.gz")
    peer = Peer(CONFIG, images, best=arguments.best)
    latents = torch.randn(64, CONFIG.latent_dim, 1, 1)
    arguments.output_dir.mkdir(parents=True)
    history, batches = [], len(images) // CONFIG.batch_size
    for epoch in range(1, arguments.epochs + 1):
        order = torch.randperm(len(images))[: batches * CONFIG.batch_size].view(batches, CONFIG.batch_size)
        for step, rows in enumerate(order, start=1):
            history.append(peer.joint(rows))
            if step % LOG_EVERY == 0 or step == batches:
                means = np.mean(np.array(history[-LOG_EVERY:], np.float32), axis=0)
                shown = "  ".join(f"{name} {mean:.3f}" for name, mean in zip(METRICS, means, strict=True))
                print(f"epoch {epoch}/{arguments.epochs}  batch {step}/{batches}  {shown}", flush=True)
        save_grid(arguments.output_dir / f"epoch_{epoch}.png", peer.generator, latents)
        parts = (peer.generator, peer.discriminator, peer.g_optimizer, peer.d_optimizer)
        torch.save([part.state_dict() for part in parts], arguments.output_dir / f"epoch_{epoch}.pt")
    save_losses(arguments.output_dir / "losses.png", np.array(history, np.float32))


def read_images(path: Path) -> np.ndarray:
    """The images of an IDX file: ``[count, height, width, 1]`` uint8."""
    content = gzip.decompress(path.read_bytes())
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, *CONFIG.image_shape)


def save_grid(path: Path, generator: Any, latents: torch.Tensor) -> None:
    generator.eval()
    with torch.no_grad():
        images = generator(latents).reshape(8, 8, 28, 28)
    generator.train()
    figure = Figure(figsize=(6, 6))
    axes = figure.add_subplot()
    axes.imshow(images.permute(0, 2, 1, 3).reshape(224, 224).numpy(), cmap="gray", vmin=-1, vmax=1)
    axes.axis("off")
    figure.savefig(path)


def save_losses(path: Path, history: np.ndarray) -> None:
    figure = Figure(figsize=(8, 4))
    axes = figure.add_subplot()
    axes.plot(history[:, 0], label="D")
    axes.plot(history[:, 3], label="G")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
