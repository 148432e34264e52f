"""``python -m gan_jax`` is ``gan-jax``."""

from gan_jax.cli import main

if __name__ == "__main__":
    main()
