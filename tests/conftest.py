"""Every test runs with silent broadcasting and reuse of a random key turned into errors."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
