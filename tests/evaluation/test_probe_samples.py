"""Samples of other programs in every usual form, and files of evaluators and scores that hold what they should not."""

import json

import numpy as np
import pytest
from damaged import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_jax import InputError, load_dataset
from gan_jax.cli.evaluate import evaluate
from gan_jax.cli.report_page import of_many
from gan_jax.cli.sources import holds_samples, load_samples
from gan_jax.evaluation import Evaluator, load_anchors, store
from gan_jax.evaluation.store import read_evaluator, save_evaluator
from gan_jax.files import user_cache
from gan_jax.pictures.image_files import in_channels, load_images
from gan_jax.sweeps.report import _known_outcome

random = np.random.default_rng(0)
GREY, COLOUR = random.integers(0, 256, (9, 28, 28, 1), np.uint8), random.integers(0, 256, (9, 32, 32, 3), np.uint8)

RIGHT = {
    "[N, H, W]": (GREY[..., 0], GREY),
    "[N, H, W, 1]": (GREY, GREY),
    "[N, H, W, 3]": (COLOUR, COLOUR),
    "[N, H, W, 3] of grey": (GREY.repeat(3, axis=3), GREY),
    "[N, 1, H, W]": (np.moveaxis(GREY, 3, 1), GREY),
    "[N, 3, H, W]": (np.moveaxis(COLOUR, 3, 1), COLOUR),
    "[N, 3, H, W] of grey": (np.moveaxis(GREY.repeat(3, axis=3), 3, 1), GREY),
    "Fortran's order": (np.asfortranarray(COLOUR), COLOUR),
    "an oblong, channels first": (np.moveaxis(COLOUR[:, :20], 3, 1), COLOUR[:, :20]),
}


@pytest.mark.parametrize("form", ["samples.npy", "images"])
@pytest.mark.parametrize("case", RIGHT)
def test_samples_in_any_usual_form_are_the_same_images(case, form, tmp_path):
    array, images = RIGHT[case]
    path = tmp_path / (form if form.endswith(".npy") else "samples.npz")
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        np.savez(path, **{form: array})
    assert holds_samples(path)
    np.testing.assert_array_equal(in_channels(load_images(path), images.shape[3]), images)


@pytest.mark.parametrize(
    ("images", "channels", "found"),
    [
        (GREY, 3, GREY.repeat(3, axis=3)),
        (GREY.repeat(3, axis=3), 1, GREY),
        (COLOUR * np.uint8(0), 3, COLOUR * np.uint8(0)),
        (COLOUR, 1, COLOUR),
    ],
)
def test_in_channels_repeats_grey_and_takes_one_of_three_that_are_equal(images, channels, found):
    np.testing.assert_array_equal(in_channels(images, channels), found)


def test_a_folder_of_pictures_holds_samples_and_a_folder_of_runs_none(tmp_path):
    fakes, runs = tmp_path / "fakes", tmp_path / "runs"
    for folder, name in ((fakes, "{:02d}.png"), (runs, "bands{}.png")):
        folder.mkdir()
        for number, image in enumerate(GREY):
            Image.fromarray(image[..., 0]).save(folder / name.format(number))
    (runs / "summary.json").write_text("[]")
    assert holds_samples(fakes)
    assert not holds_samples(runs)
    assert not holds_samples(tmp_path)
    np.testing.assert_array_equal(load_samples(fakes), GREY)
    Image.fromarray(COLOUR[0]).save(fakes / "99.png")
    with pytest.raises(InputError, match=r"99\.png is \(32, 32\) and .*00\.png \(28, 28\); samples have one size"):
        load_samples(fakes)


