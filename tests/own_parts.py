"""Parts that a test adds, which are gone after it."""

import contextlib
import sys
from unittest import mock

import gan_jax.parts
from gan_jax import AUGMENTATIONS, NETWORKS, OBJECTIVES, PENALTIES, TRACKERS


@contextlib.contextmanager
def own_parts():
    """Let files be imported and names be added."""
    with contextlib.ExitStack() as stack:
        for mapping in (AUGMENTATIONS, NETWORKS, OBJECTIVES, PENALTIES, TRACKERS, gan_jax.parts._imported, sys.modules):
            stack.enter_context(mock.patch.dict(mapping))
        stack.enter_context(mock.patch.object(sys, "path", list(sys.path)))
        yield
