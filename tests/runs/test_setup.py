"""What a run starts from."""

import dataclasses
import types

import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, RunConfig, gan_step, init_state, load_dataset
from gan_jax.runs import setup
from gan_jax.runs.setup import choose_mesh, networks_config, prepare_start
from gan_jax.storage.record import identity, make_record


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
        ([0] * 900 + [2] * 600, "averaged", ()),
    ],
)
def test_a_configuration_has_uneven_counts_where_statistics_are_recalibrated(labels, statistics, counts):
    digits = load_dataset("digits")
    uneven = dataclasses.replace(digits, train_labels=np.array(labels), class_names=("a", "b", "c"))
    gan = GanConfig(conditional=True, normalization="none", average_half_life=9.0, average_statistics=statistics)
    config = networks_config(RunConfig(gan), uneven)
    assert (config.num_classes, config.class_counts) == (3, counts)
    assert networks_config(RunConfig(config), digits).num_classes == 10
    records = [make_record(RunConfig(gan), each, uneven, gan_step) for each in (config, gan)]
    assert "gan.class_counts" not in identity(records[0])


@pytest.mark.parametrize("change", [{"width": 4}, {"normalization": "spectral"}, {"normalization": "batch"}])
def test_a_discriminator_of_another_form_is_refused(change, monkeypatch, tmp_path):
    given, wanted = (
        GanConfig(width=2, normalization="none"),
        GanConfig(**{"width": 2, "normalization": "none"} | change),
    )
    settings = RunConfig(wanted, dataset="digits", discriminator=tmp_path)
    states = {config: init_state(config, jax.random.key(0)) for config in (given, wanted)}
    images = load_dataset("digits").train_images

    def start_with(config):
        loaded = types.SimpleNamespace(state=states[config])
        monkeypatch.setattr(setup, "load_run", lambda folder: loaded)
        return prepare_start(settings, wanted, images)

    with pytest.raises(InputError, match="other layers; use the width, the normalization and the images"):
        start_with(given)
    kernels = [state.discriminator.params["conv_0"]["kernel"] for state in (start_with(wanted).state, states[wanted])]
    assert (kernels[0] == kernels[1]).all()
