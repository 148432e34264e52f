"""Generative adversarial networks in functional JAX."""
