import dataclasses
from pathlib import Path

import pytest

from gan_jax import GanConfig, InputError, RunConfig, recipe
from gan_jax.sweeps.plan import default_folder, list_trials, parse_seeds, parse_sweep


@pytest.mark.parametrize(("text", "seeds"), [("0:3", [0, 1, 2]), (":2", [0, 1]), ("5", [5]), ("0,3,5", [0, 3, 5])])
def test_seeds_are_a_range_or_a_list(text, seeds):
    assert parse_seeds(text) == seeds


def test_a_sweep_is_a_name_and_values():
    assert parse_sweep("learning-rate=1e-4,2e-4") == ("learning_rate", [1e-4, 2e-4])
    assert parse_sweep("width=3,4") == ("width", [3, 4])
    assert parse_sweep("discriminator-width=3,4") == ("discriminator_width", [3, 4])
    assert repr(parse_sweep("critic-steps=10,20")[1]) == "[10, 20]"
    with pytest.raises(InputError, match="name each setting once"):
        list_trials(RunConfig(sweep=("beta1=0,0.5", "beta1=0.9")))


SEEDS = ["", "3:3", "a", "1,1", "0:", "1:2:3", "-1:2", "4294967296", "0:4294967296", f"0:{10**30}", "0:10001"]
SWEEPS = ["learning_rate", "initializer=1,2", "schedule_steps=10,20", "width=3.5", "beta1=", "beta1=a", "beta1=0.5,0.5"]
SAME = ["learning_rate=1e-4,0.0001", "learning_rate=0.1,0.10000000149011612", "beta1=0.5,0.50000001", "width=3,3"]
REFUSED = [
    *((parse_seeds, text, "seeds is") for text in SEEDS),
    *((parse_sweep, text, "sweep is") for text in SWEEPS),
    *((parse_sweep, text, "two values are the same in float32; give each once") for text in SAME),
]


@pytest.mark.parametrize(("parse", "text", "complaint"), REFUSED)
def test_other_seeds_and_sweeps_are_refused(parse, text, complaint):
    with pytest.raises(InputError, match=complaint):
        parse(text)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("fashion_mnist", {}),
        ("fashion_mnist", {"seed": 7, "epochs": 3, "gan": GanConfig(width=8)}),
        ("fashion_mnist-r3gan", {"gan": recipe("r3gan")}),
        ("digits-generator", {"game": "generator", "dataset": "digits", "gan": GanConfig(initializer="he")}),
        ("digits-best-discriminator", {"game": "discriminator", "dataset": "digits", "gan": recipe("best")}),
        ("digits-patient", {"game": "patient", "dataset": "digits"}),
        ("digits-mine_Patient", {"game": "mine:Patient", "dataset": "digits"}),
        ("photos.v2", {"dataset": "some/photos.v2/"}),
        ("my_photos", {"dataset": "some/my photos.zip"}),
        ("set_1.0.0", {"dataset": "set:1.0.0"}),
        ("fashion_mnist-seeds", {"seeds": "0:4"}),
        ("fashion_mnist-beta1-learning_rate", {"seeds": "0:4", "sweep": ("beta1=0", "learning-rate=1e-3")}),
    ],
)
def test_the_default_folder_tells_data_recipe_part_and_what_is_many(name, changes):
    assert default_folder(RunConfig(**changes)) == Path("runs") / name


def test_the_default_folder_has_the_recipe_that_was_named_and_the_images_that_were_given():
    changed = RunConfig(dataclasses.replace(recipe("r3gan"), width=8))
    assert default_folder(changed, recipe="r3gan", dataset="stripes") == Path("runs/stripes-r3gan")
    assert default_folder(RunConfig(), dataset="..") == Path("runs/_")


def test_values_times_seeds_each_in_a_folder_of_its_own():
    settings = RunConfig(seeds="1:3", sweep=("beta1=0,0.5", "learning_rate=1e-3"), output_dir=Path("runs/all"))
    trials = list_trials(settings)
    assert [trial.name for trial in trials] == [
        "beta1=0/learning_rate=0.001/seed_1",
        "beta1=0/learning_rate=0.001/seed_2",
        "beta1=0.5/learning_rate=0.001/seed_1",
        "beta1=0.5/learning_rate=0.001/seed_2",
    ]
    last = trials[-1].settings
    assert (last.gan.beta1, last.gan.learning_rate, last.seed) == (0.5, 1e-3, 2)
    assert (last.seeds, last.sweep, last.output_dir) == (None, (), Path("runs/all") / trials[-1].name)
