"""A file is written completely or not at all, under the user's own permissions."""

import os

import numpy as np
import pytest

from gan_jax import InputError
from gan_jax.array_files import save_arrays
from gan_jax.files import RUN_DATA, atomic_write, is_partial, prepare_output, write_json


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "record.txt"
    path.write_text("old")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "record.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["weights.npz", "metrics.jsonl", "generator", "archive.tar.gz"])
def test_what_a_killed_write_leaves_is_known_as_such(name, tmp_path):
    with atomic_write(tmp_path / name) as temporary:
        temporary.touch()
        assert is_partial(temporary)
        assert not is_partial(tmp_path / name)
    (tmp_path / temporary.name).mkdir()
    assert not is_partial(temporary)


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path):
    prepare_output(tmp_path / "new" / "folder" / "scores.json")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    for place, reason in (("new", "Is a directory"), ("file/scores.json", "File exists|Not a directory")):
        with pytest.raises(InputError, match=f"{place} cannot be written .({reason}).; give another place"):
            prepare_output(tmp_path / place)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_what_the_umask_says(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        write_json(tmp_path / "record.json", {})
        save_arrays(tmp_path / "arrays.npz", {"a": np.zeros(2)})
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [mode, mode]


@pytest.mark.parametrize("name", RUN_DATA)
def test_no_output_takes_the_place_of_a_runs_data(name, tmp_path):
    for file in RUN_DATA:
        (tmp_path / file).write_text("data")
    with pytest.raises(InputError, match="a run's own file, which would be lost"):
        prepare_output(tmp_path / name)
    assert (tmp_path / name).read_text() == "data"
    (tmp_path / "run.json").unlink()
    prepare_output(tmp_path / "weights.npz")
