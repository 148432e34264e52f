"""The named configurations, and what a configuration refuses."""

import dataclasses

import pytest

from gan_jax import RECIPES, GanConfig, InputError, RunConfig, load_dataset, recipe
from gan_jax.cli.train import parse_flags
from gan_jax.runs.setup import networks_config, prepare_start, training_images


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_where_it_is_from(name):
    one = RECIPES[name]
    assert one.summary
    assert one.paper
    assert one.source
    assert recipe(name) is one.config
    assert dataclasses.replace(one.config) == one.config  # passes its own checks


def test_the_courses_recipe_is_the_default():
    assert recipe("dcgan") == GanConfig()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"objective": "vanilla"}, "objective is 'vanilla'; it must be one of non_saturating, .*, relativistic"),
        ({"normalization": "layer"}, "normalization is 'layer'; it must be 'batch', 'spectral' or 'none'"),
        ({"penalties": ("r3",)}, "penalty is 'r3'; it must be one of r1, r2, gradient_penalty"),
        ({"penalties": ("r1", "r1"), "normalization": "none"}, "penalties is"),
        ({"augmentations": ("colour",)}, "augmentation is 'colour'; it must be one of translation, cutout"),
        ({"penalty_share": 0.0}, "penalty_share is 0.0; it must be above 0 and at most 1"),
        ({"critic_steps": 0}, "critic_steps is 0"),
        ({"packing": 3}, "packing is 3; it must be a divisor of batch_size, 128"),
        ({"packing": 2, "penalties": ("r1",), "normalization": "none"}, "packing is 2, but a penalty is on single"),
        ({"packing": 2, "conditional": True}, "packing is 2, but each image has its own class"),
        ({"image_shape": (2,), "augmentations": ("cutout",)}, "augmentations .* for points give none"),
        ({"image_shape": (0,)}, "image_shape is"),
        ({"beta2": 1.0}, "beta2 is 1.0"),
        ({"ema_half_life": -1.0}, "ema_half_life is -1.0"),
        ({"ema_ramp": 0.0}, "ema_ramp is 0.0"),
        ({"discriminator_learning_rate": -1.0}, "discriminator_learning_rate is -1.0"),
        ({"penalties": ("r1",)}, "normalization is 'batch', which .* choose normalization 'none' or 'spectral'"),
        ({"objective": "relativistic"}, "relativistic compares single images"),
        ({"objective": "relativistic", "normalization": "none", "real_weight": 0.5}, "leave real_weight"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(values, complaint):
    with pytest.raises(InputError, match=complaint):
        GanConfig(**values)


def test_flags_change_a_recipe():
    flags = parse_flags(RunConfig(GanConfig(initializer="he")), ["--width", "8", "--recipe", "r3gan", "--beta1", "0.9"])
    assert flags.gan == dataclasses.replace(recipe("r3gan"), width=8, beta1=0.9)
    with pytest.raises(InputError, match="recipe is 'gan'"):
        parse_flags(RunConfig(), ["--recipe=gan"])


def test_the_data_and_the_length_decide_what_a_recipe_leaves_open():
    digits = load_dataset("digits")
    small = {"batch_size": 50, "width": 2, "latent_dim": 4}

    def end_of_schedules(name, **length):
        settings = RunConfig(dataclasses.replace(recipe(name), **small), **length)
        config = networks_config(settings, digits)
        return prepare_start(settings, config, training_images(config, digits)).schedule_steps

    assert end_of_schedules("r3gan-dcgan", epochs=4) == 4 * 30
    assert end_of_schedules("r3gan-dcgan", steps=7) == 7
    assert end_of_schedules("r3gan-dcgan", epochs=4, schedule_steps=9) == 9
    assert end_of_schedules("dcgan", epochs=4, schedule_steps=9) is None
    conditional = dataclasses.replace(recipe("conditional"), num_classes=4)
    assert networks_config(RunConfig(conditional), digits).num_classes == 10
    assert networks_config(RunConfig(GanConfig(num_classes=4)), digits).num_classes == 4
