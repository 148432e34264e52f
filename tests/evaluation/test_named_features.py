"""Features by name: ONNX files, functions, and what is neither."""

import dataclasses

import numpy as np
import pytest
from onnx import TensorProto, helper

from gan_jax import load_dataset
from gan_jax.errors import InputError
from gan_jax.evaluation import FEATURES, FeatureNetwork, Outputs, feature_network, image_features, load_features

FUNCTION = "import numpy as np\n\ndef rows(images):\n    return images.mean(axis=(2, 3))\n\nconstant = 3\n"


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def images(count=7, size=8, channels=1):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, channels), np.uint8)


def write_graph(path, shape, taken=TensorProto.FLOAT, facts=None, outputs=("flat",), extra=b""):
    """A graph whose ``flat`` output is its input, flattened; ``same`` is the input."""
    nodes = [
        helper.make_node("Cast", ["x"], ["same"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["same"], ["flat"]),
    ]
    made = {"flat": helper.make_tensor_value_info("flat", TensorProto.FLOAT, [None, None])}
    made["same"] = helper.make_tensor_value_info("same", TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", taken, shape)], [made[name] for name in outputs]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, facts or {})
    path.write_bytes(model.SerializeToString() + extra)
    return f"onnx:{path}"


def test_load_features_takes_floats_normalized_as_the_graph_says(tmp_path, digits):
    name = write_graph(tmp_path / "own.onnx", ["n", 3, 8, 8], facts={"mean": "[0.5, 0.4, 0.3]", "std": "[0.2]"})
    found = image_features(load_features(name, digits), images())
    wanted = (np.repeat(images(), 3, axis=3) / 255 - [0.5, 0.4, 0.3]) / 0.2
    np.testing.assert_allclose(found.features, wanted.transpose(0, 3, 1, 2).reshape(7, -1), rtol=1e-4, atol=1e-6)
    assert found.logits is None


def test_load_features_takes_floats_normalized_as_the_name_says(tmp_path, digits):
    name = write_graph(tmp_path / "own.onnx", ["n", 8, 8, 3], outputs=("same", "flat"))
    network = load_features(f"{name},mean=0.5,std=0.1/0.2/0.5", digits)
    found = image_features(network, images(channels=3)).features
    wanted = (images(channels=3) / 255 - 0.5) / [0.1, 0.2, 0.5]
    np.testing.assert_allclose(found, wanted.reshape(7, -1), rtol=1e-4, atol=1e-6)
    assert network.name == "onnx:own.onnx"
    assert network.sha256 != load_features(f"{name},mean=0.4,std=0.5", digits).sha256


def test_load_features_resizes_bytes_and_fills_a_fixed_batch(tmp_path, digits):
    name = write_graph(tmp_path / "own.onnx", [2, 1, 16, 16], taken=TensorProto.UINT8)
    constant = np.full((5, 8, 8, 1), 77, np.uint8)
    np.testing.assert_array_equal(
        image_features(load_features(name, digits), constant).features, np.full((5, 256), 77.0)
    )


@pytest.mark.parametrize(
    ("shape", "suffix", "outputs", "message"),
    [
        (["n", 3, 8, 8], "", ("flat",), "does not say how images are normalized; give their mean and std"),
        (["n", 3, 8, 8], ",mean=0.5,std=0", ("flat",), "std is '0'; it must be"),
        (["n", 3, 8, 8], ",mean=0.5,std=1,size=9", ("flat",), "not of size 9"),
        (["n", 3, "h", "w"], ",mean=0.5,std=1,size=big", ("flat",), "a number of pixels"),
        (["n", 3, 8, 8], ",mean=0.5,std=1,output=none", ("flat",), "has the outputs flat"),
        (["n", 3, 8, 8], ",mean=0.5,std=1", ("same",), "give ,output=NAME"),
        (["n", 3, 8], ",mean=0.5,std=1", ("flat",), "one input, of the shape"),
        (["n", 5, 8, 8], ",mean=0.5,std=1", ("flat",), "1 or 3 channels"),
    ],
)
def test_load_features_refuses_an_onnx_file_that_leaves_something_open(
    shape, suffix, outputs, message, tmp_path, digits
):
    name = write_graph(tmp_path / "own.onnx", shape, outputs=outputs)
    with pytest.raises(InputError, match=message):
        load_features(name + suffix, digits)


def test_load_features_refuses_what_is_no_onnx_file(tmp_path, digits):
    (tmp_path / "own.onnx").write_bytes(b"none")
    with pytest.raises(InputError, match="cannot be run by onnxruntime"):
        load_features(f"onnx:{tmp_path / 'own.onnx'}", digits)
    with pytest.raises(InputError, match="there is no file"):
        load_features("onnx:absent.onnx", digits)


def test_load_features_takes_a_function_of_a_file(tmp_path, digits):
    (tmp_path / "own_rows.py").write_text(FUNCTION)
    network = load_features(f"{tmp_path / 'own_rows.py'}:rows", digits)
    np.testing.assert_allclose(image_features(network, images(230)).features, images(230).mean(axis=(2, 3)))
    assert (network.name, len(network.sha256), network.is_fixed) == ("own_rows.py:rows", 64, False)
    for name, message in (("constant", "has no function constant"), ("absent", "has no function absent")):
        with pytest.raises(InputError, match=message):
            load_features(f"{tmp_path / 'own_rows.py'}:{name}", digits)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda images: images.mean(axis=(1, 2, 3)), r"features of the type float64 and shape \[7\] of 7 images"),
        (lambda images: images[:3].reshape(3, -1) / 2.0, r"must be floats of the shape \[7, D\]"),
        (lambda images: images.reshape(7, -1), "of the type uint8"),
    ],
)
def test_image_features_refuses_what_is_no_row_for_each_image(function, message):
    network = FeatureNetwork("own", "0" * 64, lambda images: Outputs(function(images), None))
    with pytest.raises(InputError, match=message):
        image_features(network, images())


