"""Records and checkpoints that say what they should not: settings of the right types, or one line."""

import copy
import functools
import json
import shutil

import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, RunConfig, init_state, load_dataset, load_run
from gan_jax.storage import run_json as record_module
from gan_jax.storage.checkpoints import Checkpoint, Checkpoints
from gan_jax.storage.run_folder import RunFolder, claim
from gan_jax.storage.run_json import (
    ENVIRONMENT,
    earlier_differences,
    environment_differences,
    identity,
    make_run_json,
    read_run_json,
    read_settings,
)

CONFIG = GanConfig(latent_dim=4, width=2, batch_size=120)


@pytest.fixture(scope="module", autouse=True)
def versions_are_asked_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_module, "environment", functools.cache(record_module.environment))
        yield


@pytest.fixture(scope="module")
def record(versions_are_asked_once):
    made = make_run_json(RunConfig(CONFIG, dataset="digits"), CONFIG, load_dataset("digits"), None)
    del made["epochs"]  # they are in a file of their own
    earlier = {name: made[name] for name in ENVIRONMENT} | {"until": 4}
    return json.loads(json.dumps(made | {"earlier_environments": [earlier]}))


def read(folder, content):
    """What a command reads of a record before it works with it."""
    (folder / "run.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    record = read_run_json(folder)
    found = read_settings(record)
    json.dumps(identity(record))
    for differences in (environment_differences, earlier_differences):
        differences(record, record_module.environment())
    return found


def places(tree, path=()):
    """Every place in a record."""
    for name in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield (*path, name)
        yield from places(tree[name], (*path, name))


MISSING = object()


def replaced(record, place, value):
    changed = copy.deepcopy(record)
    part = changed
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    if value is MISSING:
        del part[place[-1]]
    return changed


VALUES = (None, 10**400, {"a": {"b": []}}, True, np.nan, "x", MISSING)


@pytest.mark.parametrize("value", VALUES)
def test_a_record_with_one_other_value_is_read_or_refused_in_a_line(value, record, tmp_path):
    for place in places(record):
        try:
            found, config = read(tmp_path, replaced(record, place, value))
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert len(str(error)) < 600  # noqa: PT017
        else:
            assert type(found.seed) is int
            assert type(config.width) is int
            assert isinstance(config.learning_rate, float | int)
            assert config.learning_rate < 1e38


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe{}", "can't decode"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"run": ' * 100_000, "nested too deeply"),
        (b'{"format": NaN, "run": {}}', "format is nan; it must be a whole number"),
        (b'{"format": true, "run": {}}', "format is True; it must be a whole number"),
        (b'{"format": 1' + b"0" * 5000 + b"}", "Exceeds the limit"),
        (b'{"format": 100000, "run": {}}', "format 100000; this gan_jax reads"),
        (b"{} {}", "Extra data"),
        (b"\0" * 100, "is not the record of a run"),
    ],
)
def test_texts_that_are_no_record_are_refused_in_a_line(content, complaint, tmp_path):
    with pytest.raises(InputError, match=complaint) as error:
        read(tmp_path, content)
    assert "\n" not in str(error.value)


def test_a_record_that_is_no_file_is_refused_and_not_waited_for(tmp_path):
    (tmp_path / "run.json").mkdir()
    with pytest.raises(InputError, match="it is no regular file"):
        read_run_json(tmp_path)
    with pytest.raises(InputError, match=r"run\.json"):
        claim(RunFolder(tmp_path), overwrite=True)


@pytest.fixture(scope="module")
def saved(record, tmp_path_factory):
    """A run that was killed after a checkpoint."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "run.json").write_text(json.dumps(record))
    checkpoints = Checkpoints(folder / "checkpoints", run=identity(record))
    state = init_state(CONFIG, jax.random.key(0))
    checkpoints.save(Checkpoint(state.replace(step=state.step + 12), {"d_loss": np.ones(12, np.float32)}))
    checkpoints.close()
    return folder


@pytest.mark.parametrize("content", [b"[" * 100_000, None, b'{"sha256": "x", "metrics": ["../../x"], "run": {}}'])
def test_a_checkpoint_whose_record_was_replaced_is_passed_over(content, saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "run")
    (told,) = folder.glob("checkpoints/12/record/*metadata*")
    kept = json.loads(told.read_text())
    told.write_bytes(json.dumps(kept | {"run": 5}).encode() if content is None else content)
    with pytest.raises(InputError, match="has neither weights nor a checkpoint that can be read") as error:
        load_run(folder)
    assert "\n" not in str(error.value)


def test_what_lies_among_checkpoints_and_is_none_is_passed_over(saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "run")
    (folder / "checkpoints" / "notes.txt").write_text("x")
    (folder / "checkpoints" / "99").mkdir()
    (folder / "checkpoints" / "98").symlink_to(tmp_path)
    assert int(load_run(folder).state.step) == 12
    shutil.rmtree(folder / "checkpoints")
    with pytest.raises(InputError, match=r"has no weights\.npz and no checkpoint yet; wait for one"):
        load_run(folder)


def test_a_record_that_asks_for_more_memory_than_there_is_gets_a_line(record, saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "run")
    changed = replaced(replaced(record, ("run", "gan", "width"), 4096), ("run", "gan", "latent_dim"), 65536)
    (folder / "run.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match=r"checkpoints/12 is of another run: its gan\.latent_dim is 4"):
        load_run(folder)
