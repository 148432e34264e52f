"""Networks as ONNX files, run by onnxruntime, against JAX."""

import json
import sys

import jax
import numpy as np
import onnx
import onnxruntime
import pytest
from closeness import assert_close
from small_networks import CONFIGS, EVERY_KIND, jax_answers, trained_state

from gan_jax import InputError, sample_latents, save_weights
from gan_jax.cli.commands import run_command
from gan_jax.cli.export import export
from gan_jax.data.pixels import quantize_images
from gan_jax.inference.onnx_export import onnx_discriminator, onnx_generator


def run(content, inputs):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {name: np.asarray(array) for name, array in inputs.items()})
    return output


def metadata(content):
    return {prop.key: json.loads(prop.value) for prop in onnx.load_from_string(content).metadata_props}


@pytest.mark.parametrize("name", EVERY_KIND)
def test_images_and_logits_are_jaxs_for_any_batch(name):
    config = CONFIGS[name]
    state, latents = trained_state(config), sample_latents(config, jax.random.key(2), 5)
    kinds = np.arange(5) % config.num_classes if config.conditional else None
    images, logits, _ = jax_answers(config, state, latents, kinds)
    labels = {} if kinds is None else {"labels": kinds.astype(np.int64)}
    generator = onnx_generator(config, state.generator.variables)
    discriminator = onnx_discriminator(config, state.discriminator.variables)
    for rows in (slice(0, 5), slice(2, 3)):
        chosen = {key: value[rows] for key, value in labels.items()}
        made = run(generator, {"latents": latents[rows], **chosen})
        assert made.shape == images[rows].shape
        assert_close(made, images[rows])
        judged = run(discriminator, {"points" if config.makes_points else "images": images[rows], **chosen})
        assert_close(judged, logits[rows], terms=np.abs(logits).max())


def test_the_file_says_what_it_is_and_is_the_same_for_the_same_weights():
    config = CONFIGS["conditional, spectral"]
    content = onnx_generator(config, trained_state(config).generator.variables)
    assert content == onnx_generator(config, trained_state(config).generator.variables)
    model = onnx.load_from_string(content)
    assert model.producer_name == "gan_jax"
    assert metadata(content) == {
        "network": "dcgan",
        "width": 4,
        "latent_dim": 5,
        "image_shape": [28, 28, 1],
        "conditional": True,
        "num_classes": 3,
    }
    assert [(one.name, one.type.tensor_type.shape.dim[0].dim_param) for one in model.graph.input] == [
        ("latents", "batch"),
        ("labels", "batch"),
    ]


def test_the_command_writes_either_network(tmp_path, capsys):
    config = CONFIGS["dcgan"]
    state = trained_state(config)
    save_weights(tmp_path / "weights.npz", state, config)
    export(tmp_path / "weights.npz", output=tmp_path / "g.onnx", format="onnx")
    assert "generator is in" in capsys.readouterr().out
    assert (tmp_path / "g.onnx").read_bytes() == onnx_generator(config, state.generator.variables)
    export(tmp_path / "weights.npz", output=tmp_path / "d.onnx", format="onnx", model="discriminator")
    assert "images [b, 28, 28, 1] to logits [b]" in capsys.readouterr().out
    assert (tmp_path / "d.onnx").read_bytes() == onnx_discriminator(config, state.discriminator.variables)
    with pytest.raises(InputError, match="the discriminator is not written as StableHLO"):
        export(tmp_path / "weights.npz", output=tmp_path / "d.jax", model="discriminator")


def test_without_onnx_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    config = CONFIGS["dcgan"]
    save_weights(tmp_path / "weights.npz", trained_state(config), config)
    output = tmp_path / "g.onnx"
    command = ["gan-jax", "export", str(tmp_path / "weights.npz"), "--format", "onnx", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SystemExit) as exit_:
        run_command()
    line = capsys.readouterr().err
    assert (exit_.value.code, line.count("\n"), output.exists()) == (2, 1, False)
    assert "install gan_jax[onnx]" in line


@pytest.mark.soak
def test_a_discriminator_of_its_own_width_says_so():
    config = CONFIGS["dcgan 32 in colour, spectral"]
    assert metadata(onnx_discriminator(config, trained_state(config).discriminator.variables))["width"] == 6


