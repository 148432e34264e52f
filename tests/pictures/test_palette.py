"""The colours of a plane, as the page's scripts draw them."""

import numpy as np
from matplotlib import colormaps

from gan_jax.pictures.plane import palette


def test_palette_is_that_of_the_documents_landscapes():
    stops = np.array(palette()["landscape"])
    shares = np.linspace(0, 1, 256)
    between = np.stack([np.interp(shares, np.linspace(0, 1, len(stops)), channel) for channel in stops.T], axis=1)
    drawn = 255 * (1 - 0.8 * (1 - colormaps["PuOr_r"](shares)[:, :3]))  # with opacity 0.8 on white
    assert np.abs(between - drawn).max() < 2
