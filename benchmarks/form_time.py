"""Time the joint step with each form of convolution, to see from how many images and channels on each pays.

python benchmarks/form_time.py --json docs/results/form_time.json

All forms of a size take turns in one process. *at points* takes ``toom_cook``'s form for every layer that has one, and
*native between* for none. *native* takes native convolutions at the images too, and *native, with zeros* also puts
zeros between the outputs of every layer's adjoint. *as chosen* is what training takes.
"""

import dataclasses
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
import tyro
from machine import describe_machine, write_figures
from tables import forms_table
from timing import Form, neighbours, race, random_data

from gan_jax import Batch, GanConfig, gan_step, init_state, run_keys, scan_steps
from gan_jax.nn import convolution, patches, toom_cook
from gan_jax.training.compiled import compiler_options

# By form, from how many images on the points are used, by channels; convolution.py's limit for narrow layers; and how
# much the patches may hold.
FORMS = {
    "as chosen": (toom_cook._FEWEST_IMAGES, convolution._CHANNEL_PAIRS_PER_IMAGE, patches._MOST),
    "at points": ({16: 0}, convolution._CHANNEL_PAIRS_PER_IMAGE, patches._MOST),
    "native between": ({}, convolution._CHANNEL_PAIRS_PER_IMAGE, patches._MOST),
    "native": ({}, convolution._CHANNEL_PAIRS_PER_IMAGE, 0),
    "native, with zeros": ({}, 0, 0),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    batches: tuple[int, ...] = (16, 32, 64, 128)
    """Images in a batch."""
    widths: tuple[int, ...] = (16, 32, 64)
    """The networks' widths."""
    rounds: int = 7
    """Turns of each form."""
    steps: int = 3
    """Steps in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    print(f"{describe_machine()}\n")
    races = {}
    for width in settings.widths:
        for batch_size in settings.batches:
            config = GanConfig(batch_size=batch_size, width=width)
            name = f"{batch_size} × {width}"
            races[name] = race({kind: form(config, kind, settings.steps) for kind in FORMS}, settings.rounds)
            print(
                f"{name}: {', '.join(f'{kind} {one.median:.0f} ms' for kind, one in races[name].items())}", flush=True
            )
    figures = {name: {kind: timing.as_dict() for kind, timing in one.items()} for name, one in races.items()}
    print(f"\n{forms_table(figures)}\n\n{neighbours(races.values())}")
    write_figures(settings, sizes=figures)


def form(config: GanConfig, kind: str, steps: int) -> Form:
    """A few joint steps with one form of convolution, compiled while the thresholds are this form's."""
    images, order = (jnp.asarray(array) for array in random_data(config, steps))
    keys = run_keys(0)
    state, batches = init_state(config, keys.init), Batch(images[order])
    program = jax.jit(scan_steps, static_argnames="step", compiler_options=compiler_options(jax.default_backend()))
    jax.clear_caches()  # JAX must not reuse what it traced with another form
    fewest_images, channel_pairs, most = FORMS[kind]
    with (
        mock.patch.object(toom_cook, "_FEWEST_IMAGES", fewest_images),
        mock.patch.object(convolution, "_CHANNEL_PAIRS_PER_IMAGE", channel_pairs),
        mock.patch.object(patches, "_MOST", most),
    ):
        compiled = program.lower(config, gan_step, state, batches, keys.step).compile()
    jax.clear_caches()
    return Form(lambda: jax.block_until_ready(compiled(config, state, batches, keys.step)), steps)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