FLOATS = r"from|of floats in \[0, 1\] take \(255 \* x\)\.round\(\), of \[-1, 1\] \(127\.5 \* \(x \+ 1\)\)\.round\(\)"
WRONG = {
    "floats in [0, 1]": (GREY / 255, FLOATS),
    "big-endian floats": (GREY.astype(">f4"), FLOATS),
    "signed bytes": (GREY.astype(np.int8), r"arr_0 is int8 \[9, 28, 28, 1\]; it must be uint8 \[N, H, W\]"),
    "truths": (GREY > 99, "arr_0 is bool"),
    "one image": (GREY[0, ..., 0], r"uint8 \[28, 28\]; it must be"),
    "two channels": (COLOUR[..., :2], r"uint8 \[9, 32, 32, 2\]; it must be"),
    "transparency": (np.zeros((9, 28, 28, 4), np.uint8), r"uint8 \[9, 28, 28, 4\]; it must be"),
    "videos": (GREY[None], r"uint8 \[1, 9, 28, 28, 1\]; it must be"),
    "no images": (GREY[:0], "the number of images in .* is 0; it must be from 8"),
    "few images": (GREY[:7], "the number of images in .* is 7; it must be from 8"),
    "no pixels": (np.zeros((9, 0, 0, 1), np.uint8), r"has images of \(0, 0, 1\), digits of \(28, 28, 1\)"),
    "images of no height, many": (np.zeros((10**9, 0, 28), np.uint8), "is 1000000000; it must be from 8"),
    "images of another size": (COLOUR, r"of \(28, 28, 1\); name its --dataset, or give --image-size 32 --channels 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_other_samples_are_refused_in_a_line_that_says_what_is_allowed(case, tmp_path):
    array, complaint = WRONG[case]
    np.savez(tmp_path / "samples.npz", arr_0=array)
    with pytest.raises(InputError, match=complaint) as error:
        evaluate(tmp_path / "samples.npz", dataset="digits")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npz"]


@EXAMPLES
def test_an_array_of_any_shape_is_images_or_refused(examples, tmp_path):
    @settings(max_examples=examples)
    @given(st.lists(st.integers(0, 4), max_size=5), st.sampled_from(["u1", "f4", ">i2"]))
    def holds(shape, dtype):
        np.save(tmp_path / "x.npy", np.zeros(shape, dtype))
        try:
            images = load_images(tmp_path / "x.npy")
        except InputError as error:
            assert "it must be uint8" in str(error)  # noqa: PT017
        else:
            assert dtype == "u1"
            assert images.ndim == 4
            assert images.shape[3] in (1, 3)
            assert len(images) == shape[0]

    holds()


def short(text):
    """A test's name."""
    return ascii(text)[:20]


EVALUATOR = Evaluator({"logits/bias": np.zeros(10, np.float32)}, "quick", 0.95, 10, "hash", "not at all")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"accuracy": "high"}, "its accuracy is 'high'"),
        ({"num_classes": 1.5}, r"its num_classes is 1\.5"),
        ({"name": None}, "its name is None"),
        ({"training": [[]]}, r"its training is \[\[\]\]"),
        ({"sha256": None}, "do not have the sha256"),
        ({"sha256": "0" * 64}, "do not have the sha256"),
        ({"dataset_hash": {}}, r"its dataset_hash is \{\}"),
    ],
)
def test_an_evaluator_that_tells_something_else_is_refused(changes, complaint, tmp_path):
    path = tmp_path / "evaluator.npz"
    save_evaluator(path, EVALUATOR)
    assert read_evaluator(path).name == "quick"
    with np.load(path) as archive:
        arrays = dict(archive)
    told = json.loads(str(arrays["metadata"])) | changes
    np.savez(path, **arrays | {"metadata": np.array(json.dumps(told))})
    with pytest.raises(InputError, match=complaint) as error:
        read_evaluator(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"x"', "{" * 9, "[" * 100_000, "\x00", "[1, 2", "{}"], ids=short)
def test_metadata_of_another_form_is_refused(text, tmp_path):
    np.savez(tmp_path / "evaluator.npz", metadata=np.array(text), **{"weights/logits/bias": np.zeros(10)})
    with pytest.raises(InputError, match="cannot be read as an evaluator"):
        read_evaluator(tmp_path / "evaluator.npz")


KEPT = ["", "[]", "3", "{}", '{"real": 3}', '{"real": {"frechet_distance": "low"}}', "[" * 100_000, "\ufeff{}"]


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.mark.parametrize("text", KEPT, ids=short)
def test_anchors_of_another_form_are_measured_again(text, digits, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(store, "anchors", lambda *arguments, **options: {"real": {"frechet_distance": 0.5}})
    wanted = load_anchors(EVALUATOR, digits)
    (path,) = (user_cache() / "anchors").iterdir()
    path.write_text(text, encoding="utf-8")
    assert load_anchors(EVALUATOR, digits) == wanted
    assert json.loads(path.read_text()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        *KEPT,
        '{"step": 4}',
        '{"format": 2, "step": 4, "diverged": null, "collapsed": true, "scores": {}}',
        '{"format": 2, "step": 4, "diverged": null, "collapsed": true, "scores": {"frechet_distance": 3}}',
    ],
    ids=short,
)
def test_outcomes_of_another_form_are_measured_again(text, tmp_path):
    (tmp_path / "outcome.json").write_text(text, encoding="utf-8")
    assert _known_outcome(tmp_path / "outcome.json", 4, EVALUATOR) == {}


@pytest.mark.parametrize(
    "text",
    [
        *KEPT,
        '[{"name": "../../other", "scores": {"frechet_distance": 1}}]',
        '[{"name": "/etc", "scores": {"frechet_distance": 1}}]',
        '[{"name": 3, "scores": {"frechet_distance": 1}}]',
        '[{"name": "a", "scores": {"frechet_distance": "<b>"}}]',
        '[{"name": "a"}]',
    ],
)
def test_a_summary_of_another_form_or_of_other_folders_is_refused(text, tmp_path):
    (tmp_path / "summary.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"summary\.json is no summary of runs .*; restore it from a copy") as error:
        of_many(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["arr_0", "images"])
def test_labels_beside_samples_do_not_matter(name, tmp_path):
    np.savez(tmp_path / "samples.npz", labels=np.zeros(9), **{name: GREY})
    np.testing.assert_array_equal(load_images(tmp_path / "samples.npz"), GREY)
