import dataclasses
from pathlib import Path

import chex
import jax
import pytest

from gan_jax import GanConfig, InputError, RunConfig


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"image_shape": (27, 27, 1)}, r"image_shape is \(27, 27, 1\).*resize"),
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
    ],
)
def test_a_wrong_run_value_is_named(values, complaint):
    with pytest.raises(InputError, match=complaint):
        RunConfig(output_dir=Path("somewhere"), **values)


def test_steps_override_epochs():
    assert RunConfig(epochs=3).num_steps(468) == 1404
    assert RunConfig(epochs=3, steps=7).num_steps(468) == 7


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


def test_resuming_and_overwriting_exclude_each_other():
    with pytest.raises(InputError, match="--resume"):
        RunConfig(resume=True, overwrite=True)