@pytest.mark.parametrize("name", ["none", "absent_module:function", "absent.py:function", ":x", "x:"])
def test_load_features_of_an_unknown_name_is_one_line(name, digits):
    with pytest.raises(InputError, match=r"must be one of classifier, inception, onnx:FILE|there is no (file|module)"):
        load_features(name, digits)


def test_load_features_takes_an_added_name(digits, monkeypatch, tmp_path):
    asked = []
    network = FeatureNetwork("own", "0" * 64, lambda images: Outputs(images.reshape(len(images), -1) / 255.0, None))
    monkeypatch.setitem(FEATURES, "own", lambda dataset, weights: asked.append((dataset, weights)) or network)
    assert load_features("own", digits, tmp_path) is network
    assert asked == [(digits, tmp_path)]
    with pytest.raises(InputError, match="leave it out"):
        load_features("classifier", digits, tmp_path)


def test_cached_features_are_computed_once_for_equal_images_and_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []
    network = FeatureNetwork(
        "own",
        "1" * 64,
        lambda images: calls.append(len(images)) or Outputs(images.reshape(len(images), -1) / 255.0, None),
    )
    first = feature_network.cached_features(network, images())
    np.testing.assert_array_equal(feature_network.cached_features(network, images().copy()).features, first.features)
    assert calls == [7]
    feature_network.cached_features(network, 255 - images())
    feature_network.cached_features(dataclasses.replace(network, sha256="2" * 64), images())
    feature_network.cached_features(dataclasses.replace(network, is_fixed=False), images())
    assert calls == [7] * 4
    for path in tmp_path.rglob("*.npz"):
        path.write_bytes(b"damaged")
    np.testing.assert_array_equal(feature_network.cached_features(network, images()).features, first.features)
    assert calls == [7] * 5


def test_an_evaluator_looks_at_the_reals_once(digits, monkeypatch, tmp_path):
    evaluator, extract, calls = load_features("classifier", digits), feature_network.extract, []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(feature_network, "extract", lambda *given: calls.append(len(given[1])) or extract(*given))
    first, again = (feature_network.cached_features(evaluator, digits.test_images) for _ in range(2))
    assert calls == [297]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
