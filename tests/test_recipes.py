"""The named configurations."""

import dataclasses

import pytest

from gan_jax import RECIPES, GanConfig, InputError, RunConfig, load_dataset, recipe
from gan_jax.cli.train import parse_flags
from gan_jax.runs.setup import networks_config, prepare_start, training_images


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_where_it_is_from(name):
    named = RECIPES[name]
    assert all((named.summary, named.paper, named.source))
    assert recipe(name) == named.config
    assert dataclasses.replace(named.config) == named.config  # passes its own checks
    assert (named.config == GanConfig()) == (name == "dcgan")


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
