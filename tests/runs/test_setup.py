"""What a run starts from."""

import jax
import pytest

from gan_jax import GanConfig, InputError, RunConfig
from gan_jax.runs.setup import choose_mesh


def test_several_processes_use_all_their_devices(monkeypatch):
    config = GanConfig(width=2)
    assert choose_mesh(RunConfig(config, devices=1), config).size == 1
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    assert choose_mesh(RunConfig(config), config) is not None
    with pytest.raises(InputError, match="leave out --devices"):
        choose_mesh(RunConfig(config, devices=1), config)
