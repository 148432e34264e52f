# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A hundred seeds at once
#
# With this page you can train a hundred GANs as one program, and see how much of a result is the seed.
#
# [Open in Colab](https://colab.research.google.com/github/gan-jax/gan_jax/blob/gh-pages/notebooks/hundred_seeds.ipynb)
# and run `%pip install gan_jax` first.

# %%
import dataclasses
import time

import jax
import matplotlib.pyplot as plt
import numpy as np

from gan_jax import recipe
from gan_jax.plane import for_points, load_target, sample_many, score_modes, train_many

# %% [markdown]
# ## One program
#
# The real data are points on a ring of eight modes. `train_many` maps one training over the seeds with `jax.vmap`, and
# compiles the whole as one program. `for_points` turns a recipe into one for points in a plane; networks of width 32
# are enough here.

# %%
target = load_target("ring")
seeds = range(100)
config = dataclasses.replace(for_points(recipe("fast")), width=32)
began = time.perf_counter()
states, metrics = train_many(config, target.points, seeds, num_steps=3000)
jax.block_until_ready(states)
print(f"{len(seeds)} trainings of 3,000 steps in {time.perf_counter() - began:.1f} s, compilation included")
print("D's loss of every seed, epoch and step:", metrics["d_loss"].shape)

# %% [markdown]
# ## How different are they?
#
# A hundred samples of each generator, twenty seeds. The modes are where the dots of the last picture are.

# %%
points = np.asarray(sample_many(config, states, jax.random.key(0), 2500))
figure, axes = plt.subplots(3, 7, figsize=(9, 4), subplot_kw={"xticks": [], "yticks": []})
for seed, place in enumerate(axes.ravel()[:-1]):
    place.scatter(*points[seed, :100].T, s=1, color="black")
axes.ravel()[-1].scatter(*target.points[:500].T, s=1, color="tab:blue")
for place in axes.ravel():
    place.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
plt.show()

# %% [markdown]
# ## The seed's share of a result
#
# A mode is covered if at least twenty of 2,500 samples lie near it. One seed could have shown any of these numbers.

# %%
covered = np.array([score_modes(target.modes, one).covered for one in points])
print(f"modes covered: mean {covered.mean():.2f}, standard deviation {covered.std(ddof=1):.2f}")
plt.figure(figsize=(6, 2.5))
plt.bar(*np.unique(covered, return_counts=True))
plt.xlabel("modes covered, of 8")
plt.ylabel("seeds")
plt.show()
assert len(np.unique(covered)) > 1

# %% [markdown]
# ## A comparison that holds
#
# Two learning rates, a hundred seeds each, from the same initial weights and with the same random numbers. The interval
# is two standard errors of the mean of the paired differences.

# %%
slower = dataclasses.replace(config, learning_rate=config.learning_rate / 2)
slow_states, _ = train_many(slower, target.points, seeds, num_steps=3000)
slow_points = np.asarray(sample_many(slower, slow_states, jax.random.key(0), 2500))
slow_covered = np.array([score_modes(target.modes, one).covered for one in slow_points])
difference = covered - slow_covered
error = 2 * difference.std(ddof=1) / np.sqrt(len(difference))
print(f"modes covered more at the higher rate: {difference.mean():.2f} ± {error:.2f}")

# %% [markdown]
# [Seeds and sweeps](../use/seeds.md) does the same for images from the shell, and
# [the plane](../learn/plane.md) compares every recipe over a hundred seeds.
