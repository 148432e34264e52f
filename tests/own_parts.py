"""Parts that a test adds, which are gone after it."""

import contextlib
import sys
from unittest import mock

import gan_jax.parts
from gan_jax import (
    AUGMENTATIONS,
    CONTROLLERS,
    CURVES,
    GAMES,
    GENERATOR_PENALTIES,
    NETWORKS,
    OBJECTIVES,
    OPTIMIZERS,
    PENALTIES,
    TRACKERS,
)

REGISTRIES = (
    *(AUGMENTATIONS, CONTROLLERS, CURVES, GAMES, GENERATOR_PENALTIES, NETWORKS, OBJECTIVES, OPTIMIZERS, PENALTIES),
    TRACKERS,
)


@contextlib.contextmanager
def own_parts(*, forget: bool = False):
    """Let files be imported and names be added; ``forget`` what was imported before."""
    with contextlib.ExitStack() as stack:
        for mapping in (*REGISTRIES, gan_jax.parts._imported, sys.modules):
            stack.enter_context(mock.patch.dict(mapping))
        stack.enter_context(mock.patch.object(sys, "path", list(sys.path)))
        if forget:
            gan_jax.parts._imported.clear()
        yield
