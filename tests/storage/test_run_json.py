"""A run's record comes back, and says which run may be resumed as which."""

import contextlib
from pathlib import Path

import pytest

from gan_jax import GanConfig, InputError, RunConfig, load_dataset
from gan_jax.storage import run_json
from gan_jax.storage.run_json import (
    append_epoch,
    make_run_json,
    read_run_json,
    require_same_dataset,
    require_same_run,
    run_digest,
    write_run_json,
)


@pytest.fixture(scope="module")
def records():
    dataset = load_dataset("digits")

    def make(game="joint", schedule_steps=None):
        settings = RunConfig(GanConfig(width=2), game, "digits")
        return make_run_json(settings, settings.gan, dataset, schedule_steps)

    return make


def test_require_same_run_allows_what_may_change_alone(records):
    first = records()
    require_same_run(first | {"run": first["run"] | {"epochs": 7, "devices": 2, "data_dir": "/x"}}, first)
    for made, asked, complaint in (
        (first, records("generator"), "has game 'joint', this one 'generator'"),
        (records(schedule_steps=5), records(schedule_steps=9), "has schedule_steps 5, this one 9"),
        (first | {"run": first["run"] | {"log_every": 7}}, first, "log_every 7, this one 100"),
    ):
        with pytest.raises(InputError, match=complaint):
            require_same_run(made, asked)


@pytest.mark.parametrize("member", ["seed_3", "learning_rate=0.1/beta1=0/seed_0"])
def test_a_folder_of_many_runs_names_one_to_give(member, records, tmp_path):
    (tmp_path / member).mkdir(parents=True)
    (tmp_path / "notes" / "seed_1").mkdir(parents=True)
    (tmp_path / "seed_0").mkdir()
    with pytest.raises(InputError, match=f"{tmp_path} holds no run; give the folder that a training wrote\\.$"):
        read_run_json(tmp_path)
    write_run_json(tmp_path / member, records())
    write_run_json(tmp_path / "notes" / "seed_1", records())
    with pytest.raises(InputError, match=f"{tmp_path} holds many runs; give one of them, such as {tmp_path / member}"):
        read_run_json(tmp_path)


def test_read_record_of_a_folder_with_runs_in_it_names_them(records, tmp_path):
    for name in ("one", "many/seed_0"):
        (tmp_path / name).mkdir(parents=True)
        write_run_json(tmp_path / name, records())
    (tmp_path / "notes").mkdir()
    there = f"such as {tmp_path / 'many'}, {tmp_path / 'one'}\\.$"
    with pytest.raises(InputError, match=f"{tmp_path} holds no run; give the folder that a training wrote, {there}"):
        read_run_json(tmp_path)


@pytest.mark.parametrize(
    ("before", "now", "is_refused"),
    [
        *[("digits", "mnist", True), ("digits", "./digits", True), ("/there/pets", "digits", True)],
        *[("digits", "digits", False), ("/there/pets", "/moved/pets", False)],  # the pixels decide
    ],
)
def test_require_same_dataset_refuses_what_no_pixels_can_make_the_same(before, now, is_refused):
    refused = pytest.raises(InputError, match=f"has dataset '{before}', this one '{now}'; give the same, or a new")
    with refused if is_refused else contextlib.nullcontext():
        require_same_dataset({"run": {"dataset": before}}, now)


def test_make_run_json_tells_the_threads_and_resolves_paths_but_names_that_ship(tmp_path, monkeypatch):
    monkeypatch.setattr(run_json, "worker_threads", lambda: 7)
    dataset = load_dataset("digits")
    for given, expected in ((Path("fashion_mnist"), "fashion_mnist"), (tmp_path, str(tmp_path.resolve()))):
        settings = RunConfig(dataset="digits", discriminator=given)
        record = make_run_json(settings, settings.gan, dataset, None)
        assert (record["run"]["discriminator"], record["device"]["cpu_threads"]) == (expected, 7)


def epoch(number):
    return {"epoch": number, "step": 12 * number, "arrays": {"step": "0" * 16}}


@pytest.fixture
def grown(records, tmp_path):
    """A record to which epochs were added, and what of it is on disk."""
    record = records()
    write_run_json(tmp_path, record)
    for number in (1, 2, 3):
        append_epoch(tmp_path, record, epoch(number))
    return record


def test_an_epoch_is_appended_and_the_rest_not_written_again(grown, tmp_path):
    before = [(tmp_path / name).stat().st_ino for name in ("run.json", "epochs.jsonl")]
    append_epoch(tmp_path, grown, epoch(4))
    assert [(tmp_path / name).stat().st_ino for name in ("run.json", "epochs.jsonl")] == before
    assert read_run_json(tmp_path)["epochs"] == grown["epochs"] == [epoch(number) for number in (1, 2, 3, 4)]


def test_an_epoch_that_was_being_written_when_the_run_was_killed_is_left_out(grown, tmp_path, capsys):
    path = tmp_path / "epochs.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert read_run_json(tmp_path)["epochs"] == [epoch(1), epoch(2)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "\0" * 50, "[]", '{"epoch": 2}', '{"epoch": 2, "arrays": {"step": 3}}']
)
def test_an_epoch_that_is_damaged_is_left_out_with_a_warning(line, grown, tmp_path, capsys):
    path = tmp_path / "epochs.jsonl"
    first, _, third = path.read_text().splitlines()
    path.write_text("\n".join([first, line, third, ""]))
    assert read_run_json(tmp_path)["epochs"] == [epoch(1), epoch(3)]
    assert capsys.readouterr().err.count("epochs.jsonl has damaged lines") == 1


def test_a_digest_tells_runs_and_how_far_they_have_come_apart(records):
    record = records()
    longer = record | {"epochs": [epoch(1)]}
    further = record | {"epochs": [epoch(1), epoch(2) | {"arrays": {"step": "1" * 16}}]}
    other = longer | {"run": record["run"] | {"seed": 1}}
    ended = longer | {"diverged": "d_loss is not finite"}
    assert len({run_digest(each) for each in (record, longer, further, other, ended)}) == 5
    assert run_digest(longer | {"run": record["run"] | {"epochs": 7}, "versions": {}}) == run_digest(longer)
