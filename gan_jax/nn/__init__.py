"""The networks, and convolutions that are fast on a CPU. Functions of arrays; imports nothing but the configuration."""
