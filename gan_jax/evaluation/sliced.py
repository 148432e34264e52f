"""The sliced Wasserstein distance between pixels, the one distance here that uses no classifier."""

import numpy as np

from gan_jax.evaluation.checks import require_image_pair


def sliced_wasserstein(
    real_images: np.ndarray, fake_images: np.ndarray, *, seed: int = 0, num_projections: int = 512
) -> float:
    r"""Wasserstein-1 distance between pixels projected on a random line, averaged over lines.

    $\frac1L \sum_l \int_0^1 |F_l^{-1}(q) - G_l^{-1}(q)|\,dq$, F and G being the distributions of the images'
    projections on a direction drawn evenly from the unit sphere (Rabin et al. 2012). The
    integral is exact for any two sample sizes.

    Bias: upwards, about as 1 / √N: two samples of one distribution are not 0 apart. The finite number of lines adds
    noise that a seed fixes, so that numbers with one seed compare. Random lines see contrast and large shapes, and
    little of fine detail.

    Args:
      real_images: ``[N, height, width, channels]`` uint8; 10,000 in the protocol.
      fake_images: ``[M, height, width, channels]`` uint8; 10,000 in the protocol.
      seed: decides the directions.
      num_projections: their number L.

    Returns:
      The distance, in pixel levels (0 to 255) along a unit direction.

    Raises:
      ValueError: the images are not uint8 of one shape.

    Examples:
      >>> black, white = np.zeros((10, 4, 4, 1), np.uint8), np.full((10, 4, 4, 1), 255, np.uint8)
      >>> sliced_wasserstein(black, black)
      0.0
      >>> sliced_wasserstein(black, white) > 50
      True
    """
    require_image_pair(real_images, fake_images, ("real_images", "fake_images"))
    real, fake = (images.reshape(len(images), -1).astype(np.float32) for images in (real_images, fake_images))
    directions = np.random.default_rng(seed).standard_normal((num_projections, real.shape[1]), np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # Levels are counted in units of 1 / (N M), so that they are whole numbers.
    levels = np.union1d(np.arange(len(real) + 1) * len(fake), np.arange(len(fake) + 1) * len(real))
    real_at, fake_at = levels[:-1] // len(fake), levels[:-1] // len(real)
    widths = np.diff(levels) / (len(real) * len(fake))
    real, fake = np.sort(directions @ real.T, axis=1), np.sort(directions @ fake.T, axis=1)
    gaps = np.abs(real[:, real_at].astype(np.float64) - fake[:, fake_at])
    return float((gaps @ widths).mean())
