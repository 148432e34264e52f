"""Weights in the layouts of other programs, against what those programs made of them.

``GAN_JAX_R3GAN_GOLDENS`` may name another folder of R3GAN's; what its files hold is told by their keys.
"""

import dataclasses
import os
from pathlib import Path

import jax
import numpy as np
import pytest
from closeness import assert_close
from in_process import assert_fine, assert_mistake, command
from small_networks import CONFIGS, trained_state

from gan_jax import (
    Batch,
    GanConfig,
    InputError,
    RunConfig,
    discriminate,
    generate,
    load_run,
    normalize_images,
    save_weights,
)
from gan_jax.inference.layouts import require_layout
from gan_jax.inference.weight_files import read_weights
from gan_jax.nn.networks import apply_discriminator, apply_generator
from gan_jax.runs.setup import prepare_start

TRAINING = Path(__file__).parents[1] / "training" / "goldens"
R3GAN = Path(os.environ.get("GAN_JAX_R3GAN_GOLDENS", TRAINING / "r3gan"))


def arrays_of(path):
    with np.load(path) as archive:
        return dict(archive)


def both(path):
    """What of a file is of one of the two networks."""
    return {name: array for name, array in arrays_of(path).items() if name.startswith(("G.", "D."))}


OFFICIAL = [path for path in sorted(R3GAN.glob("*.npz")) if both(path)]


def import_(file, folder, *flags):
    assert_fine(command("import", file, "--output-dir", folder, *flags))
    return load_run(folder)


def export(run, output, *flags):
    assert_fine(command("export", run, "--format", "safetensors", "--output", output, *flags))
    return read_weights(output)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def course_weights(prefix="", name="joint"):
    """A golden's initial weights under the names that a user's file has."""
    found = arrays_of(TRAINING / f"{name}.npz")
    named = {key.removeprefix("init/"): array for key, array in found.items() if key.startswith("init/")}
    short = {"generator": "G", "discriminator": "D"}
    return {f"{short[key.split('/')[0]]}.{prefix}{key.split('/')[1]}": array for key, array in named.items()}


def test_there_is_something_to_compare_with():
    assert OFFICIAL


SIMPLE = TRAINING / "r3gan" / "official_weights.npz"  # before every commit, the conditional one covers its parts
CASES = [pytest.param(path, id=path.stem, marks=pytest.mark.soak if path == SIMPLE else ()) for path in OFFICIAL]


@pytest.mark.parametrize("path", CASES)
def test_weights_of_r3gans_authors_give_their_images_and_logits_and_come_back_unchanged(path, tmp_path):
    run, golden = import_(path, tmp_path / "run"), arrays_of(path)
    labels = golden.get("labels")
    images = generate(run.config, run.generator, golden["latents"], labels)
    logits = discriminate(run.config, run.state.discriminator.variables, golden["images"], labels)
    np.testing.assert_allclose(images, golden["images"], atol=1e-5)
    np.testing.assert_allclose(logits, golden["logits"], atol=1e-5)
    assert_same(export(tmp_path / "run", tmp_path / "out.safetensors"), both(path))


@pytest.mark.parametrize("prefix", ["", pytest.param("main.", marks=pytest.mark.soak), "module.main."])
def test_the_courses_weights_score_as_in_its_program_and_come_back_unchanged(prefix, tmp_path):
    golden, weights = arrays_of(TRAINING / "joint.npz"), course_weights(prefix)
    counts = {
        f"{name.removesuffix('running_var')}num_batches_tracked": np.asarray(7) for name in weights if "_var" in name
    }
    np.savez(tmp_path / "both.npz", **weights, **counts)
    run = import_(tmp_path / "both.npz", tmp_path / "run")
    critic = run.state.discriminator.variables
    reals = normalize_images(golden["images"][0][..., None])
    judge, make = (jax.jit(apply, static_argnames="train") for apply in (apply_discriminator, apply_generator))
    logits, critic = judge(run.config, critic, reals, train=True)
    assert_close(jax.nn.sigmoid(logits).mean(), golden["metrics/d_x"][0])
    fakes, _ = make(run.config, run.generator, golden["latents"][0], train=True)
    logits, _ = judge(run.config, critic, fakes, train=True)
    assert_close(jax.nn.sigmoid(logits).mean(), golden["metrics/d_g_z1"][0])
    assert_same(export(tmp_path / "run", tmp_path / "out.safetensors"), weights | counts)


LARGE = {"image_shape": (64, 64, 3), "latent_dim": 5, "width": 2, "initializer": "he"}
ROUND = {
    "dcgan, D wider": GanConfig(latent_dim=5, width=2, discriminator_width=3, initializer="he"),
    "dcgan 64, none": GanConfig(normalization="none", max_channels=4, **LARGE),
    "r3gan, conditional": CONFIGS["r3gan, conditional"],
}
LAYERS = ("image_shape", "latent_dim", "normalization", "conditional", "num_classes", "discriminator_width")
LAYERS += ("stage_widths", "stage_cardinalities", "stage_blocks", "expansion")


@pytest.mark.soak
@pytest.mark.parametrize("name", ROUND)
def test_weights_trained_here_come_back_as_they_were(name, tmp_path):
    config = ROUND[name]
    state = trained_state(config)
    save_weights(tmp_path / "weights.npz", state, config)
    export(tmp_path / "weights.npz", tmp_path / "both.safetensors")
    run = import_(tmp_path / "both.safetensors", tmp_path / "run")
    of_layers = [setting for setting in LAYERS if config.network == "r3gan" or not setting.startswith("stage")]
    assert {setting: getattr(run.config, setting) for setting in of_layers} == {
        setting: getattr(config, setting) for setting in of_layers
    }
    for which in ("generator", "discriminator"):
        ours, theirs = (getattr(found, which).variables for found in (state, run.state))
        jax.tree.map(np.testing.assert_array_equal, dict(ours), dict(theirs))


