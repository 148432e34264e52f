"""Features that need no training: the mean of each row and of each column of an image."""

import numpy as np


def rows(images):
    return np.concatenate([images.mean(axis=(2, 3)), images.mean(axis=(1, 3))], axis=1) / 255.0
