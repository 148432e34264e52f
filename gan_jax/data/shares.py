"""Parts of a data set in which every class has its share: labels to ask for, and rows to take."""

import numpy as np


def labels_in_shares(counts: np.ndarray, num_labels: int) -> np.ndarray:
    """Labels of which each is as frequent as in some data, all spread evenly over the places.

    The numbers are whole by the method of largest remainders. Where all counts are equal, the labels are 0, 1, 2 and so
    on, again and again.

    Args:
      counts: ``[classes]`` whole numbers, at least one above 0; how often the data have each label.
      num_labels: how many labels.

    Returns:
      ``[num_labels]`` int32, from 0 to the number of classes - 1.

    Examples:
      >>> labels_in_shares(np.array([3, 0, 1]), 8).tolist()
      [0, 0, 2, 0, 0, 0, 2, 0]
    """
    counts = np.asarray(counts, np.int64)
    numbers, remainders = np.divmod(num_labels * counts, counts.sum())
    numbers[np.argsort(-remainders, kind="stable")[: num_labels - numbers.sum()]] += 1
    places = np.concatenate([(np.arange(number) + 0.5) / number for number in numbers])
    return np.repeat(np.arange(len(counts), dtype=np.int32), numbers)[np.argsort(places, kind="stable")]


def sample_rows(labels: np.ndarray, num_rows: int, seed: int) -> np.ndarray:
    """Rows of a data set at random, of each class its share.

    Args:
      labels: ``[N]`` int, the data set's.
      num_rows: how many; all N, in another order, if there are no more.
      seed: decides which.

    Returns:
      ``[min(num_rows, N)]`` int64, all different.

    Examples:
      >>> sample_rows(np.repeat([0, 1, 2], 100), 6, seed=0) // 100
      array([0, 1, 2, 0, 1, 2])
    """
    by_class = rows_by_class(labels, seed)
    chosen = labels_in_shares(np.array([len(rows) for rows in by_class]), min(num_rows, len(labels)))
    sample = np.empty(len(chosen), np.int64)
    for label, rows in enumerate(by_class):
        places = np.flatnonzero(chosen == label)
        sample[places] = rows[: len(places)]
    return sample


def rows_by_class(labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """The rows of each class that there is, in a random order."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
