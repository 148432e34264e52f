import dataclasses
import json
from pathlib import Path

import chex
import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, RunConfig, load_dataset
from gan_jax.config import TRACED
from gan_jax.storage import run_json
from gan_jax.storage.run_json_schema import config_from_json


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"image_shape": (3, 3, 1)},
            r"image_shape is \(3, 3, 1\); it must be \(S, S, C\) with S from 4 to 4096.*resize",
        ),
        ({"image_shape": (4097, 4097, 1)}, r"image_shape is \(4097, 4097, 1\)"),
        ({"image_shape": (28, 32, 1)}, "image_shape"),
        ({"image_shape": (28, 28, 0)}, "image_shape"),
        ({"class_counts": (1, 2)}, r"class_counts is \(1, 2\); it must be 10 counts"),
        ({"num_classes": 2, "class_counts": (0, 0)}, "class_counts"),
        ({"num_classes": 2, "class_counts": (3, -1)}, "class_counts"),
        ({"latent_dim": 0}, "latent_dim is 0.*at least 1"),
        ({"width": -1}, "width is -1"),
        ({"batch_size": 1}, "batch_size is 1.*at least 2"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0.*above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"beta1": 1.0}, "beta1 is 1.0"),
        ({"precision": "float16"}, "precision is 'float16'.*'float32' or 'bfloat16'"),
        ({"initializer": "zeros"}, "initializer is 'zeros'.*'dcgan', 'lecun' or 'he'"),
        ({"real_weight": -1.0}, "real_weight is -1.0"),
        ({"learning_rate": 1e-38}, "learning_rate is 1e-38.*above 0, and so when it is rounded to float32"),
        ({"fake_weight": -1e-39}, "fake_weight is -1e-39"),
        ({"penalty_weight": 1e-39}, "penalty_weight is 1e-39.*at least 0, and so when it is rounded to float32"),
        ({"penalty_share": 1e-40}, "penalty_share is 1e-40.*at most 1, and so"),
        ({"beta1": np.float32(1e-45)}, "beta1 is 1.4"),
        ({"objective": "vanilla"}, "objective is 'vanilla'; it must be one of non_saturating, .*, relativistic"),
        ({"normalization": "layer"}, "normalization is 'layer'; it must be 'batch', 'spectral' or 'none'"),
        ({"penalties": ("r3",)}, "penalty is 'r3'; it must be one of r1, r2, gradient_penalty"),
        ({"penalties": ("r1", "r1"), "normalization": "none"}, "penalties is"),
        ({"augmentations": ("colour",)}, "augmentation is 'colour'; it must be one of translation, cutout"),
        ({"penalty_share": 0.0}, "penalty_share is 0.0; it must be above 0 and at most 1"),
        ({"critic_steps": 0}, "critic_steps is 0"),
        ({"packing": 3}, "packing is 3; it must be a divisor of batch_size, 128"),
        ({"packing": 2, "penalties": ("r1",), "normalization": "none"}, "packing is 2, but a penalty is on single"),
        ({"packing": 2, "conditional": True}, "packing is 2, but each image has its own class"),
        ({"image_shape": (2,), "augmentations": ("cutout",)}, "augmentations .* for points give none"),
        ({"ema_half_life": -1.0}, "ema_half_life is -1.0"),
        ({"ema_ramp": 0.0}, "ema_ramp is 0.0"),
        ({"discriminator_learning_rate": -1.0}, "discriminator_learning_rate is -1.0"),
        ({"penalties": ("r1",)}, "normalization is 'batch', which .* choose normalization 'none' or 'spectral'"),
        ({"objective": "relativistic"}, "relativistic compares single images"),
        ({"objective": "relativistic", "normalization": "none", "real_weight": 0.5}, "leave real_weight"),
        ({"ema_half_life": 10**400}, "ema_half_life is 1000.*it must be a number or None"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(values, complaint):
    with pytest.raises(InputError, match=complaint):
        GanConfig(**values)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"log_every": 0}, "log_every is 0"),
        ({"seed": -1}, "seed is -1.*0 to 4294967295"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"epochs": "3"}, "epochs is '3'; it must be a whole number"),
        ({"steps": True}, "steps is True; it must be a whole number or None"),
        ({"steps": np.float32(3)}, "steps is .*3.0.*; it must be a whole number or None"),
        ({"quiet": 1}, "quiet is 1; it must be True or False"),
        ({"parallel": "bogus"}, "parallel is 'bogus'; it must be 'auto', 'in_turn' or 'side_by_side'"),
        ({"image_size": 4097}, "image_size is 4097; it must be a whole number of at least 1 and at most 4096"),
        ({"schedule_steps": 0}, "schedule_steps is 0"),
        ({"schedule_steps": 2**30 + 1}, "schedule_steps is 1073741825"),
        ({"tracker": "tensorboard"}, "tracker is 'tensorboard'; it must be a tuple of text"),
        ({"gan": None}, "gan is None; it must be GanConfig"),
        ({"data_dir": 3}, "data_dir is 3; it must be a path or None"),
    ],
)
def test_a_wrong_run_value_is_named(values, complaint):
    with pytest.raises(InputError, match=complaint):
        RunConfig(output_dir=Path("somewhere"), **values)


