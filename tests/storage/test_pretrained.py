"""The run that ships with the package."""

import numpy as np
import pytest

from gan_jax import InputError, load_pretrained, load_run, recipe, sample_images
from gan_jax.evaluation import read_evaluator
from gan_jax.evaluation.features import extract
from gan_jax.evaluation.store import shipped_path
from gan_jax.storage import load
from gan_jax.storage.run_json import matches_digests
from gan_jax.storage.weights import weights_of


@pytest.fixture(scope="module")
def run():
    return load_pretrained("fashion_mnist")


def test_it_is_the_best_recipes_with_the_recorded_weights(run):
    assert run.config == recipe("best")
    assert run.state.ema is not None
    assert matches_digests(run.record, int(run.state.step), weights_of(run.state))


def test_it_makes_every_class(run):
    """As the shipped classifier sees it; of weights that make no clothes it finds one or two."""
    images = sample_images(run.config, run.generator, 500)
    logits = extract(read_evaluator(shipped_path("fashion_mnist")), images)[1]
    counts = np.bincount(np.argmax(logits, axis=1), minlength=10)
    assert counts.min() > 20
    assert counts.max() < 90


def test_it_is_small_and_names_no_folder_of_the_machine_that_made_it(run):
    folder = load.Path(load.__file__).parent / "pretrained" / "fashion_mnist"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3 * 2**20
    assert run.record["run"]["data_dir"] is None
    assert run.record["run"]["output_dir"] == "runs/fashion_mnist"


def test_load_run_takes_the_one_that_ships_unless_a_folder_of_that_name_holds_runs(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "fashion_mnist"
    (folder / "shirts").mkdir(parents=True)
    assert int(load_run("fashion_mnist").state.step) == int(run.state.step)
    assert "fashion_mnist is taken as the run that ships with the package" in capsys.readouterr().err
    (folder / "seed_1").mkdir()
    (folder / "seed_1" / "run.json").write_text("{}")
    with pytest.raises(InputError, match="holds many runs"):
        load_run("fashion_mnist")
    (folder / "run.json").write_text("{}")
    with pytest.raises(InputError, match="is not the record of a run"):
        load_run("fashion_mnist")
