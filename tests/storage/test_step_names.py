"""A step is known by a name that another process finds again."""

import functools
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from steps_of_one_name import other_module, step

from gan_jax import InputError, gan_step
from gan_jax.storage.step_names import step_name


def test_steps_of_one_name_in_two_modules_are_told_apart():
    assert step_name(step) != step_name(other_module())
    assert step_name(step).endswith(".step")
    assert step_name(jax.jit(step)) == step_name(step)


def test_a_partial_is_named_by_its_arguments():
    half, full = functools.partial(step, scale=0.5), functools.partial(step, scale=1.0)
    assert step_name(half) == f"{step_name(step)}(scale=0.5)"
    assert step_name(half) == step_name(functools.partial(step, scale=0.5))
    assert step_name(half) != step_name(full)
    arrays = [step_name(functools.partial(step, scale=np.full(2, value))) for value in (1.0, 2.0)]
    assert len(set(arrays)) == 2


def make_step(scale):
    """Steps that share their code and differ in a value from around it."""
    return lambda config, state, images, key: (state, {"loss": images.mean() * scale})


def test_names_are_the_same_in_another_process():
    program = (
        "import functools; from gan_jax import gan_step; from gan_jax.storage.step_names import step_name; "
        "make_step = lambda scale: lambda config, *rest: (rest, scale, config in {'a', 'b', 'c', 'd'}); "
        "print(step_name(functools.partial(gan_step, 1, b='x', c=(gan_step, 2.5)))); print(step_name(make_step(0.1)))"
    )
    shown = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": seed}
        ).stdout.splitlines()
        for seed in ("1", "2")
    ]
    assert shown[0] == shown[1]
    assert shown[0][0] == "gan_step(1, b='x', c=(gan_step, 2.5))"
    assert "0x" not in shown[0][1]


def test_functions_without_a_name_are_told_apart_by_their_code():
    steps = [
        lambda config, state, images, key: (state, images.mean()),
        lambda config, state, images, key: (state, images.std()),
        lambda config, state, images, key: (state, images.mean() * 2),
        lambda config, state, images, key: (state, images.mean() * 3),
        lambda config, state, images, key: (state, [image * 2 for image in images]),
        lambda config, state, images, key: (state, [image * 3 for image in images]),
        lambda config, state, images, key, scale=2: (state, images * scale),
        lambda config, state, images, key, scale=3: (state, images * scale),
        lambda config, state, images, key, *, scale=5: (state, images * scale),
        lambda config, state, images, key, *, scale=6: (state, images * scale),
    ]
    assert len({step_name(one) for one in steps}) == len(steps)
    assert not any("0x" in step_name(one) for one in steps)


def test_functions_made_by_another_are_told_apart_by_what_they_were_made_with():
    assert step_name(make_step(1.0)) == step_name(make_step(1.0))
    assert step_name(make_step(1.0)) != step_name(make_step(2.0))
    assert step_name(make_step(np.zeros(2))) != step_name(make_step(np.ones(2)))
    with pytest.raises(InputError, match="cannot be recorded"):
        step_name(make_step(object()))


def test_a_step_around_another_has_a_name_of_its_own():
    @functools.wraps(gan_step)
    def louder(config, state, images, key):
        return gan_step(config, state, 2 * images, key)

    assert step_name(louder).partition("#")[0].endswith("louder")
    assert step_name(jax.jit(louder)) == step_name(louder)


def test_what_has_no_name_is_refused():
    class Callable:
        def __call__(self, config, state, images, key):
            return state, {}

    for unnamed in (Callable(), functools.partial(step, scale=object())):
        with pytest.raises(InputError, match="cannot be recorded"):
            step_name(unnamed)
