"""Many runs: what they are, training them, and what they say together. Imports every room but cli."""
