"""Every test runs with silent broadcasting and reuse of a random key turned into errors."""

import os
import tempfile

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)

# The scripts' processes, which inherit the environment, share what they compile; the tests' own process compiles afresh.
_cache = tempfile.TemporaryDirectory(prefix="gan_jax-compiled-")
os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache.name
