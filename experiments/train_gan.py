"""Train a generator and a discriminator together.

Each step trains D on real images and on fakes, then G on the updated D's score of the same fakes. The same 64 latents
are drawn after every epoch, so that one sees G improve.
"""

import dataclasses
from pathlib import Path

from gan_jax import (
    RunConfig,
    gan_step,
    generate,
    init_state,
    load_dataset,
    run_keys,
    sample_latents,
    train,
)
from gan_jax.command_line import run_script
from gan_jax.run import Run


def main(settings: RunConfig) -> None:
    dataset = load_dataset(settings.dataset, settings.data_dir)
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    keys = run_keys(settings.seed)
    state = init_state(config, keys.init)
    latents = sample_latents(config, keys.display, 64)

    with Run(settings, config, dataset) as run:
        run.draw(0, generate(config, state.generator, latents))
        training = train(
            config,
            gan_step,
            state,
            dataset.train_images,
            keys,
            num_steps=run.num_steps,
            log_every=settings.log_every,
        )
        for progress in run.follow(training):
            if progress.epoch_end:
                run.draw(progress.step, generate(config, progress.state.generator, latents))


if __name__ == "__main__":
    run_script(main, RunConfig(epochs=40, output_dir=Path("runs/gan")))
