"""Recipes: named configurations, each with its paper, the source of its numbers, and where it departs from them.

A recipe is a ``GanConfig`` and nothing else: one training step reads it. Whatever a recipe sets may be changed, with
``dataclasses.replace`` or by a flag.
"""

import dataclasses
from typing import NamedTuple

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.fields import explain_fields


@explain_fields
class Recipe(NamedTuple):
    """A configuration with a name, and where it comes from."""

    config: GanConfig
    """What it sets."""
    summary: str
    """What it changes, in a line."""
    paper: str
    """Where it is proposed."""
    source: str
    """Where its numbers are from."""
    departures: str
    """Where it is not what its source does."""


_SN_HINGE = GanConfig(
    objective="hinge",
    normalization="spectral",
    learning_rate=1e-4,
    discriminator_learning_rate=4e-4,
    beta1=0.0,
    beta2=0.9,
    initializer="he",
)
_R3GAN = GanConfig(
    objective="relativistic",
    penalties=("r1", "r2"),
    penalty_weight=0.1,
    normalization="none",
    learning_rate=8e-4,
    beta1=0.0,
    beta2=0.99,
    initializer="he",
    schedules=("learning_rate=cosine:x0.05",),
    ema_half_life=10_000.0,
)

RECIPES = {
    "dcgan": Recipe(
        GanConfig(),
        "the course's: non-saturating loss, batch normalization",
        "Radford et al. 2016, arXiv:1511.06434",
        "section 4: N(0, 0.02), Adam 2e-4 with beta1 0.5, batch 128",
        "28x28 images and three halvings in place of 64x64 and four",
    ),
    "lsgan": Recipe(
        GanConfig(objective="least_squares", learning_rate=1e-3),
        "least squares in place of cross-entropy",
        "Mao et al. 2017, arXiv:1611.04076",
        "eq. 9 with labels 0 and 1; all else as dcgan",
        "without the factor 1/2; learning rate chosen here; other networks",
    ),
    "wgan-gp": Recipe(
        GanConfig(
            objective="wasserstein",
            penalties=("gradient_penalty",),
            penalty_weight=10.0,
            normalization="none",
            critic_steps=5,
            learning_rate=1e-4,
            beta1=0.0,
            beta2=0.9,
            initializer="he",
            batch_size=64,
        ),
        "Wasserstein distance, gradient penalty, five updates of D for each of G",
        "Gulrajani et al. 2017, arXiv:1704.00028",
        "algorithm 1: weight 10, five critic steps, Adam 1e-4 with (0, 0.9), batch 64",
        "DCGAN's layers; the paper's D has layer normalization or none",
    ),
    "sn-hinge": Recipe(
        _SN_HINGE,
        "spectral normalization and the hinge loss",
        "Miyato et al. 2018, arXiv:1802.05957; Zhang et al. 2019, arXiv:1805.08318",
        "hinge loss eq. 16 and 17 of the first; Adam (0, 0.9) with 1e-4 for G and 4e-4 for D of the second",
        "DCGAN's layers in place of residual ones and of 3x3 convolutions",
    ),
    "r1": Recipe(
        GanConfig(
            penalties=("r1",),
            penalty_weight=1.0,
            normalization="none",
            learning_rate=4e-4,
            beta1=0.0,
            beta2=0.99,
            initializer="he",
        ),
        "non-saturating loss with a zero-centred gradient penalty on reals",
        "Mescheder et al. 2018, arXiv:1801.04406",
        "eq. 9; Adam (0, 0.99) as StyleGAN",
        "weight and learning rate chosen here; the paper's code has weight 10 without the factor 1/2, and 1e-4",
    ),
    "r3gan": Recipe(
        _R3GAN,
        "relativistic pairs with both zero-centred penalties, an average of G",
        "Huang et al. 2024 (R3GAN), arXiv:2501.05441",
        "section 3 and its code: penalties on both sides, Adam (0, 0.99), cosine schedule, average",
        "DCGAN's layers (network residual has the paper's kind); weight and learning rate chosen here; beta2, "
        "penalty weight and half-life do not change while it trains",
    ),
    "r3gan-residual": Recipe(
        dataclasses.replace(_R3GAN, network="residual", width=16),
        "r3gan with residual networks",
        "Huang et al. 2024 (R3GAN), arXiv:2501.05441",
        "as r3gan",
        "as r3gan, and what nn/residual.py says; width chosen for a CPU",
    ),
    "lucic": Recipe(
        GanConfig(network="infogan", latent_dim=64, batch_size=64),
        "the network of a large comparison of GANs, with the non-saturating loss",
        "Lucic et al. 2018, arXiv:1711.10337",
        "InfoGAN's networks, 64 latents, batch 64, Adam; loss, learning rate and beta1 are searched there",
        "tanh in place of a sigmoid; no biases in convolutions and dense layers",
    ),
    "diffaugment": Recipe(
        GanConfig(augmentations=("translation", "cutout")),
        "what D sees is moved and cut",
        "Zhao et al. 2020, arXiv:2006.10738",
        "its code: translation by 1/8, cutout of 1/2",
        "on the course's recipe; without changes of colour",
    ),
    "pacgan": Recipe(
        GanConfig(packing=2),
        "D judges two images together",
        "Lin et al. 2018 (PacGAN), arXiv:1712.04086",
        "section 3: packs of two, joined along the channels; all else as dcgan",
        "",
    ),
    "conditional": Recipe(
        dataclasses.replace(_SN_HINGE, conditional=True),
        "sn-hinge that is told each image's class",
        "Miyato & Koyama 2018, arXiv:1802.05637",
        "projection in D (eq. 3); the rest as sn-hinge",
        "an embedding beside the latents in place of conditional batch normalization in G",
    ),
    "fast": Recipe(
        GanConfig(learning_rate=1e-3, schedules=("learning_rate=cosine:x0.05",), ema_half_life=20_000.0),
        "the course's with a higher learning rate that falls, and an average of G",
        "Radford et al. 2016, with the average of Karras et al. 2018, arXiv:1710.10196",
        "chosen here",
        "",
    ),
    "best": Recipe(
        GanConfig(
            width=32,
            learning_rate=3e-3,
            beta1=0.0,
            schedules=("learning_rate=cosine:x0.05",),
            ema_half_life=68_000.0,
        ),
        "fast with half the width and searched numbers: the nearest images for the time on a CPU",
        "as fast",
        "experiments/compare_recipes.py: the best of twelve trials; docs/learn/recipes.md says how it compares",
        "",
    ),
}
"""By the names that ``--recipe`` takes."""


def recipe(name: str) -> GanConfig:
    """The configuration of a recipe.

    Raises:
      InputError: there is none of that name.

    Examples:
      >>> recipe("lsgan").objective
      'least_squares'
    """
    if name not in RECIPES:
        raise InputError(f"recipe is {name!r}; it must be one of {', '.join(RECIPES)}.")
    return RECIPES[name].config
