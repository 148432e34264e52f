"""A step is known by a name that another process finds again."""

import functools
import subprocess
import sys

import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, RunConfig, gan_step, load_dataset
from gan_jax.storage.record import make_record, read_record, require_same_run, step_name, write_record


def step(config, state, images, key, scale=1.0):
    return state, {"loss": scale}


def other_module():
    """Another module with a function of the same name."""
    namespace = {"__name__": "another_module"}
    exec("def step(config, state, images, key): return state, {}", namespace)
    return namespace["step"]


def test_the_packages_own_steps_keep_their_names():
    assert step_name(gan_step) == "gan_step"


def test_steps_of_one_name_in_two_modules_are_told_apart():
    assert step_name(step) != step_name(other_module())
    assert step_name(step).endswith(".step")
    assert step_name(jax.jit(step)) == step_name(step)


def test_a_partial_is_named_by_its_arguments():
    half, full = functools.partial(step, scale=0.5), functools.partial(step, scale=1.0)
    assert step_name(half) == f"{step_name(step)}(scale=0.5)"
    assert step_name(half) == step_name(functools.partial(step, scale=0.5))
    assert step_name(half) != step_name(full)
    arrays = [step_name(functools.partial(step, scale=np.full(2, value))) for value in (1.0, 2.0)]
    assert len(set(arrays)) == 2


def test_a_partial_has_the_same_name_in_another_process():
    program = (
        "import functools, operator; from gan_jax import gan_step; from gan_jax.storage.record import step_name; "
        "print(step_name(functools.partial(gan_step, 1, b='x')))"
    )
    found = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout for _ in range(2)]
    assert found == ["gan_step(1, b='x')\n"] * 2


def test_functions_without_a_name_are_told_apart_by_their_code():
    one = step_name(lambda config, state, images, key: (state, images.mean()))
    other = step_name(lambda config, state, images, key: (state, images.std()))
    assert one != other
    assert "0x" not in one


def test_what_has_no_name_is_refused():
    class Callable:
        def __call__(self, config, state, images, key):
            return state, {}

    for unnamed in (Callable(), functools.partial(step, scale=object())):
        with pytest.raises(InputError, match="cannot be recorded"):
            step_name(unnamed)


@pytest.fixture(scope="module")
def records():
    settings, dataset = RunConfig(GanConfig(width=2), dataset="digits"), load_dataset("digits")
    return lambda chosen: make_record(settings, settings.gan, dataset, chosen)


def test_another_step_of_the_same_name_cannot_resume(records):
    with pytest.raises(InputError, match="has step"):
        require_same_run(records(other_module()), records(step))


def test_earlier_records_had_the_bare_name(records):
    require_same_run(records(step) | {"format": 2, "step": "step"}, records(step))
    with pytest.raises(InputError, match="has step 'other'"):
        require_same_run(records(step) | {"format": 2, "step": "other"}, records(step))


def test_what_may_change_may_change(records):
    record = records(gan_step)
    require_same_run(record | {"run": record["run"] | {"epochs": 7, "devices": 2, "data_dir": "/x"}}, record)
    with pytest.raises(InputError, match="log_every 7, this one 100"):
        require_same_run(record | {"run": record["run"] | {"log_every": 7}}, record)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"run": 3}', '{"format": "x"}', '{"run": {"gan": {}}}'])
def test_a_record_of_another_form_is_named(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json is not the record of a run"):
        read_record(tmp_path)


def test_a_record_comes_back(records, tmp_path):
    record = records(gan_step)
    write_record(tmp_path, record)
    assert read_record(tmp_path)["run"]["output_dir"] == record["run"]["output_dir"]
    assert not {"resume", "overwrite", "coordinator"} & record["run"].keys()