def test_networks_in_a_file_each_are_one_run_and_are_written_one_by_one(tmp_path):
    weights = course_weights("main.")
    files = {"G": tmp_path / "netG.npz", "D": tmp_path / "netD.npz"}
    for which, file in files.items():
        own = {name[2:]: array for name, array in weights.items() if name.startswith(which)}
        np.savez(file, **own)
    run = tmp_path / "run"
    import_(files["G"], run, "--discriminator", files["D"])
    for which, model in (("G", "generator"), ("D", "discriminator")):
        assert_same(export(run, tmp_path / "one.safetensors", "--model", model), arrays_of(files[which]))
    told = command("report", run, "--no-scores")
    assert_fine(told)
    assert f"gan-jax import {files['G']} --discriminator {files['D']} --output-dir" in (run / "report.html").read_text()


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    np.savez(folder / "both.npz", **course_weights())
    import_(folder / "both.npz", folder / "run")
    return folder


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["verify", "{run}"], "was imported from"),
        (["replay", "{run}", "--step", "1", "--output", "{tmp}/x.npz"], "and not trained here"),
        (["train", "--resume", "--output-dir", "{run}"], "--start-from"),
        (["evaluate", "{run}"], "give --dataset"),
        (["import", "{in}/both.npz", "--output-dir", "{run}"], "or --overwrite to replace that run"),
        (["import", "{in}/none.npz", "--output-dir", "{tmp}/new"], "none.npz cannot be read as weights"),
        (["import", "{run}/run.json", "--output-dir", "{tmp}/new"], "run.json has another ending"),
        (["import", "{run}/weights.npz", "--output-dir", "{tmp}/new"], "has no generator"),
    ],
)
def test_what_an_imported_run_cannot_do_is_one_line(words, complaint, imported, tmp_path):
    places = {"run": imported / "run", "in": imported, "tmp": tmp_path}
    before = (imported / "run" / "run.json").read_bytes()
    filled = [word.format_map(places) for word in words]
    assert_mistake(command(*filled), complaint)
    assert (imported / "run" / "run.json").read_bytes() == before
    assert not (tmp_path / "new").exists()


R3GAN_KERNEL = "G.MainLayers.1.Layers.1.LinearLayer2.Layer.weight"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({R3GAN_KERNEL: None}, "LinearLayer2.Layer.weight is missing"),
        ({R3GAN_KERNEL: lambda array: array[:, :5]}, "stage_cardinalities has 6"),
        ({R3GAN_KERNEL: lambda array: array[..., :2]}, "which is (32, 8, 3, 2), must be (32, 8, 3, 3)"),
        ({R3GAN_KERNEL: lambda array: array * np.nan}, "has numbers that are not finite"),
        ({R3GAN_KERNEL: lambda array: array.astype(int)}, "is of type int64"),
        ({"G.MainLayers.1.Layers.0.Resampler.Kernel": lambda array: array + 1}, "is another filter"),
        ({"D.ExtractionLayer.Layer.weight": lambda array: array[:, :2]}, "the discriminator's ExtractionLayer"),
        (
            {"G.More.weight": lambda array: np.ones(3)},
            "does not fit network r3gan: the generator's More.weight",
        ),
        ({name: None for name in both(SIMPLE) if name[0] == "D"}, "begin with D."),
    ],
)
def test_weights_that_do_not_fit_are_one_line(changes, complaint, tmp_path):
    arrays = both(SIMPLE)
    for name, change in changes.items():
        changed = change and change(arrays.get(name))
        arrays = {key: array for key, array in arrays.items() if key != name} | (
            {} if change is None else {name: changed}
        )
    np.savez(tmp_path / "G.npz", **arrays)
    assert_mistake(command("import", tmp_path / "G.npz", "--output-dir", tmp_path / "run"), complaint)
    assert not (tmp_path / "run").exists()


def test_networks_of_two_programs_are_one_line(tmp_path):
    mixed = both(SIMPLE)
    mixed = {name: array for name, array in mixed.items() if name[0] == "G"}
    mixed |= {name: array for name, array in course_weights().items() if name[0] == "D"}
    np.savez(tmp_path / "both.npz", **mixed)
    assert_mistake(
        command("import", tmp_path / "both.npz", "--output-dir", tmp_path / "run"), "give both of one program"
    )


@pytest.mark.parametrize("name", ["dcgan 32 in colour, spectral", "points", "infogan"])
def test_require_layout_of_networks_that_no_other_program_has(name):
    with pytest.raises(InputError, match="no other program's layout is known for"):
        require_layout(CONFIGS[name])


def test_prepare_start_from_an_imported_run(imported):
    run = load_run(imported / "run")
    config = dataclasses.replace(run.config, batch_size=2)
    settings = RunConfig(config, steps=1, start_from=imported / "run")
    start = prepare_start(settings, config, Batch(np.zeros((4, *config.image_shape), np.uint8)))
    for which in ("generator", "discriminator"):
        jax.tree.map(np.testing.assert_array_equal, *(getattr(each, which).params for each in (start.state, run.state)))
