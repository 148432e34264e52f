"""A page of one file in which a trained generator runs: what is in it, and how it is packed."""
