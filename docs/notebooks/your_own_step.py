# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own step
#
# With this page you can write an objective and a penalty in ten lines each, train with them, and change the step
# itself.
#
# [Open in Colab](https://colab.research.google.com/github/gan-jax/gan_jax/blob/gh-pages/notebooks/your_own_step.ipynb)
# and run `%pip install gan_jax` first.

# %%
import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from gan_jax import (
    OBJECTIVES,
    PENALTIES,
    Batch,
    GanConfig,
    Objective,
    gan_step,
    generate,
    init_state,
    load_dataset,
    quantize_images,
    run_keys,
    sample_latents,
    tile_images,
    train_run,
)

# %% [markdown]
# ## An objective
#
# Non-saturating GANs minimize a softplus of the logits. What if it is a squared hinge? An objective is a pair of
# losses of logits: D's has weights for its two terms, and G's is of the fakes alone.


# %%
def squared_hinge(logits):
    return (jax.nn.relu(1 - logits) ** 2).mean()


def judge(real_logits, fake_logits, real_weight=1.0, fake_weight=1.0):
    return real_weight * squared_hinge(real_logits) + fake_weight * squared_hinge(-fake_logits)


OBJECTIVES["squared_hinge"] = Objective(judge, lambda fake_logits: -fake_logits.mean())

# %% [markdown]
# ## A penalty
#
# A penalty is added to D's loss. It takes D as a function of images, the reals, the fakes and a key. This one wants D
# to change little between an image and a copy of it with noise, which needs no gradient of a gradient.


# %%
def smoothness(critic, reals, fakes, key):
    noise = 0.1 * jax.random.normal(key, reals.shape)
    return ((critic(reals + noise) - critic(reals)) ** 2).mean()


PENALTIES["smoothness"] = smoothness

# %% [markdown]
# ## Training with both
#
# Their names are settings like any other. A penalty on single images needs a D without batch normalization.

# %%
data = Batch(jnp.asarray(load_dataset("digits").train_images))
config = GanConfig(
    width=16,
    batch_size=50,
    learning_rate=2e-3,
    objective="squared_hinge",
    penalties=("smoothness",),
    penalty_weight=10.0,
    normalization="none",
)
keys = run_keys(0)
start = init_state(config, keys.init)
state, metrics, _ = train_run(config, gan_step, start, data, keys, 15)
print({name: round(float(values[-1].mean()), 3) for name, values in metrics.items()})

# %% [markdown]
# The weight is a number that the compiled program takes as an operand, so that trying others compiles nothing.

# %%
latents = sample_latents(config, keys.display, 10)
rows = []
for weight in (0.0, 1.0, 10.0):
    weighted = dataclasses.replace(config, penalty_weight=weight)
    end, metrics, _ = train_run(weighted, gan_step, start, data, keys, 15)
    rows.append(quantize_images(generate(weighted, end.generator.variables, latents)))
    d_loss, penalty = (metrics[name][-1].mean() for name in ("d_loss", "penalty"))
    print(f"weight {weight:4}: D's loss {d_loss:.2f}, penalty {penalty:.4f}")
plt.figure(figsize=(8, 2.6))
plt.imshow(tile_images(np.concatenate(rows), columns=10, padding=2), cmap="gray")
plt.axis("off")
plt.title("penalty weights 0, 1 and 10")
plt.show()

# %% [markdown]
# ## A step around a step
#
# A step is a function, so that another one can call it. Here G learns in every second step alone: `jnp.where` chooses
# between its old and its new state, and the whole is compiled as before.


# %%
def patient_step(config, state, batch, key):
    moved, metrics = gan_step(config, state, batch, key)
    learns = state.step % 2 == 0
    generator = jax.tree.map(lambda new, old: jnp.where(learns, new, old), moved.generator, state.generator)
    return moved.replace(generator=generator), metrics


patient, metrics, _ = train_run(config, patient_step, start, data, keys, 5)
assert not jnp.allclose(metrics["d_loss"][-1], metrics["d_loss"][0])
print("D's loss after five epochs:", metrics["d_loss"][-1].mean())

# %% [markdown]
# [Write your own](../use/extend.md) has networks, sources of images and trackers, and runs that keep checkpoints and
# pictures. [A GAN in forty lines](forty_lines.py) writes a step from the beginning.
