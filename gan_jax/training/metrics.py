"""What the steps report, in the order in which it is shown."""

METRICS = {
    "d_loss": "D's loss without penalties; nats under the objectives with a logistic loss",
    "g_loss": "G's loss; nats under the objectives with a logistic loss",
    "d_x": "mean D(x) before D's update, in [0, 1]",
    "d_g_z1": "mean D(G(z)) before D's update, in [0, 1]",
    "d_g_z2": "mean D(G(z)) of the same fakes after D's update, in [0, 1]",
    "d_gradient_norm": "Euclidean norm of the gradient of all of D's parameters",
    "g_gradient_norm": "Euclidean norm of the gradient of all of G's parameters",
    "fake_std": "pixel_std of the fakes, in [0, 1]",
    "penalty": "the sum of D's penalties times their weight; not in d_loss",
    "g_penalty": "the sum of G's penalties times their weight; not in g_loss",
    "d_sign": "mean sign of D's logits of the reals, in [-1, 1]; where a controller needs it",
    "augmentation_probability": "what the controller ada has set for this step, in [0, 1]",
}
"""Each is ``[]`` float32. A step reports those that it has; a step of one's own may report others too."""

_ORDER = {name: place for place, name in enumerate(METRICS)}


def shown_order(name: str) -> tuple[int, str]:
    """What to sort metrics by: the order of ``METRICS``, then their names.

    Examples:
      >>> sorted(["d_x", "own", "d_loss"], key=shown_order)
      ['d_loss', 'd_x', 'own']
    """
    return _ORDER.get(name, len(_ORDER)), name
