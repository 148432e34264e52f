"""What a run starts from."""

import dataclasses
import functools
import shutil
import types

import chex
import jax
import numpy as np
import pytest
from small_runs import settings

from gan_jax import (
    Batch,
    GanConfig,
    InputError,
    NetworkState,
    RunConfig,
    init_state,
    load_dataset,
    load_run,
    run_experiment,
)
from gan_jax.runs import setup
from gan_jax.runs.setup import choose_mesh, networks_config, prepare_start
from gan_jax.storage.run_json import identity, make_run_json


def test_several_processes_use_all_their_devices(monkeypatch):
    config = GanConfig(width=2)
    assert choose_mesh(RunConfig(config, devices=1), config).size == 1
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    assert choose_mesh(RunConfig(config), config) is not None
    with pytest.raises(InputError, match="leave out --devices"):
        choose_mesh(RunConfig(config, devices=1), config)


@pytest.mark.parametrize(
    ("labels", "statistics", "counts"),
    [
        ([0] * 900 + [2] * 600, "recalibrated", (900, 0, 600)),
        ([0, 1, 2] * 500, "recalibrated", ()),
        ([0] * 900 + [2] * 600, "averaged", (900, 0, 600)),
        ([0] * 900 + [1] * 10 + [2] * 590, "averaged", ()),
    ],
)
def test_networks_config_has_counts_where_a_class_is_empty_or_uneven_ones_are_recalibrated(labels, statistics, counts):
    digits = load_dataset("digits")
    tested = digits.test_labels % 3
    uneven = dataclasses.replace(digits, train_labels=np.array(labels), test_labels=tested, class_names=("a", "b", "c"))
    gan = GanConfig(conditional=True, normalization="none", ema_half_life=9.0, ema_statistics=statistics)
    config = networks_config(RunConfig(gan), uneven)
    assert (config.num_classes, config.class_counts) == (3, counts)
    assert networks_config(RunConfig(config), digits).num_classes == 10
    records = [make_run_json(RunConfig(gan), each, uneven, None) for each in (config, gan)]
    assert "gan.class_counts" not in identity(records[0])


CONFIG = GanConfig(width=2, latent_dim=4)
AVERAGED = dataclasses.replace(CONFIG, ema_half_life=100.0)
fresh_state = functools.cache(lambda config, seed=0: init_state(config, jax.random.key(seed)))


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Prepare a run that starts from another's networks."""

    def begin(config, name, given, state=None):
        loaded = types.SimpleNamespace(state=state or fresh_state(given), config=given)
        monkeypatch.setattr(setup, "load_run", lambda folder: loaded)
        asked = RunConfig(config, dataset="digits", **{name: tmp_path})
        return prepare_start(asked, config, Batch(load_dataset("digits").train_images)).state

    return begin


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"width": 4}, "width 2, not 4"),
        ({"normalization": "spectral"}, "normalization none, not spectral"),
        ({"normalization": "batch"}, "normalization none, not batch"),
    ],
)
def test_a_discriminator_of_another_form_is_refused(change, told, start):
    given = dataclasses.replace(CONFIG, normalization="none")
    wanted = dataclasses.replace(given, **change)
    with pytest.raises(InputError, match=f"the discriminator of .* has other layers; it needs {told}"):
        start(wanted, "discriminator", given)
    found, expected = start(wanted, "discriminator", wanted), fresh_state(wanted)
    chex.assert_trees_all_equal(found.discriminator.params, expected.discriminator.params)


def test_start_from_takes_both_networks_and_the_average_and_begins_at_step_0(start):
    trained, fresh = fresh_state(AVERAGED, 7), fresh_state(AVERAGED)
    average = NetworkState(jax.tree.map(lambda leaf: leaf + 1, trained.generator.variables))
    trained = trained.replace(step=trained.step + 9, ema=average)
    state = start(AVERAGED, "start_from", AVERAGED, trained)
    assert int(state.step) == 0
    for name in ("generator", "discriminator", "ema"):
        found, expected = getattr(state, name), getattr(trained, name)
        chex.assert_trees_all_equal(
            (found.params, found.variables["batch_stats"]), (expected.params, expected.variables["batch_stats"])
        )
        chex.assert_trees_all_equal(found.opt_state, getattr(fresh, name).opt_state)


def test_start_from_a_run_without_an_average_begins_the_average_at_its_generator(start):
    trained = fresh_state(CONFIG, 7)
    state = start(AVERAGED, "start_from", CONFIG, trained)
    chex.assert_trees_all_equal(state.ema.params, trained.generator.params)


def test_start_from_a_generator_of_another_form_is_refused(start, tmp_path):
    with pytest.raises(InputError, match=r"the generator of .* has other layers; it needs latent_dim 4, not 6\."):
        start(dataclasses.replace(CONFIG, latent_dim=6), "start_from", CONFIG)
    with pytest.raises(InputError, match="--discriminator and --start-from both"):
        RunConfig(discriminator=tmp_path, start_from=tmp_path)


@pytest.mark.soak
@pytest.mark.usefixtures("preview_keys_are_used_again")
@pytest.mark.parametrize(("name", "game"), [("start_from", "drift"), ("discriminator", "generator")])
def test_resume_needs_no_start_where_there_is_a_checkpoint(name, game, tmp_path):
    run_experiment(settings(tmp_path / "first", steps=1, game="drift"))
    own = settings(tmp_path / "own", steps=2, game=game, **{name: tmp_path / "first"})
    run_experiment(own)
    kept = load_run(tmp_path / "own").state.discriminator.variables
    shutil.rmtree(tmp_path / "first")
    run_experiment(dataclasses.replace(own, steps=3))
    state = load_run(tmp_path / "own").state
    assert int(state.step) == 3
    if name == "discriminator":  # the given one, which the game leaves as it is
        chex.assert_trees_all_equal(state.discriminator.variables, kept)
    shutil.rmtree(tmp_path / "own" / "checkpoints")
    for folder in ("own", "new"):
        with pytest.raises(InputError, match="first holds no run"):
            run_experiment(dataclasses.replace(own, output_dir=tmp_path / folder))