@pytest.mark.parametrize("name", ["dcgan", "conditional, spectral"])
def test_export_for_torch_fidelity_writes_the_samples_bytes_in_colour(name, tmp_path):
    config = CONFIGS[name]
    state, latents = trained_state(config), 3 * sample_latents(config, jax.random.key(2), 4)
    save_weights(tmp_path / "weights.npz", state, config)
    export(tmp_path / "weights.npz", output=tmp_path / "g.onnx", format="onnx", layout="torch-fidelity")
    kinds = np.arange(4) % 3 if config.conditional else None
    images, _, _ = jax_answers(config, state, latents, kinds)
    made = run((tmp_path / "g.onnx").read_bytes(), {"latents": latents} | ({} if kinds is None else {"labels": kinds}))
    assert (made.shape, made.dtype) == ((4, 3, 28, 28), np.uint8)
    expected = np.asarray(quantize_images(images))
    for channel in np.moveaxis(made, 1, 0):
        assert np.abs(channel[..., None].astype(int) - expected).max() <= 1
        assert np.mean(channel[..., None] == expected) > 0.99
    with pytest.raises(InputError, match="give --format onnx"):
        export(tmp_path / "weights.npz", output=tmp_path / "g.jax", layout="torch-fidelity")


def test_bytes_of_a_saturated_image_do_not_wrap(tmp_path):
    """onnxruntime 1.32's tanh returns up to 1.0000002, of which a plain cast would make 0."""
    config = CONFIGS["dcgan"]
    latents = 1e4 * sample_latents(config, jax.random.key(2), 8)
    state = trained_state(config)
    floats = run(onnx_generator(config, state.generator.variables), {"latents": latents})
    made = run(onnx_generator(config, state.generator.variables, as_bytes=True), {"latents": latents})
    assert np.mean(np.abs(floats) > 0.99) > 0.1
    assert made[:, 0][floats[..., 0] > 0.999].min() >= 254
    assert made[:, 0][floats[..., 0] < -0.999].max() <= 1


def test_torch_fidelity_scores_the_file(tmp_path):
    """With classes its 0.4.0 fails under NumPy 2, which has no ``np.int``."""
    torch = pytest.importorskip("torch")
    fidelity = pytest.importorskip("torch_fidelity")
    registry = pytest.importorskip("torch_fidelity.registry")
    base = pytest.importorskip("torch_fidelity.feature_extractor_base").FeatureExtractorBase

    class Means(base):
        """The means of an image's rows, of images as torch-fidelity's own extractors require them."""

        get_provided_features_list = staticmethod(lambda: ("rows",))
        get_default_feature_layer_for_metric = staticmethod(lambda metric: "rows")
        can_be_compiled = staticmethod(lambda: False)

        def __init__(self, name, features_list, **options):
            super().__init__(name, features_list)

        def forward(self, images):
            assert images.dtype == torch.uint8
            assert images.shape[1:] == (3, 28, 28)
            return (images.float().mean(dim=(1, 3)),)

    if "row-means" not in registry.FEATURE_EXTRACTORS_REGISTRY:
        registry.register_feature_extractor("row-means", Means)
    scores = {}
    for name in ("dcgan", "conditional, spectral"):
        config, path = CONFIGS[name], tmp_path / f"{name}.onnx"
        path.write_bytes(onnx_generator(config, trained_state(config).generator.variables, as_bytes=True))
        options = {
            **{"input1": str(path), "input1_model_z_type": "normal", "input1_model_z_size": config.latent_dim},
            **{"input1_model_num_samples": 70, "input1_model_num_classes": config.num_classes * config.conditional},
            **{"input2": str(path), "input2_model_z_type": "normal", "input2_model_z_size": config.latent_dim},
            **{"input2_model_num_samples": 70, "input2_model_num_classes": config.num_classes * config.conditional},
            **{"feature_extractor": "row-means", "fid": True, "cuda": False, "verbose": False, "cache": False},
        }
        if config.conditional:
            with pytest.raises(AttributeError, match="int"):
                fidelity.calculate_metrics(**options)
        else:
            scores = fidelity.calculate_metrics(**options)
    assert scores["frechet_inception_distance"] == pytest.approx(0, abs=1)
