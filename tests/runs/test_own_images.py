"""Runs on image files: what is refused, what resuming notices, and a whole run at 64×64 in colour."""

import dataclasses
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from small_runs import GAN

from gan_jax import GanConfig, InputError, RunConfig, load_run, run_experiment
from gan_jax.cli.evaluate import evaluate
from gan_jax.cli.export import export
from gan_jax.cli.sample import sample
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.setup import load_images
from gan_jax.runs.verify import FinishedRun, verify
from gan_jax.runs.watchers.watcher import Watcher
from gan_jax.storage.run_json import read_run_json

pytestmark = pytest.mark.usefixtures("preview_keys_are_used_again")
SMALL = {"gan": dataclasses.replace(GAN, batch_size=6), "image_size": 28, "log_every": 2, "steps": 4}


def write_images(folder, count, size=28, classes=("dark", "light")):
    """Noise about two levels of grey, so that a small classifier learns the classes."""
    generator = np.random.default_rng(0)
    for index in range(count):
        kind = index % len(classes)
        pixels = generator.integers(100 * kind, 100 * kind + 120, (size, size + 2, 3), np.uint8)
        path = folder / classes[kind] / f"{index:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture
def photos(tmp_path):
    return write_images(tmp_path / "photos", 40)


def settings(photos, folder, **options):
    return RunConfig(dataset=str(photos), output_dir=folder, **SMALL | options)


@pytest.mark.soak
def test_a_run_from_files_is_the_run_from_memory_bit_for_bit(photos, tmp_path):
    run_experiment(settings(photos, tmp_path / "memory", game="drift"))
    run_experiment(settings(photos, tmp_path / "stream", stream=True, game="drift"))
    records = [read_run_json(tmp_path / name) for name in ("memory", "stream")]
    assert records[0]["dataset"] == records[1]["dataset"]
    assert (tmp_path / "memory/history.npz").read_bytes() == (tmp_path / "stream/history.npz").read_bytes()
    states = [load_run(tmp_path / name).state for name in ("memory", "stream")]
    assert jax.tree.all(jax.tree.map(np.array_equal, *states))


def zipped(photos):
    return Path(shutil.make_archive(str(photos), "zip", photos))


@pytest.mark.parametrize("packed", [lambda photos: photos, pytest.param(zipped, marks=pytest.mark.soak)])
def test_images_that_change_while_they_are_streamed_end_the_run(packed, photos, tmp_path):
    class Change(Watcher):
        """Changes every image after the first epoch."""

        def __init__(self, context):
            self.context = context

        def checkpoint(self, progress):
            if progress.step == self.context.steps_per_epoch:
                for path in photos.rglob("*.png"):
                    Image.fromarray(np.asarray(Image.open(path)) ^ 1).save(path)
                packed(photos)

    experiment = Experiment(watchers=(Change,))
    source = packed(photos)
    options = {"steps": None, "epochs": 100, "stream": True}
    before = load_images(settings(source, tmp_path / "run", **options)).content_hash
    with pytest.raises(InputError, match=r"\.png (is another image than at the start|cannot be read)") as error:
        run_experiment(settings(source, tmp_path / "run", **options, game="drift"), experiment)
    assert "\n" not in str(error.value)
    assert read_run_json(tmp_path / "run")["dataset"]["sha256"] == before


@pytest.mark.soak
def test_resuming_notices_other_pixels_and_not_another_place(photos, tmp_path):
    folder = tmp_path / "run"
    run_experiment(settings(photos, folder, game="drift"))
    longer = settings(photos, folder, steps=6, resume=True)
    moved = photos.rename(tmp_path / "moved")
    run_experiment(dataclasses.replace(longer, dataset=str(moved), game="drift"))
    assert int(load_run(folder).state.step) == 6
    path = next(moved.rglob("*.png"))
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    with pytest.raises(InputError, match="the run in the folder has images"):
        run_experiment(dataclasses.replace(longer, dataset=str(moved), steps=8, game="drift"))


@pytest.mark.parametrize("changes", [{"seeds": "0:2"}, {"evaluate_every": 1}])
def test_too_few_images_to_score_are_refused_before_training(changes, tmp_path):
    few = write_images(tmp_path / "few", 30)
    with pytest.raises(InputError, match="scores need 8 test images, but few has"):
        run_experiment(settings(few, tmp_path / "run", **changes, game="drift"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"devices": 1}, "--stream feeds one device"),
        ({"seeds": "0:2", "parallel": "side_by_side"}, "side_by_side keeps the images on the device"),
    ],
)
def test_a_stream_feeds_one_run_on_one_device(changes, message, photos, tmp_path):
    with pytest.raises(InputError, match=message):
        run_experiment(settings(photos, tmp_path / "run", stream=True, **changes, game="drift"))


def test_networks_are_conditional_on_classes_alone(tmp_path):
    photos = write_images(tmp_path / "photos", 40, classes=("one",))
    conditional = dataclasses.replace(SMALL["gan"], conditional=True)
    with pytest.raises(InputError, match="photos has no classes"):
        run_experiment(settings(photos, tmp_path / "run", gan=conditional))


@pytest.mark.soak
def test_colour_images_of_64_pixels_go_all_the_way(tmp_path, monkeypatch, scores_cost_little):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gan_jax.evaluation.features._LEAST_STEPS", 60)
    monkeypatch.setattr("gan_jax.evaluation.features._BATCH", 16)
    photos = write_images(tmp_path / "photos", 240, size=70)
    gan = GanConfig(latent_dim=4, width=2, batch_size=16)
    options = settings(photos, tmp_path / "run", gan=gan, image_size=64, epochs=1, steps=None, stream=True)
    run_experiment(options)
    folder = tmp_path / "run"
    assert load_run(folder).config.image_shape == (64, 64, 3)
    moved = photos.rename(tmp_path / "moved")
    with pytest.raises(InputError, match="photos"):
        FinishedRun(folder)
    assert verify(FinishedRun(folder, str(moved)))[1] is None
    moved.rename(photos)
    sample(folder, output=tmp_path / "grid.png")
    export(folder, output=tmp_path / "generator.jax")
    export(folder, output=tmp_path / "generator.onnx", format="onnx")
    scores = evaluate(folder, num_images=20)["run"]
    assert scores["evaluator"].startswith("fd-photos")
    assert len(scores["class_counts"]) == 2
    shutil.move(photos / "light", photos / "dark" / "deep")  # one class is none
    again = evaluate(folder, num_images=20)["run"]
    assert again["evaluator"].startswith("random-photos")
    assert "class_divergence" not in again
