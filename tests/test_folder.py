import subprocess
import sys

import pytest

from gan_jax import InputError
from gan_jax.storage.run_folder import claim


@pytest.fixture
def folder(tmp_path):
    """A folder with a finished run in it."""
    claim(tmp_path / "run").release()
    (tmp_path / "run" / "run.json").write_text("{}")
    (tmp_path / "run" / "grids" / "kept.png").touch()
    return tmp_path / "run"


def test_a_folder_in_use_is_refused_replaced_or_gone_on_with(folder):
    with pytest.raises(InputError, match=r"not empty.*--resume.*--overwrite"):
        claim(folder)
    claim(folder, resume=True).release()
    assert (folder / "grids" / "kept.png").exists()
    claim(folder, overwrite=True).release()
    assert not (folder / "grids" / "kept.png").exists()
    assert not (folder / "run.json").exists()


@pytest.mark.parametrize("flag", ["overwrite", "resume"])
def test_what_is_no_run_is_spared(flag, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds files but no run"):
        claim(tmp_path, **{flag: True})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        claim(tmp_path / "file")


def test_two_processes_cannot_hold_one_folder_and_a_dead_one_holds_none(folder):
    program = (
        "import pathlib, time; from gan_jax.storage.run_folder import claim; "
        f"lock = claim(pathlib.Path({str(folder)!r}), resume=True); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(InputError, match="another process is at work"):
            claim(folder, overwrite=True)
        assert (folder / "grids" / "kept.png").exists()
        process.kill()
    claim(folder, resume=True).release()