ODD = (
    *(np.int64(32), np.uint8(2), np.float32(0.5), np.float64(1), np.bool_(True), np.str_("digits"), np.arange(30)),
    *("3", "", b"x", True, False, None, 0, 1, 1.0, 2.5, float("nan"), 10**400, 3j, object(), Path("x"), {}, {"a": 1}),
    *([], [28, 28, 1], np.array([28, 28, 1]), ["r1"], ("translation",), [True], [None], (0.5,)),
)


def accepted(kind, name):
    """What is made with each odd value that is not refused in a line."""
    for value in ODD:
        try:
            yield kind(**{"gan": GanConfig()} if kind is RunConfig else {"normalization": "none"}, **{name: value})
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", sorted({field.name for field in dataclasses.fields(GanConfig)} - {"normalization"}))
def test_any_value_of_a_setting_is_plain_or_refused(name):
    for config in accepted(GanConfig, name):
        if isinstance(getattr(config, name), np.ndarray):  # which a program maps
            assert name in TRACED
        else:
            assert hash(config) == hash(config_from_json(json.loads(json.dumps(dataclasses.asdict(config)))))


@pytest.mark.parametrize("name", sorted({field.name for field in dataclasses.fields(RunConfig)} - {"gan"}))
def test_any_value_of_a_run_setting_is_read_back_or_refused(name, monkeypatch):
    monkeypatch.setattr(run_json, "environment", lambda devices: {})
    dataset = load_dataset("digits")
    for settings in accepted(RunConfig, name):
        written = json.loads(
            json.dumps(run_json.make_run_json(settings, settings.gan, dataset, settings.schedule_steps))
        )
        read = run_json.read_settings(written)[0]
        paths = ("dataset", "data_dir", "discriminator", "start_from", "feature_weights", "output_dir")  # resolved
        if name in written["run"] and name not in paths:
            assert getattr(read, name) == getattr(settings, name)


def test_numbers_of_numpy_and_texts_of_paths_are_taken():
    gan = GanConfig(width=np.int64(8), learning_rate=np.float32(0.5), image_shape=[28, 28, np.int32(3)], beta1=0)
    assert (gan.width, gan.learning_rate, gan.image_shape) == (8, 0.5, (28, 28, 3))
    assert [type(value) for value in (gan.width, gan.learning_rate, gan.beta1)] == [int, float, float]
    run = RunConfig(gan, seed=np.uint32(7), dataset=Path("pictures"), output_dir="runs/x", quiet=np.bool_(True))
    assert (run.seed, run.dataset, run.output_dir, run.quiet) == (7, "pictures", Path("runs/x"), True)


def test_the_default_length_is_40_epochs_or_enough_images():
    lengths = {count: RunConfig().with_length(count).epochs for count in (60_000, 2_501, 2_500, 2_499, 341)}
    assert lengths == {60_000: 40, 2_501: 40, 2_500: 40, 2_499: 41, 341: 294}
    for given in (RunConfig(epochs=3), RunConfig(steps=7)):
        assert given.with_length(341) == given


def test_configs_of_equal_networks_share_one_compilation():
    @jax.jit
    @chex.assert_max_traces(n=2)
    def scaled_width(config):
        return config.width * config.learning_rate

    assert scaled_width(GanConfig(learning_rate=0.5)) == 32
    assert scaled_width(GanConfig(learning_rate=0.25)) == 16
    assert scaled_width(GanConfig(width=8, learning_rate=0.25)) == 2


def test_a_transformation_may_put_anything_in_a_config_and_a_person_may_not():
    negative = jax.tree.map(lambda value: -value, GanConfig(width=8))
    assert (negative.learning_rate, negative.beta1, negative.width) == (-2e-4, -0.5, 8)
    markers = jax.tree.map(lambda _: None, GanConfig())
    assert (markers.learning_rate, markers.initializer) == (None, "dcgan")
    with pytest.raises(InputError, match=r"learning_rate is -0\.0002"):
        dataclasses.replace(negative, beta1=0.5)
    with pytest.raises(InputError, match=r"beta1 is -0\.5"):
        GanConfig(beta1=-0.5)
