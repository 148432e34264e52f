import numpy as np
import pytest

from gan_jax.pictures import curves
from gan_jax.pictures.scores import HEADINGS, save_scores_figure

random = np.random.default_rng(0)


def test_running_mean_of_known_values():
    np.testing.assert_allclose(curves.running_mean([0, 3, 6, 0], 3), [1.5, 3, 3, 3])
    np.testing.assert_allclose(curves.running_mean([0, 3, 6, 0], 1), [0, 3, 6, 0])


@pytest.mark.parametrize("steps", [1, 3, 2000])
def test_curves_hold_the_values_and_count_epochs(steps):
    history = {"d_loss": random.random(steps), "g_loss": 3 + random.random(steps), "d_g_z1": np.zeros(steps)}
    axes = curves.draw_losses(history, 100).axes[0]
    drawn = {tuple(line.get_ydata()) for line in axes.lines}
    assert tuple(history["d_loss"]) in drawn
    assert tuple(history["g_loss"]) in drawn
    assert [line.get_label() for line in axes.lines if not line.get_label().startswith("_")] == [
        "discriminator",
        "generator",
    ]
    assert axes.get_ylim()[0] == 0
    assert bool(axes.child_axes) == (steps >= 100)


def test_losses_below_zero_are_in_the_picture():
    history = {"d_loss": np.linspace(-13.0, 0.1, 50), "g_loss": np.ones(50)}
    assert curves.draw_losses(history, 10).axes[0].get_ylim()[0] < -13
    assert curves.draw_bands({"": [history]}).axes[0].get_ylim()[0] < -12.5


def test_dollars_in_names_begin_no_formula(tmp_path):
    scores = dict.fromkeys(HEADINGS, 0.5) | {"num_fakes": 9, "evaluator": r"$\bad{$"}
    save_scores_figure(tmp_path / "scores.png", {"real": scores, r"$\bad{$": scores}, {"real": scores})
