"""A run's record comes back, and says which run may be resumed as which."""

from pathlib import Path

import pytest
from steps_of_one_name import other_module, step

from gan_jax import GanConfig, InputError, RunConfig, gan_step, load_dataset
from gan_jax.storage import record
from gan_jax.storage.record import make_record, read_record, require_same_run, write_record


@pytest.fixture(scope="module")
def records():
    settings, dataset = RunConfig(GanConfig(width=2), dataset="digits"), load_dataset("digits")
    return lambda chosen: make_record(settings, settings.gan, dataset, chosen)


def test_another_step_of_the_same_name_cannot_resume(records):
    with pytest.raises(InputError, match="has step"):
        require_same_run(records(other_module()), records(step))


def test_earlier_records_had_the_bare_name(records):
    def local(config, state, images, key):
        return state, {}

    for one, name in ((step, "step"), (local, "local")):
        require_same_run(records(one) | {"format": 2, "step": name}, records(one))
        with pytest.raises(InputError, match="has step 'other'"):
            require_same_run(records(one) | {"format": 2, "step": "other"}, records(one))
        with pytest.raises(InputError, match=f"has step '{name}'"):
            require_same_run(records(one) | {"step": name}, records(one))


def test_what_may_change_may_change(records):
    first = records(gan_step)
    require_same_run(first | {"run": first["run"] | {"epochs": 7, "devices": 2, "data_dir": "/x"}}, first)
    with pytest.raises(InputError, match="log_every 7, this one 100"):
        require_same_run(first | {"run": first["run"] | {"log_every": 7}}, first)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"run": 3}', '{"format": "x"}', '{"run": {"gan": {}}}'])
def test_a_record_of_another_form_is_named(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json is not the record of a run"):
        read_record(tmp_path)


@pytest.mark.parametrize("member", ["seed_3", "learning_rate=0.1/beta1=0/seed_0"])
def test_a_folder_of_many_runs_names_one_to_give(member, records, tmp_path):
    (tmp_path / member).mkdir(parents=True)
    (tmp_path / "notes" / "seed_1").mkdir(parents=True)
    (tmp_path / "seed_0").mkdir()
    with pytest.raises(InputError, match=f"{tmp_path} holds no run"):
        read_record(tmp_path)
    write_record(tmp_path / member, records(gan_step))
    write_record(tmp_path / "notes" / "seed_1", records(gan_step))
    with pytest.raises(InputError, match=f"{tmp_path} holds many runs; give one of them, such as {tmp_path / member}"):
        read_record(tmp_path)


def test_it_counts_the_cores_that_the_process_may_use(records, monkeypatch):
    monkeypatch.setattr(record, "usable_cores", lambda: 7)
    assert records(gan_step)["device"]["cpu_cores"] == 7


def test_a_discriminator_that_ships_keeps_its_name(tmp_path):
    dataset = load_dataset("digits")
    for given, expected in ((Path("fashion_mnist"), "fashion_mnist"), (tmp_path, str(tmp_path.resolve()))):
        settings = RunConfig(dataset="digits", discriminator=given)
        assert make_record(settings, settings.gan, dataset, gan_step)["run"]["discriminator"] == expected


def test_a_record_comes_back(records, tmp_path):
    written = records(gan_step)
    write_record(tmp_path, written)
    assert read_record(tmp_path)["run"]["output_dir"] == written["run"]["output_dir"]
    assert not {"resume", "overwrite", "coordinator"} & written["run"].keys()
