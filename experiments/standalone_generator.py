"""Train a generator alone, against an untrained discriminator that stays constant.

D's score of the fakes climbs to nearly 1 while the images stay bad: a critic that learned nothing is easy to please,
and pleasing it teaches G nothing. The fakes of the current batch are drawn at every logged line.
"""

import dataclasses
from pathlib import Path

import jax

from gan_jax import (
    GanConfig,
    RunConfig,
    batch_fakes,
    discriminate,
    generator_step,
    init_state,
    load_dataset,
    mean_score,
    run_keys,
    train,
)
from gan_jax.command_line import run_script
from gan_jax.run import Run


def main(settings: RunConfig) -> None:
    dataset = load_dataset(settings.dataset, settings.data_dir)
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    keys = run_keys(settings.seed)
    state = init_state(config, keys.init)

    with Run(settings, config, dataset) as run:
        fakes = batch_fakes(config, state, jax.random.fold_in(keys.step, 0))
        run.draw(0, fakes[:64])
        print(f"before the first batch  D(G(z)) {mean_score(discriminate(config, state.discriminator, fakes)):.3f}")
        training = train(
            config,
            generator_step,
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
    run_script(main, RunConfig(GanConfig(initializer="he"), epochs=5, output_dir=Path("runs/generator")))
