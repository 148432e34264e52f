"""What the networks minimize: functions of logits. Imports nothing else of the package."""
