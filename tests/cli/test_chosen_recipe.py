"""``--recipe auto``, and one's own images without a recipe."""

import dataclasses
import shlex

import numpy as np
import pytest
from in_process import assert_mistake, command
from PIL import Image

from gan_jax import RECIPES, GanConfig, load_run
from gan_jax.cli.train import parse_flags
from gan_jax.cli.trainings import TRAININGS, command_of
from gan_jax.recipes import choose_recipe
from gan_jax.storage.run_json import read_settings

TINY = ("--width", 2, "--latent-dim", 4, "--batch-size", 8, "--steps", 1)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{index:02}.png")
    return folder


def trained(*flags):
    result = command("train", *TINY, *flags)
    assert result.status == 0, result.err
    return result.out


def test_ones_own_images_are_trained_with_what_is_chosen_for_them(photos):
    chosen = choose_recipe((16, 16, 3))
    out = trained("--dataset", "photos")
    assert f"Chosen: {chosen}; --recipe names another\nOutput folder: runs/photos\n" in out
    config = load_run("runs/photos").config
    assert config.width == 2  # a flag changes what is chosen
    assert (config.learning_rate, config.schedules) == (chosen.settings.learning_rate, chosen.settings.schedules)


def test_a_recipe_by_its_name_is_not_chosen_again_and_neither_is_one_of_a_run_that_goes_on(photos):
    assert "Chosen" not in trained("--dataset", "photos", "--recipe", "dcgan")
    assert load_run("runs/photos-dcgan").config.beta1 == RECIPES["dcgan"].settings.beta1
    trained("--dataset", "photos", "--learning-rate", 1e-3)
    resumed = command("train", "--dataset", "photos", "--resume", "--steps", 2)
    assert resumed.status == 0, resumed.err
    assert "Chosen" not in resumed.out
    assert load_run("runs/photos").config.learning_rate == 1e-3
    auto = command(
        "train", "--dataset", "photos", "--recipe", "auto", "--resume", "--steps", 3, "--output-dir", "runs/photos"
    )
    assert auto.status == 0, auto.err
    assert "Chosen" not in auto.out


def test_a_set_with_a_name_has_the_courses_recipe_unless_asked(photos):
    assert "Chosen" not in trained("--dataset", "digits")
    assert load_run("runs/digits").config.beta1 == RECIPES["dcgan"].settings.beta1
    assert "Chosen" in trained("--dataset", "digits", "--recipe", "auto")
    assert load_run("runs/digits-auto").record["dataset"]["name"] == "digits"


def test_it_is_quiet_and_a_mistake_is_one_line(photos):
    assert trained("--dataset", "photos", "--quiet") == ""
    assert_mistake(command("train", "--dataset", "none/here", *TINY), "none/here")
    assert_mistake(
        command("train", "--dataset", "photos", "--recipe", "autom"), "recipe is 'autom'; it must be one of dcgan"
    )


def test_the_command_that_repeats_the_run_does_not_choose(photos):
    trained("--dataset", "photos", "--beta1", 0.5)
    record = load_run("runs/photos").record
    program, name, *flags = shlex.split(command_of(record))
    assert (program, name) == ("gan-jax", "train")
    again = parse_flags(TRAININGS[name], flags).gan
    assert dataclasses.replace(again, image_shape=(16, 16, 3)) == read_settings(record)[0].gan


@pytest.mark.parametrize(("size", "name"), [(28, "best"), (32, "best"), (56, "r1"), (64, "r1"), (256, "r1")])
def test_a_choice_goes_by_the_size_and_limits_the_channels_of_large_images(size, name):
    chosen = choose_recipe((size, size, 3))
    assert chosen.name == name
    assert f"recipe {name} with " in str(chosen)
    assert all(f"{setting} {value}" in str(chosen) for setting, value in chosen.changes.items())
    config = GanConfig(**vars(chosen.settings) | {"image_shape": (size, size, 3)})
    assert max(config.channels(halvings) for halvings in range(6)) <= (256 if size > 64 else 1024)
