# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The constant critic
#
# With this page you can show that a generator whose critic does not learn gets a score of nearly 1, and makes images
# that are no better than before.
#
# [Open in Colab](https://colab.research.google.com/github/gan-jax/gan_jax/blob/gh-pages/notebooks/constant_critic.ipynb)
# and run `%pip install gan_jax` first.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from gan_jax import (
    Batch,
    GanConfig,
    gan_step,
    generate,
    generator_step,
    init_state,
    load_dataset,
    quantize_images,
    run_keys,
    sample_latents,
    tile_images,
    train_run,
)
from gan_jax.evaluation import sliced_wasserstein

# %% [markdown]
# ## Two trainings from the same start
#
# `gan_step` trains both networks. `generator_step` trains G against a D that stays constant, here one that never
# learned anything. Everything else is equal: weights, images, latents. The weights begin with He's initialization, so
# that the score of an untrained D is not flat ([the lesson](../learn/lesson.md) says why).

# %%
data = load_dataset("digits")
images = jnp.asarray(data.train_images)
config = GanConfig(width=16, batch_size=50, initializer="he")
keys = run_keys(0)
start = init_state(config, keys.init)
preview = sample_latents(config, keys.display, 256)

ends, histories = {"before training": start}, {}
for name, step in {"G and D together": gan_step, "G alone, D constant": generator_step}.items():
    ends[name], histories[name], _ = train_run(config, step, start, Batch(images), keys, 30)

# %% [markdown]
# ## What D says of the fakes
#
# By this number, the only one that a loop of G alone can print, the second generator is far better.

# %%
plt.figure(figsize=(8, 3))
for name, metrics in histories.items():
    plt.plot(metrics["d_g_z2"].ravel(), label=name, linewidth=0.8)
plt.xlabel("step")
plt.ylabel("D's score of the fakes")
plt.legend()
plt.show()
score = float(histories["G alone, D constant"]["d_g_z2"].ravel()[-1])
print(f"the constant D's last score of the fakes: {score:.3f}")
assert score > 0.99

# %% [markdown]
# ## What the images are
#
# The distance of the pixels from those of real digits, by a measure that took no part in the training, says the
# opposite. So does a look.

# %%
pictures, distances = [], {}
for name, state in ends.items():
    fakes = np.asarray(quantize_images(generate(config, state.generator.variables, preview)))
    pictures.append(fakes[:10])
    distances[name] = sliced_wasserstein(data.test_images[:256], fakes)
    print(f"{name:22} pixel W1 {distances[name]:6.1f}")
plt.figure(figsize=(8, 3.4))
plt.imshow(tile_images(np.concatenate([*pictures, data.train_images[:10]]), columns=10, padding=2), cmap="gray")
plt.axis("off")
plt.title("before training; together; G alone; real digits")
plt.show()
assert distances["G and D together"] < distances["before training"] / 2
assert distances["G alone, D constant"] > distances["before training"] / 2

# %% [markdown]
# ## Was D really constant?
#
# A step is a pure function, so that there is nothing to forget: D is an input of `generator_step`, and comes back as
# it was, bit for bit.

# %%
same = jax.tree.map(lambda a, b: bool((a == b).all()), start.discriminator, ends["G alone, D constant"].discriminator)
assert all(jax.tree.leaves(same))
print("D is the same, bit for bit")

# %% [markdown]
# G climbs D's score as a function of the image. When that function is constant, its maximum is some texture that has
# nothing to do with digits. Only a D that reacts to the fakes can say what is wrong with them.
# [The lesson](../learn/lesson.md) shows this on Fashion-MNIST with controls and three seeds.
