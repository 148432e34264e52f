"""The latent whose image is nearest to a given one."""

import jax
import numpy as np
import pytest
from PIL import Image
from small_networks import CONFIGS, trained_state

from gan_jax import GanConfig, InputError, load_weights, sample_images, save_weights
from gan_jax.cli.project import project
from gan_jax.inference.projection import project_image
from gan_jax.nn.networks import discriminator_features

CONFIG = GanConfig(latent_dim=4, width=8, initializer="he")
STATE = trained_state(CONFIG)
TARGET = sample_images(CONFIG, STATE.generator.variables, 1, seed=5)[0]


def projected(**options):
    return project_image(CONFIG, STATE.generator.variables, STATE.discriminator.variables, TARGET, **options)


@pytest.fixture(scope="module")
def found():
    return projected(restarts=6, steps=150)


def distance(first, second):
    return np.sqrt(np.mean((first.astype(float) - second) ** 2))


def test_an_image_that_the_generator_made_is_found_again(found):
    others = sample_images(CONFIG, STATE.generator.variables, 500, seed=6)
    nearest = min(distance(image, TARGET) for image in others)
    assert found.pixel_distance < nearest / 2
    assert found.pixel_distance == pytest.approx(distance(found.image, TARGET))
    assert np.linalg.norm(found.latent) == pytest.approx(2, rel=1e-5)  # the root of latent_dim
    assert found.label is None


def test_restarts_are_the_same_alone_and_the_best_one_counts(found):
    alone = projected(restarts=1, steps=150)
    np.testing.assert_allclose(alone.losses[0], found.losses[0], rtol=0.05)
    assert found.losses.shape == (6,)
    assert found.losses.min() <= alone.losses[0] * 1.05


def test_it_is_seeded_and_more_steps_come_nearer(found):
    again = projected(restarts=6, steps=150)
    np.testing.assert_array_equal(again.latent, found.latent)
    assert projected(restarts=6, steps=10).losses.min() > found.losses.min()
    assert not np.array_equal(projected(restarts=6, steps=150, seed=1).latent, found.latent)


@pytest.mark.soak
def test_a_conditional_generator_is_asked_for_its_classes_or_for_one():
    config = CONFIGS["conditional, spectral"]
    state = trained_state(config)
    target = sample_images(config, state.generator.variables, 1, labels=[2])[0]
    options = {"restarts": 6, "steps": 60}
    assert project_image(config, state.generator.variables, state.discriminator.variables, target, **options).label == 2
    assert (
        project_image(
            config, state.generator.variables, state.discriminator.variables, target, label=1, **options
        ).label
        == 1
    )
    with pytest.raises(InputError, match="restarts is 2; it must be at least 3, one for each class"):
        project_image(config, state.generator.variables, state.discriminator.variables, target, restarts=2)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["infogan", "packs of dense"])
def test_every_discriminator_has_features_of_each_image(name):
    config = CONFIGS[name]
    network = trained_state(config).discriminator.variables
    labels = np.arange(3) % config.num_classes if config.conditional else None
    images = jax.random.uniform(jax.random.key(0), (3, *config.image_shape), minval=-1)
    features = discriminator_features(config, network, images, labels)
    assert len(features) > 1
    for layer in features:
        assert len(layer) == 3
        assert float(np.abs(layer[0] - layer[1]).max()) > 0


def test_points_have_no_projection(tmp_path):
    config = CONFIGS["points"]
    state = trained_state(config)
    with pytest.raises(InputError, match="make points"):
        project_image(config, state.generator.variables, state.discriminator.variables, np.zeros(2, np.uint8))
    save_weights(tmp_path / "weights.npz", state, config)
    with pytest.raises(InputError, match="makes points"):
        project(tmp_path / "weights.npz", tmp_path / "x.png", output=tmp_path / "y.png")


@pytest.mark.soak
def test_the_command_writes_a_picture_and_the_latent(tmp_path, capsys):
    save_weights(tmp_path / "weights.npz", STATE, CONFIG)
    Image.fromarray(np.repeat(TARGET.repeat(2, 0).repeat(2, 1), 3, axis=2)).save(tmp_path / "image.jpg")
    weights, image, output = tmp_path / "weights.npz", tmp_path / "image.jpg", tmp_path / "out.png"
    project(weights, image, output=output, restarts=3, steps=20)
    assert "root mean square" in capsys.readouterr().out
    found = np.load(tmp_path / "out.latent.npz")
    assert found["latent"].shape == (4,)
    assert found["losses"].shape == (3,)
    assert np.asarray(Image.open(output)).shape[1] > 3 * 84
    for path, message in ((tmp_path / "none.png", "none.png cannot be read"), (weights, "cannot be read as an image")):
        with pytest.raises(InputError, match=message):
            project(weights, path, output=output)
    with pytest.raises(InputError, match=r"must end in \.png"):
        project(weights, image, output=tmp_path / "out.jpg")
    copy = tmp_path / "image.png"
    Image.open(image).save(copy)
    with pytest.raises(InputError, match="is the image itself"):
        project(weights, copy, output=copy)
    project(weights, image, output=tmp_path / "weights.png", restarts=1, steps=1)
    np.testing.assert_array_equal(load_weights(weights)[1].step, STATE.step)
    with pytest.raises(InputError, match="label"):
        project(weights, image, output=output, label="1")
