"""The run that ships with the package."""

import numpy as np
import pytest
from in_process import command

from gan_jax import InputError, load_pretrained, load_run, recipe, sample_images
from gan_jax.evaluation import read_evaluator
from gan_jax.evaluation.features import extract
from gan_jax.evaluation.store import shipped_path
from gan_jax.storage import load
from gan_jax.storage.run_json import PRETRAINED, matches_digests
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


@pytest.mark.parametrize("name", PRETRAINED)
def test_it_is_small_and_names_no_folder_of_the_machine_that_made_it(name):
    folder, run = load.Path(load.__file__).parent / "pretrained" / name, load_pretrained(name)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3 * 2**20
    assert run.record["run"]["data_dir"] is None
    assert run.record["run"]["output_dir"] == f"runs/{name}"
    assert "/" not in run.record["run"]["dataset"]
    assert matches_digests(run.record, int(run.state.step), weights_of(run.state))


def test_emoji_are_colours_on_white_and_no_two_alike():
    """Of real ones 70 % of the edges are white, pixels differ by 73 (one standard deviation) and channels by 57."""
    run = load_pretrained("emoji")
    images = sample_images(run.config, run.generator, 200).astype(float)
    edge = np.concatenate([images[:, 0], images[:, -1]], axis=1)
    assert 0.5 < (edge.min(axis=2) > 230).mean() < 0.95
    assert images.std(axis=0).mean() > 50
    assert np.ptp(images, axis=3).mean() > 20
    assert "CC BY 4.0" in (load.Path(load.__file__).parent / "pretrained" / "emoji" / "NOTICE.txt").read_text()


def test_emoji_without_their_pictures_are_a_clear_mistake(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = command("evaluate", "emoji")
    assert ended.status == 2
    assert "twemoji.zip is not there" in ended.err
    assert ended.err.count("\n") == 1


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
