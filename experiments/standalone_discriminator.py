"""Train a discriminator alone, against a generator that never learns.

D soon tells images from noise without fail, its loss falls to nearly 0, and nothing comes of it: no generator uses what
it knows. The fakes of the current batch are drawn at every logged line; they stay noise.
"""

import dataclasses
from pathlib import Path

import jax

from gan_jax import RunConfig, batch_fakes, discriminator_step, init_state, load_dataset, run_keys, train
from gan_jax.command_line import run_script
from gan_jax.run import Run


def main(settings: RunConfig) -> None:
    dataset = load_dataset(settings.dataset, settings.data_dir)
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    keys = run_keys(settings.seed)
    state = init_state(config, keys.init)

    with Run(settings, config, dataset) as run:
        run.draw(0, batch_fakes(config, state, jax.random.fold_in(keys.step, 0))[:64])
        training = train(
            config,
            discriminator_step,
            state,
            dataset.train_images,
            keys,
            num_steps=run.num_steps,
            log_every=settings.log_every,
        )
        for progress in run.follow(training):
            if progress.window_end:
                key = jax.random.fold_in(keys.step, progress.step - 1)
                run.draw(progress.step, batch_fakes(config, progress.state, key)[:64])


if __name__ == "__main__":
    run_script(main, RunConfig(epochs=5, output_dir=Path("runs/discriminator")))
