"""The subcommands on a run with classes and an average, and the list of recipes."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from small_runs import GAN, settings

from gan_jax import RECIPES, load_run, run_experiment, sample_images

CONFIG = dataclasses.replace(GAN, conditional=True, ema_half_life=400.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    run_experiment(settings(folder, gan=CONFIG, steps=12, game="drift"))
    return folder


def samples(path):
    with np.load(path) as archive:
        return archive["arr_0"][..., :1]


def test_the_recipes_are_listed_with_their_papers(gan_jax):
    status, out, _ = gan_jax("recipes")
    assert status == 0
    parts = {part.split()[0]: " ".join(part.split()) for part in out.split("\n\n")[1:]}
    assert list(parts) == list(RECIPES)
    for name, recipe in RECIPES.items():
        assert all(text in parts[name] for text in (recipe.summary, recipe.paper, recipe.source, recipe.departures))
        assert recipe.config.objective in parts[name] or recipe.config.objective == "non_saturating"


@pytest.mark.soak
def test_images_of_one_class_are_drawn(trained, gan_jax, tmp_path):
    status, out, err = gan_jax("sample", trained, "--num-images", 5, "--label", 7, "--output", tmp_path / "sevens.npz")
    assert status == 0, err
    assert "5 images of the averaged generator" in out
    run = load_run(trained)
    expected = sample_images(run.config, run.generator, 5, labels=[7] * 5)
    np.testing.assert_array_equal(samples(tmp_path / "sevens.npz"), expected)
    assert not np.array_equal(expected, sample_images(run.config, run.generator, 5))


def test_the_average_is_used_unless_raw_is_asked_for(trained, gan_jax, tmp_path):
    run = load_run(trained)
    for flags, generator, name in (
        ([], run.state.ema.variables, "averaged generator"),
        (["--no-ema"], run.state.generator.variables, "the generator"),
    ):
        status, out, err = gan_jax("sample", trained, "--num-images", 4, "--output", tmp_path / "four.npz", *flags)
        assert status == 0, err
        assert name in out
        np.testing.assert_array_equal(samples(tmp_path / "four.npz"), sample_images(run.config, generator, 4))


def test_a_grid_has_a_row_for_each_class(trained, gan_jax, tmp_path):
    assert "80 images" in gan_jax("sample", trained, "--output", tmp_path / "grid.png").out
    for path in (tmp_path / "grid.png", trained / "grids" / "step_0000012.png"):
        with Image.open(path) as picture:
            assert picture.height > picture.width


@pytest.mark.soak
def test_other_commands_take_the_run_too(trained, gan_jax, tmp_path):
    assert gan_jax("interpolate", trained, "--output", tmp_path / "walk.png", "--rows", 3)[0] == 0
    status, out, _ = gan_jax("export", trained, "--output", tmp_path / "generator.jax")
    assert status == 0
    assert "The averaged generator is in" in out
    assert "labels [b]" in out
