"""Every test runs with silent broadcasting and reuse of a random key turned into errors."""

import os
import tempfile

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)

# The scripts' processes inherit the environment and share what they compile; the tests' own compile afresh.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="gan_jax-compiled-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache.name
    os.environ["XDG_CACHE_HOME"] = _cache.name
jax.config.update("jax_compilation_cache_dir", None)
