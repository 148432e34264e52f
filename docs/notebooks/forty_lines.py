# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A GAN in forty lines of functional JAX
#
# With this page you can write the training step of a GAN from public functions, train with it, and check it against
# the package's own.
#
# [Open in Colab](https://colab.research.google.com/github/gan-jax/gan_jax/blob/gh-pages/notebooks/forty_lines.ipynb)
# and run `%pip install gan_jax` first.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from gan_jax import (
    Batch,
    GanConfig,
    apply_discriminator,
    apply_generator,
    apply_gradients,
    discriminator_loss,
    gan_step,
    generate,
    generator_loss,
    init_state,
    load_dataset,
    mean_score,
    normalize_images,
    quantize_images,
    run_keys,
    sample_latents,
    tile_images,
    train_epoch,
)

# %% [markdown]
# ## The step
#
# A step takes a state and returns the next one. Nothing is changed in place: D's new weights and statistics are
# results of `learn_to_judge`, and G's of `learn_to_deceive`. The same fakes are judged twice, before D's update and
# after it.


# %%
def step(config, state, batch, key):
    g, d = state.generator, state.discriminator
    latents = sample_latents(config, key)

    def imagine(params):
        return apply_generator(config, g.with_params(params).variables, latents, train=True)

    def learn_to_judge(params, fakes):
        real_logits, variables = apply_discriminator(config, d.with_params(params).variables, batch.images, train=True)
        fake_logits, variables = apply_discriminator(config, variables, fakes, train=True)
        return discriminator_loss(real_logits, fake_logits), (variables, mean_score(real_logits))

    def learn_to_deceive(params, d):
        fakes, g_variables = imagine(params)
        logits, d_variables = apply_discriminator(config, d.variables, fakes, train=True)
        return generator_loss(logits), (g_variables, d_variables, mean_score(logits))

    fakes, _ = imagine(g.params)
    (d_loss, (variables, d_x)), gradient = jax.value_and_grad(learn_to_judge, has_aux=True)(d.params, fakes)
    d = apply_gradients(config, d, gradient, variables)

    (g_loss, aux), gradient = jax.value_and_grad(learn_to_deceive, has_aux=True)(g.params, d)
    g_variables, d_variables, d_g_z2 = aux
    g = apply_gradients(config, g, gradient, g_variables)
    d = d.replace(variables=d_variables)

    state = state.replace(step=state.step + 1, generator=g, discriminator=d)
    return state, {"d_loss": d_loss, "g_loss": g_loss, "d_x": d_x, "d_g_z2": d_g_z2}


# %% [markdown]
# ## Training
#
# `train_epoch` takes any such step. It shuffles the images, scans over the batches and compiles the whole epoch into
# one program. Each row of the picture shows the same eight latents, once every ten epochs.

# %%
data = Batch(jnp.asarray(load_dataset("digits").train_images))
config = GanConfig(width=16, batch_size=50)
keys = run_keys(0)
state = init_state(config, keys.init)

preview = sample_latents(config, keys.display, 8)
rows, history = [generate(config, state.generator.variables, preview)], []
for epoch in range(30):
    state, metrics = train_epoch(config, step, state, data, keys)
    history.append(metrics)
    if epoch % 10 == 9:
        rows.append(generate(config, state.generator.variables, preview))

# %%
pictures = quantize_images(jnp.concatenate([*rows, normalize_images(data.images[:8])]))
plt.figure(figsize=(8, 5))
plt.imshow(tile_images(np.asarray(pictures), columns=8, padding=2), cmap="gray")
plt.axis("off")
plt.title("before training, after 10, 20 and 30 epochs, and real digits")
plt.show()

# %%
plt.figure(figsize=(8, 3))
for name in ("d_x", "d_g_z2"):
    plt.plot(jnp.concatenate([epoch[name] for epoch in history]), label=name, linewidth=0.7)
plt.xlabel("step")
plt.ylabel("D's mean score")
plt.legend()
plt.show()

# %% [markdown]
# ## Is it right?
#
# The package's `gan_step` does the same, with G run forward once and more settings. One step of both from the same
# state, images and key has the same result up to rounding.

# %%
batch, key = Batch(normalize_images(data.images[:50])), jax.random.key(1)
mine, _ = jax.jit(step)(config, state, batch, key)
theirs, _ = gan_step(config, state, batch, key)
apart = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), mine.generator.params, theirs.generator.params)
print("largest difference of G's weights:", max(jax.tree.leaves(apart)))
assert max(jax.tree.leaves(apart)) < config.learning_rate / 10

# %% [markdown]
# Next: [your own step](your_own_step.py), with an objective and a penalty of your own.
