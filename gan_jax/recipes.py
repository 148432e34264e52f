"""Recipes: named configurations, each with its paper, the source of its numbers, and where it departs from them.

A recipe is a ``GanConfig`` and nothing else: one training step reads it. Whatever a recipe sets may be changed, with
``dataclasses.replace`` or by a flag.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from gan_jax.errors import InputError
from gan_jax.fields import explain_fields
from gan_jax.setting_groups import GanSettings

if TYPE_CHECKING:
    from gan_jax.config import GanConfig


@explain_fields
class Recipe(NamedTuple):
    """A configuration with a name, and where it comes from."""

    settings: GanSettings
    """What it sets."""
    summary: str
    """What it changes, in a line."""
    paper: str
    """Where it is proposed."""
    source: str
    """Where its numbers are from."""
    departures: str
    """Where it is not what its source does."""

    @property
    def config(self) -> "GanConfig":
        """What it sets, for a training step; JAX is imported with it."""
        from gan_jax.config import GanConfig

        return GanConfig(**vars(self.settings))


_SN_HINGE = GanSettings(
    objective="hinge",
    normalization="spectral",
    learning_rate=1e-4,
    discriminator_learning_rate=4e-4,
    beta1=0.0,
    beta2=0.9,
    initializer="he",
)
_PAIRED = GanSettings(objective="relativistic", penalties=("r1", "r2"), normalization="none", beta1=0.0)
_R3GAN = dataclasses.replace(
    _PAIRED,
    network="r3gan",
    generator_batch="own",
    latent_dim=64,
    mirror=True,
    learning_rate=2e-4,
    beta2=0.9,
    ema_half_life=0.0,
    ema_ramp=1.0,
    augmentation_probability=0.0,
)


def _r3gan_preset(
    *, images: str, penalty_weight: tuple[float, str], half_life: str, augmentation: str, **others: Any
) -> GanSettings:
    """One of the authors' configurations; what moves does so along half a cosine over so many images."""
    weight, last_weight = penalty_weight
    ends = {
        "learning_rate": "5e-5",
        "beta2": "0.99",
        "penalty_weight": last_weight,
        "ema_half_life": half_life,
        "augmentation_probability": augmentation,
    }
    schedules = tuple(f"{name}=cosine:{end}:{images}" for name, end in ends.items())
    return dataclasses.replace(_R3GAN, augmentations=("pipe",), schedules=schedules, penalty_weight=weight, **others)


def _r3gan_recipe(config: GanSettings, images: str) -> Recipe:
    return Recipe(
        config,
        f"R3GAN as its authors train it on {images}",
        "Huang et al. 2024 (R3GAN), arXiv:2501.05441",
        "its authors' program: networks, five schedules, batch and precision",
        "images are mirrored at random rather than held twice",
    )


_FFHQ: dict[str, Any] = {
    "images": "2e7",
    "half_life": "5e5",
    "augmentation": "0.3",
    "bfloat16_stages": 4,
    "batch_size": 256,
}
_IMAGENET: dict[str, Any] = {"images": "2e8", "half_life": "5e7", "conditional": True, "batch_size": 4096}

