import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close

from gan_jax import AUGMENTATIONS
from gan_jax.objectives.augmentations import augment

COUNT = 400


def key():
    return jax.random.key(0)


def test_an_image_is_moved_by_at_most_an_eighth_each_way():
    one_pixel = jnp.zeros((COUNT, 16, 16, 1)).at[:, 8, 8].set(1)
    moved = np.asarray(AUGMENTATIONS["translation"](key(), one_pixel))[..., 0]
    assert (moved.sum((1, 2)) == 1).all()
    _, rows, columns = np.nonzero(moved)
    for place in (rows, columns):
        assert set(place - 8) == {-2, -1, 0, 1, 2}
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.2


def test_zeros_come_in_at_the_edges():
    moved = np.asarray(AUGMENTATIONS["translation"](key(), jnp.ones((COUNT, 16, 16, 3))))
    lost = 256 - moved[..., 0].sum((1, 2))
    assert set(np.unique(moved)) == {0, 1}
    assert lost.max() == 256 - 14 * 14
    assert lost.min() == 0


def test_a_square_of_half_the_size_is_cut_out():
    cut = np.asarray(AUGMENTATIONS["cutout"](key(), jnp.ones((COUNT, 16, 16, 1))))[..., 0]
    gone = 256 - cut.sum((1, 2))
    assert gone.max() == 64
    assert gone.min() >= 16  # a corner of the image
    rows = (cut == 0).any(2)
    assert (np.abs(np.diff(rows.astype(int), axis=1)).sum(1) <= 2).all()  # one stretch of rows


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_gradients_pass_where_pixels_do(name):
    images = jax.random.normal(jax.random.key(1), (6, 4, 4, 1))

    @jax.jit
    def augmented(images):
        changed, pull_back = jax.vjp(lambda images: AUGMENTATIONS[name](key(), images), images)
        return changed, *pull_back(jnp.ones_like(images))

    changed, gradient = augmented(images)
    added, _ = augmented(jnp.zeros_like(images))  # an augmentation is linear but for what it adds
    assert_close(jnp.sum(changed - added), jnp.sum(gradient * images), terms=jnp.sum(jnp.abs(changed)))


def test_without_a_name_images_stay_as_they_are():
    images = jnp.ones((2, 8, 8, 1))
    assert augment((), key(), images) is images
    assert not jnp.array_equal(augment(("translation", "cutout"), key(), images), images)