RECIPES = {
    "dcgan": Recipe(
        GanSettings(),
        "the course's: non-saturating loss, batch normalization",
        "Radford et al. 2016, arXiv:1511.06434",
        "section 4: N(0, 0.02), Adam 2e-4 with beta1 0.5, batch 128",
        "28x28 images and three halvings in place of 64x64 and four",
    ),
    "lsgan": Recipe(
        GanSettings(objective="least_squares", learning_rate=1e-3),
        "least squares in place of cross-entropy",
        "Mao et al. 2017, arXiv:1611.04076",
        "eq. 9 with labels 0 and 1; all else as dcgan",
        "without the factor 1/2; learning rate chosen here; other networks",
    ),
    "wgan-gp": Recipe(
        GanSettings(
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
        GanSettings(
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
        dataclasses.replace(
            _R3GAN,
            width=16,
            max_channels=64,
            stage_blocks=(1,),
            batch_size=32,
            learning_rate=2e-3,
            mirror=False,
            augmentation_probability=None,
            penalty_weight=0.0064,
            schedules=(
                "learning_rate=cosine:x0.25",
                "beta2=cosine:0.99",
                "penalty_weight=cosine:x0.1",
                "ema_half_life=cosine:20000",
            ),
        ),
        "relativistic pairs with both zero-centred penalties, residual networks, G's own batch, at a small size",
        "Huang et al. 2024 (R3GAN), arXiv:2501.05441",
        "its authors' program: networks, game and schedules; numbers searched on CIFAR-10 at minutes of a CPU's time",
        "width, batch, learning rate and weight are of experiments/colour.py's search; schedules end with the run",
    ),
    "r3gan-dcgan": Recipe(
        dataclasses.replace(
            _PAIRED,
            penalty_weight=0.1,
            learning_rate=8e-4,
            beta2=0.99,
            initializer="he",
            schedules=("learning_rate=cosine:x0.05",),
            ema_half_life=10_000.0,
        ),
        "R3GAN's objective, penalties and average on DCGAN's layers",
        "Huang et al. 2024 (R3GAN), arXiv:2501.05441",
        "section 3 and its code: penalties on both sides, Adam (0, 0.99), cosine schedule, average",
        "DCGAN's layers; weight and learning rate chosen here; beta2, penalty weight and half-life do not change while "
        "it trains; both networks learn from one batch",
    ),
    "r3gan-cifar10": _r3gan_recipe(
        _r3gan_preset(
            image_shape=(32, 32, 3),
            stage_widths=(768,),
            stage_cardinalities=(96,),
            bfloat16_stages=3,
            conditional=True,
            images="2e7",
            penalty_weight=(0.05, "0.005"),
            half_life="5e6",
            augmentation="0.55",
            batch_size=512,
        ),
        "CIFAR-10 with its classes",
    ),
    "r3gan-ffhq64": _r3gan_recipe(
        _r3gan_preset(
            image_shape=(64, 64, 3),
            stage_widths=(*(768,) * 4, 384),
            stage_cardinalities=(*(96,) * 4, 48),
            penalty_weight=(2.0, "0.2"),
            **_FFHQ,
        ),
        "faces of 64 pixels",
    ),
    "r3gan-ffhq256": _r3gan_recipe(
        _r3gan_preset(
            image_shape=(256, 256, 3),
            stage_widths=(*(768,) * 4, 384, 192, 96),
            stage_cardinalities=(*(96,) * 4, 48, 24, 12),
            penalty_weight=(150.0, "15"),
            **_FFHQ,
        ),
        "faces of 256 pixels",
    ),
    "r3gan-imagenet32": _r3gan_recipe(
        _r3gan_preset(
            image_shape=(32, 32, 3),
            stage_widths=(1536,),
            stage_cardinalities=(96,),
            bfloat16_stages=3,
            penalty_weight=(0.5, "0.05"),
            augmentation="0.5",
            **_IMAGENET,
        ),
        "ImageNet of 32 pixels with its classes",
    ),
    "r3gan-imagenet64": _r3gan_recipe(
        _r3gan_preset(
            image_shape=(64, 64, 3),
            stage_widths=(1536,),
            stage_cardinalities=(96,),
            bfloat16_stages=4,
            penalty_weight=(1.0, "0.1"),
            augmentation="0.4",
            **_IMAGENET,
        ),
        "ImageNet of 64 pixels with its classes",
    ),
    "lucic": Recipe(
        GanSettings(network="infogan", latent_dim=64, batch_size=64),
        "the network of a large comparison of GANs, with the non-saturating loss",
        "Lucic et al. 2018, arXiv:1711.10337",
        "InfoGAN's networks, 64 latents, batch 64, Adam; loss, learning rate and beta1 are searched there",
        "tanh in place of a sigmoid; no biases in convolutions and dense layers",
    ),
    "diffaugment": Recipe(
        GanSettings(augmentations=("translation", "cutout")),
        "what D sees is moved and cut",
        "Zhao et al. 2020, arXiv:2006.10738",
        "its code: translation by 1/8, cutout of 1/2",
        "on the course's recipe; without changes of colour",
    ),
    "pacgan": Recipe(
        GanSettings(packing=2),
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
        GanSettings(learning_rate=1e-3, schedules=("learning_rate=cosine:x0.05",), ema_half_life=20_000.0),
        "the course's with a higher learning rate that falls, and an average of G",
        "Radford et al. 2016, with the average of Karras et al. 2018, arXiv:1710.10196",
        "chosen here",
        "",
    ),
    "best": Recipe(
        GanSettings(
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


def find_recipe(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
      InputError: there is none.
    """
    if name not in RECIPES:
        raise InputError(f"recipe is {name!r}; it must be one of {', '.join(RECIPES)}, or {AUTO} for a training.")
    return RECIPES[name]


def recipe(name: str) -> "GanConfig":
    """The configuration of a recipe.

    Raises:
      InputError: there is none of that name.

    Examples:
      >>> recipe("lsgan").objective
      'least_squares'
    """
    return find_recipe(name).config


AUTO = "auto"
"""The name under which ``--recipe`` has ``choose_recipe`` choose."""


@explain_fields
class Choice(NamedTuple):
    """What ``choose_recipe`` has chosen."""

    name: str
    """The recipe that it begins with."""
    changes: dict[str, Any]
    """The settings that are others than the recipe's."""
    reasons: tuple[str, ...]
    """Why, in a few words each."""

    @property
    def settings(self) -> GanSettings:
        """All settings."""
        return dataclasses.replace(RECIPES[self.name].settings, **self.changes)

    def __str__(self) -> str:
        """What was chosen and why, in a line."""
        changed = ", ".join(f"{name} {value}" for name, value in self.changes.items())
        return f"recipe {self.name} with {changed}, since {'; '.join(self.reasons)}"


def choose_recipe(image_shape: tuple[int, ...]) -> Choice:
    """What a training of one's own images should begin with: what came nearest in the same time on a CPU.

    The numbers are of the first seed of ``experiments/colour.py``: of seven recipes ``best`` on CIFAR-10, and of six
    ``r1`` on emoji of 64×64, both with networks and batches of this size. Images above that were not studied, and an
    augmentation for few images and classes are left to flags.

    Args:
      image_shape: height, width and channels.

    Examples:
      >>> print(choose_recipe((64, 64, 3)))
      recipe r1 with batch_size 32, width 32, since it was the nearest of six on 3,198 emoji of 64×64
    """
    size = image_shape[0]
    if size <= 32:
        return Choice("best", {"batch_size": 32}, ("it was the nearest of seven on 50,000 photographs of 32×32",))
    changes, reasons = {"batch_size": 32, "width": 32}, ["it was the nearest of six on 3,198 emoji of 64×64"]
    if size > 64:
        changes["max_channels"] = 256
        reasons.append(f"the inner layers of {size}×{size} would have many more channels")
    return Choice("r1", changes, tuple(reasons))
